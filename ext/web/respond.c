/* SPDX-License-Identifier: MIT */
/* respond.c - how a handler sets its response. The response is kept in the request, and MHD gets it
 * when the handler has ended. */
#include "request.h"

#include <asyncio/error.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns 0, or an error if the request has a response or these are no valid parts of one. */
static int check_response(const async_web_request *rq, int status, const char *type)
{
    if (rq->response.status || rq->phase == WEB_ENDED)
        return async_fail(-EALREADY, "the request already has a response");
    return web_response_check(status, type);
}

static int set_response(async_web_request *rq, int status, const char *type, const void *bytes,
                        size_t size, enum MHD_ResponseMemoryMode mode)
{
    int r = check_response(rq, status, type);
    if (r < 0)
        return r;
    void *body = (void *)(uintptr_t)(size ? bytes : "");
    return web_response_set(&rq->response, status, type,
                            MHD_create_response_from_buffer(size, body, mode), size);
}

int async_web_respond(async_web_request *rq, int status, const char *type, const void *bytes,
                      size_t size)
{
    return set_response(rq, status, type, bytes, size,
                        size ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
}

int async_web_respond_static(async_web_request *rq, int status, const char *type, const void *bytes,
                             size_t size)
{
    return set_response(rq, status, type, bytes, size, MHD_RESPMEM_PERSISTENT);
}

/* MHD frees the bytes with its response. Before it has one, and for an empty body, we do. */
int async_web_respond_owned(async_web_request *rq, int status, const char *type, void *bytes,
                            size_t size)
{
    struct MHD_Response *body = NULL;
    if (size == 0) {
        free(bytes);
        return async_web_respond_static(rq, status, type, "", 0);
    }
    int r = check_response(rq, status, type);
    if (r == 0)
        body = MHD_create_response_from_buffer(size, bytes, MHD_RESPMEM_MUST_FREE);
    if (!body) {
        free(bytes);
        return r < 0 ? r : -ENOMEM;
    }
    return web_response_set(&rq->response, status, type, body, size);
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
        return async_fail(-EINVAL, "%d is not the status of a redirect", status);
    int r = check_response(rq, status, NULL);
    if (r < 0 || (r = async_web_add_header(rq, "Location", location)) < 0)
        return r;
    return async_web_respond_static(rq, status, NULL, "", 0);
}

int async_web_send(async_web_request *rq, const async_web_page *p)
{
    int r = check_response(rq, 200, NULL); /* the page's own status was checked when it was made */
    if (r == 0)
        web_response_set_page(&rq->response, p);
    return r;
}

int async_web_status(const async_web_request *rq)
{
    return rq->response.status;
}

int async_web_add_header(async_web_request *rq, const char *name, const char *value)
{
    if (rq->stream.begun || rq->phase == WEB_ENDED)
        return async_fail(-EALREADY, "the headers of the response have been sent");
    return web_response_add_header(&rq->response, &rq->arena, name, value);
}
