/* SPDX-License-Identifier: MIT */
/* session.h - the options, permits, easy handles and connections that requests share. */
#ifndef ASYNCIO_HTTP_SESSION_H
#define ASYNCIO_HTTP_SESSION_H

#include <asyncio/http.h>

#include "arena.h"
#include "driver.h"
#include "limits.h"
#include "proxy.h"

struct http_transfer;

struct async_http_session {
    async_loop *loop;
    int users; /* calls under way, and 1 until it is closed; freed with the last one */
    bool closed;

    struct http_driver *drivers; /* each with its own connections, see choose_driver() */
    int driver_count;
    CURLSH *share;
    struct http_limits limits;

    struct http_transfer *active; /* transfers under way, the newest first */
    struct http_transfer *pool;   /* idle ones, with their easy handles */
    int handles, pooled;          /* how many there are, and how many of them are idle */

    struct async_http_session_opts o;     /* with copies of the strings, in arena */
    struct curl_slist *plain_headers;     /* of a request that adds none of its own */
    struct http_proxies proxies;
    struct curl_slist *resolve;
    struct http_arena arena;
};

/* A call that uses s has ended, or s was closed. */
void http_session_unref(async_http_session *s);

/* Returns how many bytes of the caller's options to copy. A program that was compiled with an older
 * header has fewer of them than this library. At least struct_size itself is copied. */
static inline size_t http_opts_size(size_t caller, size_t library)
{
    return caller < sizeof caller ? sizeof caller : caller < library ? caller : library;
}

#endif
