/* SPDX-License-Identifier: MIT */
/* answer.c - what a handler answers: kept in the request until the handler has ended, then given to MHD. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

/* No control characters: a line break in a header would begin another one. */
static bool value_ok(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

static bool name_ok(const char *name)
{
    static const char special[] = "!#$%&'*+-.^_`|~";
    for (const char *p = name; *p; p++)
        if (!((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') && !(*p >= '0' && *p <= '9') &&
            !strchr(special, *p))
            return false;
    return *name;
}

static bool answer_ok(int status, const char *type)
{
    return status >= 200 && status <= 599 && (!type || value_ok(type));
}

int web_answer_check(const async_web_request *rq, int status, const char *type)
{
    if (rq->status || rq->phase == WEB_ENDED)
        return async_fail(-EALREADY, "the request has an answer");
    if (!answer_ok(status, type))
        return async_fail(-EINVAL, "bad status or type: %d", status);
    return 0;
}

/* A response with its type, or NULL: no memory. */
static struct MHD_Response *with_type(struct MHD_Response *r, const char *type)
{
    if (r && type && MHD_add_response_header(r, "Content-Type", type) != MHD_YES) {
        MHD_destroy_response(r);
        return NULL;
    }
    return r;
}

/* Make it the answer; response is ours from now on. NULL: it could not be made. */
int web_answer_set(async_web_request *rq, int status, const char *type, struct MHD_Response *response)
{
    response = with_type(response, type);
    if (!response)
        return -ENOMEM;
    rq->response = response;
    rq->status = status;
    return 0;
}

static int respond(async_web_request *rq, int status, const char *type, void *bytes, size_t size,
                   enum MHD_ResponseMemoryMode mode)
{
    int r = web_answer_check(rq, status, type);
    if (r < 0)
        return r;
    return web_answer_set(rq, status, type,
                          MHD_create_response_from_buffer(size, size ? bytes : "", mode));
}

int async_web_respond(async_web_request *rq, int status, const char *type, const void *bytes, size_t size)
{
    return respond(rq, status, type, (void *)(uintptr_t)bytes, size,
                   size ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
}

int async_web_respond_static(async_web_request *rq, int status, const char *type, const void *bytes,
                             size_t size)
{
    return respond(rq, status, type, (void *)(uintptr_t)bytes, size, MHD_RESPMEM_PERSISTENT);
}

int async_web_respond_owned(async_web_request *rq, int status, const char *type, void *bytes, size_t size)
{
    int r = -ENOMEM;
    struct MHD_Response *response = NULL;
    if (size == 0) {
        free(bytes);
        return async_web_respond_static(rq, status, type, "", 0);
    }
    if ((r = web_answer_check(rq, status, type)) < 0 ||
        !(response = MHD_create_response_from_buffer(size, bytes, MHD_RESPMEM_MUST_FREE))) {
        free(bytes);
        return r < 0 ? r : -ENOMEM;
    }
    return web_answer_set(rq, status, type, response);
}

int async_web_json(async_web_request *rq, int status, const char *json)
{
    return async_web_respond(rq, status, "application/json", json, strlen(json));
}

int async_web_text(async_web_request *rq, int status, const char *fmt, ...)
{
    static const char type[] = "text/plain; charset=utf-8";
    char buf[256], *big;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(buf, sizeof buf, fmt, args);
    va_end(args);
    if (n < 0)
        return -EINVAL;
    if ((size_t)n < sizeof buf)
        return async_web_respond(rq, status, type, buf, (size_t)n);
    va_start(args, fmt);
    n = vasprintf(&big, fmt, args);
    va_end(args);
    return n < 0 ? -ENOMEM : async_web_respond_owned(rq, status, type, big, (size_t)n);
}

int async_web_redirect(async_web_request *rq, int status, const char *location)
{
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
        return async_fail(-EINVAL, "%d is no redirect", status);
    int r = web_answer_check(rq, status, NULL);
    if (r < 0 || (r = async_web_add_header(rq, "Location", location)) < 0)
        return r;
    return async_web_respond_static(rq, status, NULL, "", 0);
}

int async_web_add_header(async_web_request *rq, const char *name, const char *value)
{
    if (rq->streaming || (rq->phase == WEB_ENDED))
        return async_fail(-EALREADY, "the headers have gone");
    if (!name_ok(name) || !value_ok(value) || strcasecmp(name, "Content-Length") == 0 ||
        strcasecmp(name, "Transfer-Encoding") == 0 ||
        (strcasecmp(name, "Connection") == 0 && strcasecmp(value, "close") != 0))
        return async_fail(-EINVAL, "a header that may not be set");
    struct web_header *h = web_alloc(rq, sizeof *h), **end = &rq->headers;
    char *n = web_copy(rq, name, strlen(name)), *v = web_copy(rq, value, strlen(value));
    if (!h || !n || !v)
        return -ENOMEM;
    while (*end)
        end = &(*end)->next;
    *h = (struct web_header){ NULL, n, v };
    *end = h;
    return 0;
}

/* --- pages --- */

async_web_page *async_web_page_new(int status, const char *type, const void *bytes, size_t size)
{
    if (!answer_ok(status, type)) {
        errno = EINVAL;
        return NULL;
    }
    async_web_page *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    *p = (async_web_page){ status, type ? strdup(type) : NULL, bytes, size, NULL };
    p->response = with_type(
            MHD_create_response_from_buffer(size, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT),
            type);
    if (!p->response || (type && !p->type)) {
        async_web_page_free(p);
        errno = ENOMEM;
        return NULL;
    }
    return p;
}

void async_web_page_free(async_web_page *p)
{
    if (!p)
        return;
    if (p->response)
        MHD_destroy_response(p->response);
    free((char *)(uintptr_t)p->type);
    free(p);
}

int async_web_send(async_web_request *rq, const async_web_page *p)
{
    int r = web_answer_check(rq, p->status, NULL);
    if (r < 0)
        return r;
    rq->page = p;
    rq->status = p->status;
    return 0;
}

/* --- to MHD --- */

/* For a request without a handler's answer. Without memory there is none: the connection is closed. */
void web_answer_plain(async_web_request *rq, int status)
{
    char text[128];
    int n = snprintf(text, sizeof text, "%d %s\n", status, MHD_get_reason_phrase_for((unsigned)status));
    if (web_answer_set(rq, status, "text/plain; charset=utf-8",
                       MHD_create_response_from_buffer((size_t)n, text, MHD_RESPMEM_MUST_COPY)) < 0)
        rq->status = 0;
}

/* A page belongs to many: one that needs headers of its own becomes a response of its own. */
static bool unshare_page(async_web_request *rq)
{
    const async_web_page *p = rq->page;
    rq->page = NULL;
    return web_answer_set(rq, p->status, p->type,
                          MHD_create_response_from_buffer(p->size, (void *)(uintptr_t)p->bytes,
                                                          MHD_RESPMEM_PERSISTENT)) == 0;
}

static bool add_headers(async_web_request *rq)
{
    for (const struct web_header *h = rq->headers; h; h = h->next)
        if (MHD_add_response_header(rq->response, h->name, h->value) != MHD_YES)
            return false;
    return !rq->server->stopping ||
           MHD_add_response_header(rq->response, "Connection", "close") == MHD_YES;
}

/* From MHD's callbacks only. */
enum MHD_Result web_answer_queue(async_web_request *rq)
{
    if (rq->gone || rq->status == 0)
        return MHD_NO;
    rq->server->queued = true;
    if (rq->page && !rq->headers && !rq->server->stopping)
        return MHD_queue_response(rq->mhd, (unsigned)rq->status, rq->page->response);
    if ((rq->page && !unshare_page(rq)) || !add_headers(rq))
        return MHD_NO;
    enum MHD_Result r = MHD_queue_response(rq->mhd, (unsigned)rq->status, rq->response);
    MHD_destroy_response(rq->response);
    rq->response = NULL;
    return r;
}
