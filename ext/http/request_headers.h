/* SPDX-License-Identifier: MIT */
/* request_headers.h - the headers of a request, which come from the session, the call, the body and
 * the authorization. */
#ifndef ASYNCIO_HTTP_REQUEST_HEADERS_H
#define ASYNCIO_HTTP_REQUEST_HEADERS_H

#include <asyncio/http.h>

struct http_call;
struct http_error;

/* Returns whether s is a token of HTTP, as methods and the names of headers are. */
bool http_is_token(const char *s);

/* Check that pairs of names and values from the user cannot end a line early, and do not contradict
 * what the library sends itself. pairs may be NULL. Returns 0; -EINVAL, stored in e. */
int http_headers_check(const char *const *pairs, struct http_error *e);

/* Make s->plain_headers, for requests that add nothing to the session's headers. Returns 0;
 * -ENOMEM. */
int http_headers_prepare(async_http_session *s);

/* Set c->headers for the next hop. Returns 0; an error, stored in the response. */
int http_headers_build(struct http_call *c);

#endif
