/* SPDX-License-Identifier: MIT */
/* error.h - why a request failed: a kind, a negative errno and a message. */
#ifndef ASYNCIO_HTTP_ERROR_H
#define ASYNCIO_HTTP_ERROR_H

#include <asyncio/http.h>

struct http_error {
    enum async_http_error kind; /* ASYNC_HTTP_OK until there is an error */
    int code;                   /* its negative errno */
    char text[160];
};

/* Store an error, unless one is stored already, because the first is the cause of those that
 * follow. Returns the stored code. http_fail() takes the usual errno of the kind. */
int http_fail(struct http_error *e, enum async_http_error kind, const char *fmt, ...)
        ASYNC_FORMAT(3, 4);
int http_fail_errno(struct http_error *e, enum async_http_error kind, int err, const char *fmt, ...)
        ASYNC_FORMAT(4, 5);

#endif
