/* SPDX-License-Identifier: MIT */
/* error.c - kinds of errors with their names and errnos. */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name;
    int code;
} kinds[] = {
    [ASYNC_HTTP_OK] = { "ok", 0 },
    [ASYNC_HTTP_BAD_URL] = { "bad-url", -EINVAL },
    [ASYNC_HTTP_BAD_REQUEST] = { "bad-request", -EINVAL },
    [ASYNC_HTTP_SCHEME] = { "scheme", -EPROTONOSUPPORT },
    [ASYNC_HTTP_FORBIDDEN] = { "forbidden", -EACCES },
    [ASYNC_HTTP_DNS] = { "dns", -EHOSTUNREACH },
    [ASYNC_HTTP_CONNECT] = { "connect", -ECONNREFUSED },
    [ASYNC_HTTP_PROXY] = { "proxy", -EPROTO },
    [ASYNC_HTTP_TLS] = { "tls", -EPROTO },
    [ASYNC_HTTP_CERTIFICATE] = { "certificate", -EKEYREJECTED },
    [ASYNC_HTTP_TIMEOUT] = { "timeout", -ETIMEDOUT },
    [ASYNC_HTTP_RESET] = { "reset", -ECONNRESET },
    [ASYNC_HTTP_PROTOCOL] = { "protocol", -EPROTO },
    [ASYNC_HTTP_TOO_LARGE] = { "too-large", -ENOBUFS },
    [ASYNC_HTTP_REDIRECTS] = { "redirects", -ELOOP },
    [ASYNC_HTTP_STATUS] = { "status", -EREMOTEIO },
    [ASYNC_HTTP_CLOSED] = { "closed", -EPIPE },
    [ASYNC_HTTP_CANCELED] = { "canceled", -ECANCELED },
    [ASYNC_HTTP_RESOURCES] = { "resources", -ENOMEM },
};

const char *async_http_error_name(enum async_http_error e)
{
    return (size_t)e < sizeof kinds / sizeof *kinds ? kinds[e].name : "unknown";
}

static int ASYNC_FORMAT(4, 0) store_error(struct http_error *e, enum async_http_error kind,
                                          int code, const char *fmt, va_list ap)
{
    if (e->kind != ASYNC_HTTP_OK)
        return e->code;
    e->kind = kind;
    e->code = code;
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    return code;
}

int http_fail(struct http_error *e, enum async_http_error kind, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int r = store_error(e, kind, kinds[kind].code, fmt, ap);
    va_end(ap);
    return r;
}

int http_fail_errno(struct http_error *e, enum async_http_error kind, int err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int r = store_error(e, kind, err, fmt, ap);
    va_end(ap);
    return r;
}
