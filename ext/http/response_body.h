/* SPDX-License-Identifier: MIT */
/* response_body.h - the body of a response as libcurl delivers it. */
#ifndef ASYNCIO_HTTP_RESPONSE_BODY_H
#define ASYNCIO_HTTP_RESPONSE_BODY_H

#include <stddef.h>

struct http_response;

enum http_body_result {
    HTTP_BODY_TAKEN,
    HTTP_BODY_PAUSED, /* nothing was taken: deliver it again after http_source_ops.resume() */
    HTTP_BODY_FAILED  /* the transfer must end; the error is in res, unless res->body_refused */
};

/* Take n bytes, decompressed. */
enum http_body_result http_response_body(struct http_response *res, const char *data, size_t n);

#endif
