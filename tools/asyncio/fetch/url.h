/* SPDX-License-Identifier: MIT */
/* url.h - what must be known of a URL before it is given to the HTTP client: whether it is one,
 * which origin it belongs to, and how it may be printed. It is not a general parser of URLs. */
#ifndef FETCH_URL_H
#define FETCH_URL_H

#include "common/text.h"

enum { URL_ORIGIN_MAX = 280 }; /* "https://", a host of 255 bytes, a port */

/* Check that a URL can be fetched: http or https, a host, a valid port, no space, no control
 * character, valid UTF-8. Returns NULL, or what is wrong, as the end of a sentence that begins with
 * "the URL ". */
const char *url_check(const char *url, size_t len);

/* Store "scheme://host:port" in lower case, always with the port. url_check() must have accepted
 * the URL. Returns the length. */
size_t url_origin(const char *url, char ret[URL_ORIGIN_MAX]);

/* Append the URL without user name and password. If url_check() rejects it, everything up to the
 * last '@' is cut, because the end of the password in such a URL is unknown. */
void url_redact(struct text *t, const char *url, size_t len);

/* Does the URL contain a user name? */
bool url_has_user(const char *url);

/* The host, and the last segment of the path without query, from which files are named. Both may be
 * empty. They point into the URL. */
struct url_parts {
    const char *host, *base;
    size_t host_len, base_len;
};
struct url_parts url_split(const char *url);

#endif
