/* SPDX-License-Identifier: MIT */
/* transfer.h - one hop of a request, with its easy handle, the response that it fills and the
 * permit that it holds.
 *
 * A transfer is attached to its response while libcurl works on it. It ends by the driver (done or
 * failed), by the task (cancelled), by the caller (a stream is freed early), by the stall timeout
 * or by the session (closed). In each case transfer_detach() takes it off the response, and no
 * callback of libcurl can reach the response afterwards. */
#ifndef ASYNCIO_HTTP_TRANSFER_H
#define ASYNCIO_HTTP_TRANSFER_H

#include "driver.h"
#include "limits.h"
#include "response.h"

struct http_call;

struct http_transfer {
    struct http_attachment io; /* first: what the driver reports is the transfer */
    struct http_source source; /* what the response calls */
    async_http_session *session;
    struct http_response *res;         /* NULL in the pool */
    struct http_transfer *next, *prev; /* in session->active or session->pool */
    struct http_permit permit;
    struct {
        async_callback timer;
        double timeout;    /* seconds; ASYNC_FOREVER: none */
        double moved;      /* async_time() of the latest progress that was seen */
        uint64_t progress; /* bytes in both directions by then */
    } stall;

    /* how easy_handle.c has set up the easy handle, so that it sets only what differs */
    CURLU *url;
    bool url_parsed; /* url is that of this hop */
    bool method_set;   /* a method other than GET, or a body */
    bool small_buffer; /* it reads less at a time, see choose_buffer() */
    bool http1;
    const struct http_proxy *proxy;
    double connect_timeout;
    char error_text[CURL_ERROR_SIZE]; /* written by libcurl */
};

/* Reports of the driver; their owner is the session. */
extern const struct http_driver_ops http_transfer_driver_ops;

/* Start the next hop of c, and attach it to c->res. Returns 0, and has taken over the permit; an
 * error, and has not. */
int http_transfer_start(struct http_call *c, struct http_permit *permit);

/* End all transfers of a session with this error. */
void http_transfers_end(async_http_session *s, enum async_http_error kind, const char *why);

#endif
