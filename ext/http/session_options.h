/* SPDX-License-Identifier: MIT */
/* session_options.h - the options of a session and the environment, checked and copied. */
#ifndef ASYNCIO_HTTP_SESSION_OPTIONS_H
#define ASYNCIO_HTTP_SESSION_OPTIONS_H

#include <asyncio/http.h>

/* Fill in s->o, the limits, proxies and headers of a session. opts may be NULL. Returns 0; -EINVAL
 * with a message of async_fail(); -ENOMEM. */
int http_session_configure(async_http_session *s, const struct async_http_session_opts *opts);

#endif
