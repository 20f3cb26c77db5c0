/* SPDX-License-Identifier: MIT */
/* stream.h - pass what is received to the task that reads a stream. */
#ifndef ASYNCIO_HTTP_STREAM_H
#define ASYNCIO_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct http_response;

/* Returns whether enough is kept for a slow reader; sets res->paused to the same. */
bool http_stream_is_full(struct http_response *res);

/* Pass n bytes to the task that reads, and keep what it has no room for. Returns false if there is
 * no memory; the error is stored in res. */
bool http_stream_put(struct http_response *res, const char *data, size_t n);

#endif
