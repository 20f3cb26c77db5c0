/* SPDX-License-Identifier: MIT */
/* body_stream.h - the body of a request that its handler reads while it arrives. */
#ifndef WEB_BODY_STREAM_H
#define WEB_BODY_STREAM_H

#include "stream_buffer.h"

#include <asyncio/sync.h>
#include <asyncio/web.h>

struct web_body_stream {
    bool used;    /* the route is one whose handlers read the body themselves */
    bool ended;   /* all of the body has arrived */
    bool dropped; /* the handler has ended, or the client is gone: nothing reads it any more */
    bool reading; /* a task is in await_web_read() */
    struct web_stream_buffer buffer;
    async_event arrived; /* there are bytes, or the end */
};

/* Take up to size bytes that have arrived. Returns how many were taken: fewer if the buffer is
 * full. */
size_t web_body_stream_put(async_web_request *rq, const char *bytes, size_t size);

/* All of the body has arrived. */
void web_body_stream_end(async_web_request *rq);

/* Nothing reads the body any more: wake the task that waits for it, if there is one. */
void web_body_stream_drop(async_web_request *rq);

#endif
