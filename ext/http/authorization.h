/* SPDX-License-Identifier: MIT */
/* authorization.h - the Authorization header of a request. */
#ifndef ASYNCIO_HTTP_AUTHORIZATION_H
#define ASYNCIO_HTTP_AUTHORIZATION_H

struct http_call;

/* Set c->auth from the options, or from the user and password of the URL (or NULL), which the
 * options replace. The line is wiped when the response is freed. Returns 0; or an error,
 * which is stored in the response. */
int http_auth_choose(struct http_call *c, const char *user, const char *password);

#endif
