/* SPDX-License-Identifier: MIT */
/* transfer.c - start a hop, watch its progress, and end it. */
#include "transfer.h"

#include <errno.h>
#include <string.h>

#include "call.h"
#include "easy_handle.h"
#include "private_address.h"
#include "session.h"
#include "transfer_error.h"
#include "url.h"

static struct http_transfer *transfer_of_source(struct http_source *s)
{
    return (struct http_transfer *)(void *)((char *)s - offsetof(struct http_transfer, source));
}

static void link_active(async_http_session *s, struct http_transfer *t)
{
    t->prev = NULL;
    t->next = s->active;
    if (t->next)
        t->next->prev = t;
    s->active = t;
}

static void unlink_active(async_http_session *s, struct http_transfer *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        s->active = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->next = t->prev = NULL;
}

/* --- measuring --- */

static curl_off_t get_number(CURL *easy, CURLINFO what)
{
    curl_off_t n = 0;
    curl_easy_getinfo(easy, what, &n);
    return n;
}

static double get_seconds(CURL *easy, CURLINFO what)
{
    return (double)get_number(easy, what) / 1e6;
}

/* libcurl counts each phase from the start of the hop, and leaves 0 for a phase that did not
 * happen. */
static void add_times(struct http_transfer *t)
{
    struct http_response *res = t->res;
    async_http_times *v = &res->pub.times;
    double dns = get_seconds(t->io.easy, CURLINFO_NAMELOOKUP_TIME_T);
    double connect = get_seconds(t->io.easy, CURLINFO_CONNECT_TIME_T);
    double tls = get_seconds(t->io.easy, CURLINFO_APPCONNECT_TIME_T);
    double first = get_seconds(t->io.easy, CURLINFO_STARTTRANSFER_TIME_T);
    v->dns += dns;
    if (connect > dns)
        v->connect += connect - dns;
    if (tls > connect)
        v->tls += tls - connect;
    v->ttfb = first > 0 ? res->hop_began - res->began + first : 0;
}

static int version_number(long version)
{
    return version == CURL_HTTP_VERSION_1_0   ? 10
           : version == CURL_HTTP_VERSION_1_1 ? 11
           : version == CURL_HTTP_VERSION_2_0 ? 20
           : version == CURL_HTTP_VERSION_3   ? 30
                                              : 0;
}

/* Copy the address, the HTTP version and the number of bytes received from the handle to the
 * response. */
static void measure_transfer(struct http_transfer *t)
{
    struct http_response *res = t->res;
    const char *ip = NULL;
    long version = 0;
    curl_easy_getinfo(t->io.easy, CURLINFO_PRIMARY_IP, &ip);
    curl_easy_getinfo(t->io.easy, CURLINFO_HTTP_VERSION, &version);
    size_t n = ip ? strnlen(ip, sizeof res->remote_ip - 1) : 0;
    if (n)
        memcpy(res->remote_ip, ip, n);
    res->remote_ip[n] = '\0';
    res->pub.version = version_number(version);
    res->pub.wire_size = (uint64_t)get_number(t->io.easy, CURLINFO_SIZE_DOWNLOAD_T);
}

/* --- the end --- */

/* Only the handle has the times and the address of the connection, so they are taken first. */
static void transfer_detach(struct http_transfer *t)
{
    struct http_response *res = t->res;
    async_callback_cancel(&t->stall.timer);
    measure_transfer(t);
    add_times(t);
    http_driver_remove(&t->io);
    unlink_active(t->session, t);
    res->source = NULL;
    t->res = NULL;
    http_permit_release(&t->permit);
    http_handle_give(t);
}

static void transfer_end(struct http_transfer *t, int code)
{
    struct http_response *res = t->res;
    transfer_detach(t);
    http_response_finish(res, code);
}

/* libcurl has finished. If the response refused the rest of a redirect's body, libcurl reports that
 * as an error, but the hop is good. If the server closed the connection in the middle of the
 * headers, libcurl reports a success, but the hop is not good. */
static void transfer_done(struct http_transfer *t, CURLcode rc)
{
    struct http_response *res = t->res;
    int code = 0;
    if (res->error.kind != ASYNC_HTTP_OK)
        code = res->error.code;
    else if (rc != CURLE_OK && !res->body_refused)
        code = http_transfer_fail(t, rc);
    else if (res->headers_done)
        code = http_response_check_end(res);
    else
        code = http_fail_errno(&res->error, ASYNC_HTTP_RESET, -ENODATA,
                               "connection closed before the response headers were complete");
    transfer_end(t, code);
}

void http_transfers_end(async_http_session *s, enum async_http_error kind, const char *why)
{
    while (s->active)
        transfer_end(s->active, http_fail(&s->active->res->error, kind, "%s", why));
}

/* --- what the driver reports --- */

/* New transfers are at the front of the list. */
static void prepare_new(void *owner)
{
    async_http_session *s = owner;
    for (struct http_transfer *t = s->active; t && !t->url_parsed; t = t->next)
        http_handle_parse_url(t);
}

static bool may_connect(void *owner, const struct sockaddr *a)
{
    const async_http_session *s = owner;
    return !s->o.no_private || !http_address_private(a);
}

static void handle_done(void *owner, struct http_attachment *a, CURLcode rc)
{
    (void)owner;
    transfer_done((struct http_transfer *)a, rc);
}

static void handle_unwatched(void *owner, struct http_attachment *a)
{
    (void)owner;
    struct http_transfer *t = (struct http_transfer *)a;
    transfer_end(t, http_fail_errno(&t->res->error, ASYNC_HTTP_RESOURCES, a->socket_error,
                                    "cannot watch a socket: %s", strerror(-a->socket_error)));
}

