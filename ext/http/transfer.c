/* SPDX-License-Identifier: MIT */
/* transfer.c - one hop: attached to a response while libcurl works on it, and detached in one
 * place. */
#include "http_internal.h"

#include <stdlib.h>

static void list_add(async_http_session *s, struct http_transfer *t)
{
    t->prev = NULL;
    t->next = s->active;
    if (t->next)
        t->next->prev = t;
    s->active = t;
}

static void list_remove(async_http_session *s, struct http_transfer *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        s->active = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->next = t->prev = NULL;
}

/* --- stalls --- */

static uint64_t progress_of(struct http_transfer *t)
{
    curl_off_t down = 0, up = 0;
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    return (uint64_t)(down + up) + t->res->header_bytes;
}

/* Until the request is being sent there is nothing to stall, the limit of connecting goes; while
 * the reader of a stream is the slow one, it is not the server's fault. */
static bool excused(struct http_transfer *t)
{
    curl_off_t sent = 0;
    curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
    return sent == 0 || t->res->paused;
}

static void stall_check(void *arg);

static void stall_arm(struct http_response *res)
{
    async_call_later(&res->stall_timer, res->stall / 8, stall_check, res);
}

static void stall_check(void *arg)
{
    struct http_response *res = arg;
    uint64_t progress = progress_of(res->transfer);
    double now = async_time();
    if (progress != res->progress || excused(res->transfer)) {
        res->progress = progress;
        res->moved = now;
    } else if (now - res->moved >= res->stall) {
        int code = http_fail(&res->error, ASYNC_HTTP_TIMEOUT, "not a byte for %g s", res->stall);
        http_transfer_end(res->transfer, code);
        return;
    }
    stall_arm(res);
}

/* --- begin --- */

static void begun(const struct http_call *c)
{
    struct http_response *res = c->res;
    res->hop_began = res->moved = async_time();
    res->progress = 0;
    res->stall = c->o.stall_timeout;
    if (res->stall < ASYNC_FOREVER)
        stall_arm(res);
}

int http_transfer_begin(struct http_call *c, struct http_permit *permit)
{
    async_http_session *s = c->session;
    struct http_transfer *t = http_driver_open(s) == 0 ? http_handle_take(s) : NULL;
    if (!t)
        return -ENOMEM;
    t->res = c->res;
    if (http_handle_prepare(t, c) < 0 || curl_multi_add_handle(s->multi, t->easy) != CURLM_OK) {
        http_transfer_destroy(t);
        return -ENOMEM;
    }
    t->permit = *permit;
    *permit = (struct http_permit){ 0 };
    c->res->transfer = t;
    list_add(s, t);
    begun(c);
    return 0;
}

/* --- end --- */

static double info_seconds(CURL *easy, CURLINFO what)
{
    curl_off_t us = 0;
    curl_easy_getinfo(easy, what, &us);
    return (double)us / 1e6;
}

/* libcurl counts each phase from the start of the hop, and leaves 0 for what did not come to pass. */
static void take_times(struct http_transfer *t)
{
    async_http_times *v = &t->res->pub.times;
    double dns = info_seconds(t->easy, CURLINFO_NAMELOOKUP_TIME_T);
    double connect = info_seconds(t->easy, CURLINFO_CONNECT_TIME_T);
    double tls = info_seconds(t->easy, CURLINFO_APPCONNECT_TIME_T);
    double first = info_seconds(t->easy, CURLINFO_STARTTRANSFER_TIME_T);
    v->dns += dns;
    if (connect > dns)
        v->connect += connect - dns;
    if (tls > connect)
        v->tls += tls - connect;
    v->ttfb = first > 0 ? t->res->hop_began - t->res->began + first : 0;
}

static int version_number(long version)
{
    return version == CURL_HTTP_VERSION_1_0   ? 10
           : version == CURL_HTTP_VERSION_1_1 ? 11
           : version == CURL_HTTP_VERSION_2_0 ? 20
           : version == CURL_HTTP_VERSION_3   ? 30
                                              : 0;
}

/* What is known of the connection, which only the handle knows: before it is detached, and for a
 * stream when its headers are complete. */
void http_transfer_note(struct http_transfer *t)
{
    struct http_response *res = t->res;
    const char *ip = NULL;
    curl_off_t wire = 0;
    long version = 0;
    curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &ip);
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &wire);
    size_t n = ip ? strnlen(ip, sizeof res->remote_ip - 1) : 0;
    if (n)
        memcpy(res->remote_ip, ip, n);
    res->remote_ip[n] = '\0';
    res->pub.version = version_number(version);
    res->pub.wire_size = (uint64_t)wire;
}

void http_transfer_detach(struct http_transfer *t)
{
    async_http_session *s = t->session;
    struct http_response *res = t->res;
    async_callback_cancel(&res->stall_timer);
    http_transfer_note(t);
    take_times(t);
    curl_multi_remove_handle(s->multi, t->easy);
    list_remove(s, t);
    res->transfer = NULL;
    t->res = NULL;
    http_permit_release(&t->permit);
    http_handle_give(t);
}

void http_transfer_end(struct http_transfer *t, int code)
{
    struct http_response *res = t->res;
    http_transfer_detach(t);
    http_response_over(res, code);
}

/* A redirect's body beyond what is worth reading was refused by on_body: the hop is good all the
 * same. */
void http_transfer_done(struct http_transfer *t, CURLcode rc)
{
    struct http_response *res = t->res;
    int code = 0;
    if (res->error.kind != ASYNC_HTTP_OK)
        code = res->error.code;
    else if (rc != CURLE_OK && !(res->redirect && res->discarded > HTTP_MAX_DISCARD))
        code = http_fail_curl(t, rc);
    http_transfer_end(t, code);
}
