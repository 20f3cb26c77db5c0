/* SPDX-License-Identifier: MIT */
/* uri.h - the target of a request: its path and its query string, and percent-decoding. */
#ifndef WEB_URI_H
#define WEB_URI_H

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>

struct web_uri {
    const char *raw;   /* path and query as they were sent, without scheme, host and fragment */
    size_t path_size;  /* bytes of raw that are the path */
    const char *path;  /* decoded; never compare segments in it, since a '/' may have been "%2F" */
    const char *query; /* as it was sent, without the '?'; "" if there is none */
};

/* Split the target of a request; the parts are copied to the arena.
 *
 * Returns    0; -EINVAL if text is no path, or has control characters, a '%' that two hexadecimal
 *            digits do not follow, or "%00", which C strings cannot hold; -ENOMEM. */
int web_uri_parse(struct web_uri *uri, struct web_arena *arena, const char *text);

/* Can size bytes of text be decoded? Not if a '%' is not followed by two hexadecimal digits, or
 * there is a NUL, encoded or not. */
bool web_uri_is_decodable(const char *text, size_t size);

/* Decode size bytes that can be decoded. to may be from; no '\0' is added. Returns
 * the number of bytes written, at most size. plus: a '+' stands for a space, as in query
 * strings. */
size_t web_uri_decode(char *to, const char *from, size_t size, bool plus);

#endif
