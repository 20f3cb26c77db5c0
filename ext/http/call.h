/* SPDX-License-Identifier: MIT */
/* call.h - one await_http_request() or await_http_open(), in the stack frame of its task. It makes
 * a hop for each redirect, one after the other. */
#ifndef ASYNCIO_HTTP_CALL_H
#define ASYNCIO_HTTP_CALL_H

#include <curl/curl.h>

#include "response.h"
#include "session.h"

struct http_call {
    async_http_session *session;
    struct http_response *res;
    struct async_http_opts o; /* with the session's defaults */
    bool stream;              /* return when the headers are complete */

    /* what the next hop sends */
    const char *method;
    const void *body;
    size_t body_size;
    bool has_body; /* a body of 0 bytes is one, too */
    const char *content_type;
    char *auth; /* the line "Authorization: ...", or NULL */
    struct curl_slist *headers;

    /* what redirects have changed */
    bool body_dropped; /* with it the headers that describe it are dropped */
    bool crossed;      /* another origin was visited: only harmless headers are sent any more */
    bool location_trusted; /* but all of them, if the caller has said so */
};

#endif
