/* SPDX-License-Identifier: MIT */
/* url.h - read, encode, compare and resolve URLs. */
#ifndef ASYNCIO_HTTP_URL_H
#define ASYNCIO_HTTP_URL_H

#include "arena.h"
#include "error.h"

struct http_url {
    const char *text;      /* as it is requested, without user and password; in the arena */
    char *user, *password; /* decoded; NULL if the URL has none */
};

/* Read a URL that the caller of the library gave, and append the pairs of query to it. Returns 0;
 * an error that is also stored in e. ret->text is "" then. */
int http_url_read(struct http_arena *a, const char *url, const char *const *query,
                  struct http_error *e, struct http_url *ret);

/* Wipe the password of u; free it and the user. */
void http_url_free_secrets(struct http_url *u);

/* Resolve the Location header of a redirect against the URL that answered. Returns 0, and the
 * new URL in ret; an error that is also stored in e. Other schemes than http and https are refused,
 * and so is the step from https to http unless allow_downgrade is set. */
int http_url_resolve(struct http_arena *a, const char *base, const char *location,
                     bool allow_downgrade, struct http_error *e, const char **ret);

/* The following take URLs that one of the functions above has returned. */

bool http_url_is_https(const char *url);

/* Returns how many bytes of url are its origin, "scheme://host:port" without a default port. */
size_t http_url_origin(const char *url);
bool http_url_same_origin(const char *a, const char *b);

/* Returns prefix, then "name=value&name=value" with percent-encoding; NULL if there is no memory.
 * The number of strings in pairs is even; NULL ends them. */
char *http_encode_pairs(struct http_arena *a, const char *const *pairs, const char *prefix);

#endif
