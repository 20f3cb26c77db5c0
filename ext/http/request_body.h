/* SPDX-License-Identifier: MIT */
/* request_body.h - which of a call's options is the body of the request. */
#ifndef ASYNCIO_HTTP_REQUEST_BODY_H
#define ASYNCIO_HTTP_REQUEST_BODY_H

struct http_call;

/* Set c->body, its size and its type from the options. Returns 0; an error, stored in the
 * response. */
int http_body_choose(struct http_call *c);

#endif
