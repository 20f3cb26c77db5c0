/* SPDX-License-Identifier: MIT */
/* url.h - read, normalise, compare and resolve URLs.
 *
 * A normal URL has its scheme and host in lower case, the host in ASCII (punycode), an IPv4 address
 * as four decimal numbers, no user, no password, no default port, a path of at least "/" without
 * "." and "..", and no byte that must be encoded. Two URLs have one origin exactly if their normal
 * texts begin with the same origin. */
#ifndef ASYNCIO_HTTP_NORMAL_URL_H
#define ASYNCIO_HTTP_NORMAL_URL_H

#include "arena.h"
#include "error.h"

struct http_url {
    const char *text;      /* normal; in the arena */
    char *user, *password; /* decoded; NULL if the URL has none */
};

/* Read a URL that the caller of the library gave, and append the pairs of query to it. Returns 0;
 * an error that is also stored in e. ret->text is "" then. */
int http_url_read(struct http_arena *a, const char *url, const char *const *query,
                  struct http_error *e, struct http_url *ret);

/* The same for a URL that may be relative to base, which is normal, or NULL. */
int http_url_read_relative(struct http_arena *a, const char *base, const char *url,
                           const char *const *query, struct http_error *e, struct http_url *ret);

/* Wipe the password of u; free it and the user. */
void http_url_free_secrets(struct http_url *u);

/* Resolve the Location header of a redirect against the normal URL that answered. Returns 0, and
 * the new URL, normal, in ret; an error that is also stored in e. Other schemes than http and https
 * are refused, and so is the step from https to http unless allow_downgrade is set. */
int http_url_resolve(struct http_arena *a, const char *base, const char *location,
                     bool allow_downgrade, struct http_error *e, const char **ret);

/* The following take normal URLs. */

bool http_url_is_https(const char *url);

/* Returns how many bytes of url are its origin, "scheme://host:port" without a default port. */
size_t http_url_origin(const char *url);
bool http_url_same_origin(const char *a, const char *b);

#endif
