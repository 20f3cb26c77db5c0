/* SPDX-License-Identifier: MIT */
/* redirect.h - from one hop of a request to the next. */
#ifndef ASYNCIO_HTTP_REDIRECT_H
#define ASYNCIO_HTTP_REDIRECT_H

struct http_call;

/* Prepare the hop to which the response leads that c has received. Returns 0; an error, stored in
 * the response. */
int http_redirect_follow(struct http_call *c);

#endif
