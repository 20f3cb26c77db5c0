/* SPDX-License-Identifier: MIT */
/* body_stream.c - MHD writes into a buffer and the handler reads from it. When the buffer is full,
 * the connection is suspended, so that the kernel holds back the client. */
#include "body_stream.h"

#include "request.h"

#include <asyncio/error.h>

#include <errno.h>

size_t web_body_stream_put(async_web_request *rq, const char *bytes, size_t size)
{
    size_t n = web_stream_buffer_put(&rq->body_stream.buffer, bytes, size);
    async_event_set(&rq->body_stream.arrived);
    return n;
}

void web_body_stream_end(async_web_request *rq)
{
    rq->body_stream.ended = true;
    async_event_set(&rq->body_stream.arrived);
}

void web_body_stream_drop(async_web_request *rq)
{
    rq->body_stream.dropped = true;
    async_event_set(&rq->body_stream.arrived);
}

/* Returns how many bytes were read, 0 at the end, or a negative errno. */
static ssize_t await_read_buffered(async_web_request *rq, void *buf, size_t size)
{
    struct web_body_stream *b = &rq->body_stream;
    int r = await_event_wait(&b->arrived);
    if (r < 0)
        return r;
    if (b->buffer.fill == 0)
        return b->ended ? 0 : -ECONNRESET;
    size_t n = web_stream_buffer_take(&b->buffer, buf, size);
    if (b->buffer.fill == 0 && !b->ended && !b->dropped)
        async_event_clear(&b->arrived);
    if (rq->mhd && !b->ended)
        web_peer_resume(&rq->connection->peer);
    return (ssize_t)n;
}

/* The body of a route that is not streamed is there already, and is read from its start. */
static ssize_t await_read_whole(async_web_request *rq, void *buf, size_t size)
{
    async_event set = { .set = true };
    int r = await_event_wait(&set); /* a cancellation point that does not wait */
    if (r < 0)
        return r;
    size_t left = rq->body.size - rq->body.read;
    size_t n = size < left ? size : left;
    if (n > 0)
        memcpy(buf, rq->body.bytes + rq->body.read, n);
    rq->body.read += n;
    return (ssize_t)n;
}

ssize_t await_web_read(async_web_request *rq, void *buf, size_t size)
{
    struct web_body_stream *b = &rq->body_stream;
    if (b->reading)
        return async_fail(-EBUSY, "another task is reading the same request");
    if (size == 0)
        return async_fail(-EINVAL, "the size of the buffer is 0");
    if (!b->used)
        return await_read_whole(rq, buf, size);
    b->reading = true;
    ssize_t n = await_read_buffered(rq, buf, size);
    b->reading = false;
    return n;
}