static void multi_lost(void *owner, struct http_driver *d, const char *why)
{
    async_http_session *s = owner;
    for (struct http_transfer *t = s->active, *next; t; t = next) {
        next = t->next;
        if (t->io.driver == d)
            transfer_end(t, http_fail(&t->res->error, ASYNC_HTTP_RESOURCES, "%s", why));
    }
}

const struct http_driver_ops http_transfer_driver_ops = {
    .prepare = prepare_new,
    .may_connect = may_connect,
    .done = handle_done,
    .unwatched = handle_unwatched,
    .lost = multi_lost,
};

/* --- what the response calls --- */

static int source_status(struct http_source *s)
{
    long status = 0;
    curl_easy_getinfo(transfer_of_source(s)->io.easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static void source_measure(struct http_source *s)
{
    measure_transfer(transfer_of_source(s));
}

/* If delivering fails, the result of this call is the only report; the driver sends none. */
static void source_resume(struct http_source *s)
{
    struct http_transfer *t = transfer_of_source(s);
    CURLcode rc = http_driver_resume(&t->io);
    if (rc != CURLE_OK)
        transfer_done(t, rc);
}

static void source_stop(struct http_source *s)
{
    transfer_detach(transfer_of_source(s));
}

static const struct http_source_ops source_ops = {
    .status = source_status,
    .measure = source_measure,
    .resume = source_resume,
    .stop = source_stop,
};

/* --- the stall timeout --- */

static uint64_t count_bytes(struct http_transfer *t)
{
    curl_off_t down = get_number(t->io.easy, CURLINFO_SIZE_DOWNLOAD_T);
    curl_off_t up = get_number(t->io.easy, CURLINFO_SIZE_UPLOAD_T);
    return (uint64_t)(down + up) + t->res->header_bytes;
}

/* The stall timeout does not apply while connecting, which has a timeout of its own, nor while the
 * stream's reader is the slow side. */
static bool stall_excused(struct http_transfer *t)
{
    return get_number(t->io.easy, CURLINFO_PRETRANSFER_TIME_T) == 0 || t->res->paused;
}

static void stall_check(void *arg);

static void stall_start_timer(struct http_transfer *t)
{
    async_call_later(&t->stall.timer, t->stall.timeout / 8, stall_check, t);
}

/* End the transfer if no byte has moved for the stall timeout. Otherwise check again later. */
static void stall_check(void *arg)
{
    struct http_transfer *t = arg;
    uint64_t progress = count_bytes(t);
    double now = async_time();
    if (progress != t->stall.progress || stall_excused(t)) {
        t->stall.progress = progress;
        t->stall.moved = now;
    } else if (now - t->stall.moved >= t->stall.timeout) {
        transfer_end(t, http_fail(&t->res->error, ASYNC_HTTP_TIMEOUT, "stalled: no data for %g s",
                                  t->stall.timeout));
        return;
    }
    stall_start_timer(t);
}

/* --- the start --- */

static void transfer_attach(struct http_transfer *t, struct http_response *res, double stall)
{
    res->source = &t->source;
    res->hop_began = t->stall.moved = async_time();
    t->stall.progress = 0;
    t->stall.timeout = stall;
    if (stall < ASYNC_FOREVER)
        stall_start_timer(t);
}

/* The FNV-1a hash of the origin. */
static uint32_t hash_origin(const char *url)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0, n = http_url_origin(url); i < n; i++)
        h = (h ^ (unsigned char)url[i]) * 16777619U;
    return h;
}

/* Each origin has a first driver, so that requests to it find the connections of earlier ones, and
 * goes on to the next drivers while that one is busy. Requests that may share one connection all go
 * to the first driver. */
static struct http_driver *choose_driver(const struct http_call *c)
{
    async_http_session *s = c->session;
    const char *url = c->res->pub.url;
    int n = s->driver_count;
    int first = n > 1 ? (int)(hash_origin(url) % (uint32_t)n) : 0;
    bool shares = !c->o.http1 && !c->stream && http_url_is_https(url);
    for (int i = 0; i < n && !shares; i++) {
        struct http_driver *d = &s->drivers[(first + i) % n];
        if (d->added < HTTP_DRIVER_REQUESTS)
            return d;
    }
    return &s->drivers[first];
}

/* Prepare the handle and give it to a driver. Returns 0; an error, stored in the response. */
static int transfer_launch(struct http_transfer *t, const struct http_call *c)
{
    int r = http_handle_prepare(t, c);
    if (r < 0)
        return r;
    CURLMcode rc = http_driver_add(choose_driver(c), &t->io);
    if (rc == CURLM_OK)
        return 0;
    return http_fail(&c->res->error, ASYNC_HTTP_RESOURCES, "libcurl cannot start a request: %s",
                     curl_multi_strerror(rc));
}

int http_transfer_start(struct http_call *c, struct http_permit *permit)
{
    async_http_session *s = c->session;
    struct http_transfer *t = http_handle_take(s, &c->res->error);
    if (!t)
        return c->res->error.code;
    t->source.ops = &source_ops;
    t->res = c->res;
    int r = transfer_launch(t, c);
    if (r < 0) {
        http_handle_free(t);
        return r;
    }
    t->permit = *permit;
    *permit = (struct http_permit){ 0 };
    link_active(s, t);
    transfer_attach(t, c->res, c->o.stall_timeout);
    return 0;
}
