/* SPDX-License-Identifier: MIT */
/* response_headers.h - the headers of a response as libcurl delivers them. */
#ifndef ASYNCIO_HTTP_RESPONSE_HEADERS_H
#define ASYNCIO_HTTP_RESPONSE_HEADERS_H

#include <stddef.h>

struct http_response;

/* Take one line of the status line, the headers or the trailers: n bytes with their line end, at
 * least 1. Returns n; 0 if the transfer must end, and the error is stored in res. */
size_t http_response_header(struct http_response *res, const char *data, size_t n);

#endif
