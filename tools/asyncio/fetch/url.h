/* SPDX-License-Identifier: MIT */
/* url.h - what a fetcher must know of a URL before it hands it to the HTTP client: that it is one,
 * which origin it belongs to, and how it may be shown. No more of a parser than that. */
#ifndef FETCH_URL_H
#define FETCH_URL_H

#include "common/text.h"

enum { URL_ORIGIN_MAX = 280 }; /* "https://", a host of 255, a port */

/* NULL if it is a URL that we fetch: http or https, a host, a port that can be, no space, no
 * control characters, UTF-8. Otherwise what is wrong with it, as the end of a sentence that begins
 * "the URL ". */
const char *url_check(const char *url, size_t len);

/* "scheme://host:port" in lower case, port always given. url has passed url_check(). Returns the
 * length. */
size_t url_origin(const char *url, char ret[URL_ORIGIN_MAX]);

/* Append the URL without user name and password. Of one that url_check() refuses everything is cut
 * up to the last '@', because nobody can say where such a password ends. */
void url_redact(struct text *t, const char *url, size_t len);

/* The host and the last segment of the path (without query), to name files. Each may be empty. */
struct url_parts {
    const char *host, *base;
    size_t host_len, base_len;
};
struct url_parts url_split(const char *url);

#endif
