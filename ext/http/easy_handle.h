/* SPDX-License-Identifier: MIT */
/* easy_handle.h - make libcurl's easy handles, configure them for a request, and keep them for the
 * next one. */
#ifndef ASYNCIO_HTTP_EASY_HANDLE_H
#define ASYNCIO_HTTP_EASY_HANDLE_H

#include <asyncio/http.h>

struct http_call;
struct http_error;
struct http_transfer;

/* Returns an idle transfer of the session with its handle, or a new one; NULL with an error in e if
 * it cannot be made. */
struct http_transfer *http_handle_take(async_http_session *s, struct http_error *e);

/* Put a detached transfer into the session's pool. If the pool is full or the session is closed,
 * free it. */
void http_handle_give(struct http_transfer *t);

void http_handle_free(struct http_transfer *t);

/* Free all that are in the pool. */
void http_handles_free(async_http_session *s);

/* Set the handle's options for the next hop of c. Returns 0; an error, stored in the response. */
int http_handle_prepare(struct http_transfer *t, const struct http_call *c);

/* Parse the URL of the hop for libcurl, after http_handle_prepare() and on the loop's stack. */
void http_handle_parse_url(struct http_transfer *t);

#endif
