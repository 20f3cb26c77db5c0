/* SPDX-License-Identifier: MIT */
/* proxy.h - the proxies of a session, from its options and the environment. */
#ifndef ASYNCIO_HTTP_PROXY_H
#define ASYNCIO_HTTP_PROXY_H

#include "arena.h"

/* A proxy. The user and the password are not in the URL, because libcurl writes that into its
 * messages. */
struct http_proxy {
    const char *url;
    const char *user;
    char *password; /* both decoded; NULL if there is none */
};

/* What a session uses. NULL stands for no proxy. */
struct http_proxies {
    struct http_proxy *http, *https; /* for URLs of that scheme; may be the same */
    const char *exceptions;          /* hosts that are reached without one */
};

/* Choose the proxies: option is .proxy, no_proxy is .no_proxy, each NULL if it is not given. What
 * is kept is copied to the arena. Returns 0; -EINVAL with a message if a proxy is malformed;
 * -ENOMEM. */
int http_proxies_choose(struct http_arena *a, const char *option, const char *no_proxy,
                        struct http_proxies *ret);

/* Overwrite the passwords. */
void http_proxies_wipe(struct http_proxies *p);

#endif
