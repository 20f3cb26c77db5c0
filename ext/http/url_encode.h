/* SPDX-License-Identifier: MIT */
/* url_encode.h - percent-encoding of text, and of pairs for queries and forms. */
#ifndef ASYNCIO_HTTP_URL_ENCODE_H
#define ASYNCIO_HTTP_URL_ENCODE_H

#include "arena.h"

/* Write s to `to` and encode each byte that no part of a URL can contain: spaces, control
 * characters and bytes above 0x7f. Returns the end of what was written, at most three times the
 * length of s. */
char *http_encode_invalid(char *to, const char *s);

/* Returns prefix, then "name=value&name=value" with percent-encoding; NULL if there is no memory.
 * The number of strings in pairs is even; NULL ends them. */
char *http_encode_pairs(struct http_arena *a, const char *const *pairs, const char *prefix);

/* Append the pairs of query to a query that the URL may have already, before its fragment, which is
 * never sent. Returns the new URL, or url itself without pairs; NULL if there is no memory. */
const char *http_append_query(struct http_arena *a, const char *url, const char *const *query);

#endif
