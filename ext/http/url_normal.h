/* SPDX-License-Identifier: MIT */
/* url_normal.h - recognise URLs that are normal, see url.h. */
#ifndef ASYNCIO_HTTP_URL_NORMAL_H
#define ASYNCIO_HTTP_URL_NORMAL_H

#include <stdbool.h>

enum { HTTP_HOST_MAX = 255 }; /* bytes; no name in DNS is longer */

/* Returns whether url is normal. May return false for one that is, which is then parsed. */
bool http_url_is_normal(const char *url);

#endif
