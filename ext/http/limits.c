/* SPDX-License-Identifier: MIT */
/* limits.c - queues for permits, one for each origin and one for the session. */
#include "limits.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "url.h"

enum { ORIGIN_MAX = 320 }; /* bytes; no valid origin is longer. What is longer shares records */

enum origin_state { ORIGIN_UNTRIED, ORIGIN_CONNECTING, ORIGIN_TRIED };

struct http_origin {
    char *name; /* "http://host:port", in lower case */
    async_semaphore free;
    enum origin_state state; /* of its first connection */
    async_event tried;       /* set in state ORIGIN_TRIED */
    int users;               /* requests that wait here or hold a permit */
};

void http_limits_init(struct http_limits *l, int total, int per_origin)
{
    l->total = total < 0 ? 0 : total;
    l->per_origin = per_origin < 0 ? 0 : per_origin;
    l->free.value = l->total;
}

/* --- records of origins --- */

static int compare_origins(const void *a, const void *b)
{
    return strcmp(((const struct http_origin *)a)->name, ((const struct http_origin *)b)->name);
}

static char *write_origin(const char *url, char name[ORIGIN_MAX])
{
    size_t n = http_url_origin(url);
    if (n >= ORIGIN_MAX)
        n = ORIGIN_MAX - 1;
    for (size_t i = 0; i < n; i++)
        name[i] = url[i] >= 'A' && url[i] <= 'Z' ? (char)(url[i] + 32) : url[i];
    name[n] = '\0';
    return name;
}

static struct http_origin *origin_new(struct http_limits *l, const char *name)
{
    struct http_origin *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->free.value = l->per_origin;
    o->name = strdup(name);
    if (o->name && tsearch(o, &l->origins, compare_origins))
        return o;
    free(o->name);
    free(o);
    return NULL;
}

/* The record of an origin lives as long as a request waits there or holds a permit. */
static struct http_origin *origin_ref(struct http_limits *l, const char *url)
{
    char name[ORIGIN_MAX];
    struct http_origin key = { .name = write_origin(url, name) };
    struct http_origin **known = tfind(&key, &l->origins, compare_origins);
    struct http_origin *o = known ? *known : origin_new(l, name);
    if (o)
        o->users++;
    return o;
}

static void origin_unref(struct http_limits *l, struct http_origin *o)
{
    if (--o->users)
        return;
    tdelete(o, &l->origins, compare_origins);
    free(o->name);
    free(o);
}

/* --- permits --- */

static int await_origin_unit(struct http_permit *p, const char *url)
{
    struct http_limits *l = p->limits;
    struct http_origin *o = origin_ref(l, url);
    if (!o)
        return -ENOMEM;
    int r = l->per_origin ? await_semaphore_acquire(&o->free) : 0;
    if (r < 0)
        origin_unref(l, o);
    else
        p->origin = o;
    return r;
}

/* Over HTTP/2 all requests to an origin can share one connection. So the first request goes ahead;
 * the others wait until it has a connection or has failed, and then all start at once. */
static int await_first_connection(struct http_permit *p)
{
    struct http_origin *o = p->origin;
    if (o->state == ORIGIN_TRIED)
        return 0;
    if (o->state == ORIGIN_CONNECTING)
        return await_event_wait(&o->tried);
    o->state = ORIGIN_CONNECTING;
    p->connects = true;
    return 0;
}

void http_permit_connected(struct http_permit *p)
{
    if (!p->connects)
        return;
    p->connects = false;
    p->origin->state = ORIGIN_TRIED;
    async_event_set(&p->origin->tried);
}

/* The origin's unit is acquired first, because a request that waits for a busy origin must not hold
 * a unit of the session that requests to other origins could use. */
int await_http_permit(struct http_limits *l, const char *url, bool shares, struct http_permit *ret)
{
    struct http_permit p = { .limits = l };
    int r = l->per_origin || shares ? await_origin_unit(&p, url) : 0;
    if (r == 0 && shares)
        r = await_first_connection(&p);
    if (r == 0 && l->total) {
        r = await_semaphore_acquire(&l->free);
        p.counted = r == 0;
    }
    if (r < 0)
        http_permit_release(&p);
    else
        *ret = p;
    return r;
}

/* A request that ends without a connection counts as a try, so the requests that wait for it go
 * on. */
void http_permit_release(struct http_permit *p)
{
    struct http_limits *l = p->limits;
    if (p->counted)
        async_semaphore_release(&l->free);
    if (p->origin) {
        http_permit_connected(p);
        if (l->per_origin)
            async_semaphore_release(&p->origin->free);
        origin_unref(l, p->origin);
    }
    *p = (struct http_permit){ 0 };
}
