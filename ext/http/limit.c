/* SPDX-License-Identifier: MIT */
/* limit.c - when a request may start: how many at a time, in the session and to one origin, and
 * whether it had better wait for a connection that is being made.
 *
 * libcurl has limits itself, of connections. It keeps the requests beyond them in one list for all
 * hosts and retries its head whenever any connection comes free, so that a busy host at the head
 * starves the others; here each origin has its own queue, first come first served, and the time spent
 * in it is known. The like holds for CURLOPT_PIPEWAIT: requests for a host that does not answer wait
 * for each other's limits of time, one after the other. */
#include "http_internal.h"

#include <search.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct http_host *)a)->origin, ((const struct http_host *)b)->origin);
}

#define ORIGIN_MAX 320 /* no name is that long; longer ones share a record */

static char *origin_of(const char *url, char origin[ORIGIN_MAX])
{
    size_t n = http_url_origin(url);
    if (n >= ORIGIN_MAX)
        n = ORIGIN_MAX - 1;
    for (size_t i = 0; i < n; i++)
        origin[i] = url[i] >= 'A' && url[i] <= 'Z' ? (char)(url[i] + 32) : url[i];
    origin[n] = '\0';
    return origin;
}

static struct http_host *host_new(async_http_session *s, const char *origin)
{
    struct http_host *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->free.value = s->limit_per_host;
    h->origin = strdup(origin);
    if (h->origin && tsearch(h, &s->hosts, compare))
        return h;
    free(h->origin);
    free(h);
    return NULL;
}

/* The record of an origin lives as long as somebody waits there or holds a place. */
static struct http_host *host_ref(async_http_session *s, const char *url)
{
    char origin[ORIGIN_MAX];
    struct http_host key = { .origin = origin_of(url, origin) };
    struct http_host **known = tfind(&key, &s->hosts, compare);
    struct http_host *h = known ? *known : host_new(s, origin);
    if (h)
        h->users++;
    return h;
}

static void host_unref(async_http_session *s, struct http_host *h)
{
    if (--h->users)
        return;
    tdelete(h, &s->hosts, compare);
    free(h->origin);
    free(h);
}

static int await_host(async_http_session *s, const char *url, struct http_slot *slot)
{
    struct http_host *h = host_ref(s, url);
    if (!h)
        return -ENOMEM;
    int r = s->limit_per_host ? await_semaphore_acquire(&h->free) : 0;
    if (r < 0)
        host_unref(s, h);
    else
        slot->host = h;
    return r;
}

/* Over HTTP/2 all requests to an origin can share one connection. So the first one goes ahead, the
 * others wait until it has its connection, or has failed, and then go all at once. */
static int await_gate(struct http_host *h, struct http_slot *slot)
{
    if (h->gate == HTTP_GATE_OPEN)
        return 0;
    if (h->gate == HTTP_GATE_OPENING)
        return await_event_wait(&h->opened);
    h->gate = HTTP_GATE_OPENING;
    slot->opens = true;
    return 0;
}

void http_slot_connected(struct http_slot *slot)
{
    if (!slot->opens)
        return;
    slot->opens = false;
    slot->host->gate = HTTP_GATE_OPEN;
    async_event_set(&slot->host->opened);
}

/* The origin's place first: a request that waits for a busy origin must not keep others from
 * theirs. When the session is closed, whoever holds a place gives it up, so each waiter in turn
 * gets one and hands it on here. */
int await_http_slot(async_http_session *s, const char *url, bool shares, struct http_slot *slot)
{
    int r = s->limit_per_host || shares ? await_host(s, url, slot) : 0;
    if (r == 0 && shares)
        r = await_gate(slot->host, slot);
    if (r == 0 && s->limit && (r = await_semaphore_acquire(&s->total)) == 0)
        slot->held = true;
    if (r == 0 && s->closed)
        r = -EPIPE;
    if (r < 0)
        http_slot_release(s, slot);
    return r;
}

void http_slot_release(async_http_session *s, struct http_slot *slot)
{
    if (slot->held)
        async_semaphore_release(&s->total);
    if (slot->host) {
        http_slot_connected(slot); /* or failed: the others may try */
        if (s->limit_per_host)
            async_semaphore_release(&slot->host->free);
        host_unref(s, slot->host);
    }
    *slot = (struct http_slot){ 0 };
}
