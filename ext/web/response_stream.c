/* SPDX-License-Identifier: MIT */
/* response_stream.c - the handler writes into a buffer and MHD reads from it. The side that finds
 * nothing to do waits: the handler until the client has taken half of the buffer, MHD, with its
 * connection suspended, until something has been written. */
#include "response_stream.h"

#include "request.h"

#include <asyncio/error.h>
#include <asyncio/scope.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MHD_BLOCK = 16384 }; /* bytes that MHD reads at a time */

#if MHD_VERSION >= 0x00097308
#define NO_CHUNKS MHD_RF_HTTP_1_0_COMPATIBLE_STRICT
#else
#define NO_CHUNKS MHD_RF_HTTP_VERSION_1_0_ONLY
#endif

/* A cancellation point that does not wait. */
static int await_checkpoint(void)
{
    async_event set = { .set = true };
    return await_event_wait(&set);
}

/* Let MHD read what has been written, or the end of the stream. */
static void wake_reader(async_web_request *rq)
{
    if (rq->mhd)
        web_peer_resume(&rq->connection->peer);
}

/* Called by MHD when it can send. Returns 0, with the connection suspended, if there is nothing to
 * read: MHD calls again when the connection has been resumed. */
static ssize_t read_stream(void *request, uint64_t position, char *bytes, size_t size)
{
    async_web_request *rq = request;
    struct web_stream *st = &rq->stream;
    (void)position;
    if (st->cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (st->buffer.fill > 0) {
        size_t n = web_stream_buffer_take(&st->buffer, bytes, size);
        if (st->buffer.fill <= WEB_STREAM_BUFFER_SIZE / 2)
            async_event_set(&st->room);
        return (ssize_t)n;
    }
    if (st->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    web_peer_suspend(&rq->connection->peer);
    return 0;
}

/* Create the body of a response that is read from the stream. MHD up to 0.9.75 sends the end of a
 * chunked body even if there must be no body, which the client would take for the next response.
 * Without chunks a body of unknown size ends with the connection. */
static struct MHD_Response *create_stream_body(async_web_request *rq, uint64_t size)
{
    struct MHD_Response *body =
            MHD_create_response_from_callback(size, MHD_BLOCK, read_stream, rq, NULL);
    if (body && rq->stream.bodiless && size == MHD_SIZE_UNKNOWN)
        MHD_set_response_options(body, NO_CHUNKS, MHD_RO_END);
    return body;
}

int await_web_stream_begin_opt(async_web_request *rq, int status, const char *type,
                               const struct async_web_stream_opts *opts)
{
    struct web_stream *st = &rq->stream;
    int r = await_checkpoint();
    if (r < 0)
        return r;
    if (rq->response.status || rq->phase == WEB_ENDED)
        return async_fail(-EALREADY, "the request already has a response");
    if (rq->body_stream.used && !rq->body_stream.ended)
        return async_fail(-EBUSY, "read the body of the request to its end first");
    if ((r = web_response_check(status, type)) < 0 || (r = web_stream_buffer_init(&st->buffer)) < 0)
        return r;
    st->sized = opts->size > 0;
    st->left = opts->size;
    st->bodiless = rq->is_head || status == 204 || status == 304;
    r = web_response_set(&rq->response, status, type,
                         create_stream_body(rq, st->sized ? opts->size : MHD_SIZE_UNKNOWN), 0);
    if (r < 0) {
        web_stream_buffer_free(&st->buffer);
        st->buffer.bytes = NULL;
        return r;
    }
    st->begun = true;
    if (rq->deadline)
        async_scope_reschedule(rq->deadline, ASYNC_FOREVER);
    async_event_set(&st->room);
    wake_reader(rq);
    if (rq->mhd)
        web_driver_schedule(rq->connection->all->driver);
    return 0;
}

/* Write all bytes, and wait for room in between. Returns 0; -ECANCELED; -EPIPE if nothing reads the
 * stream any more. */
static int await_write_all(async_web_request *rq, const char *bytes, size_t size)
{
    struct web_stream *st = &rq->stream;
    do {
        int r = await_event_wait(&st->room);
        if (r < 0)
            return r;
        if (st->cut || st->ended || !rq->mhd)
            return -EPIPE;
        size_t n = web_stream_buffer_put(&st->buffer, bytes, size);
        rq->response.size += n;
        bytes += n;
        size -= n;
        if (web_stream_buffer_is_full(&st->buffer))
            async_event_clear(&st->room);
        wake_reader(rq);
    } while (size);
    return 0;
}

int await_web_write(async_web_request *rq, const void *bytes, size_t size)
{
    struct web_stream *st = &rq->stream;
    if (!st->begun)
        return async_fail(-EINVAL, "no stream: call await_web_stream_begin() first");
    if (st->writing)
        return async_fail(-EBUSY, "another task is writing to the same response");
    if (st->sized && size > st->left)
        return async_fail(-EMSGSIZE, "the response would be longer than its .size");
    if (st->sized)
        st->left -= size;
    if (st->bodiless)
        return await_checkpoint();
    st->writing = true;
    int r = await_write_all(rq, bytes, size);
    st->writing = false;
    return r;
}

int await_web_printf(async_web_request *rq, const char *fmt, ...)
{
    char buf[512], *text = buf;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(buf, sizeof buf, fmt, args);
    va_end(args);
    if (n >= (int)sizeof buf) {
        va_start(args, fmt);
        n = vasprintf(&text, fmt, args);
        va_end(args);
    }
    if (n < 0)
        return text == buf ? -EINVAL : -ENOMEM;
    int r = await_web_write(rq, text, (size_t)n);
    if (text != buf)
        free(text);
    return r;
}

/* A response without a body cannot be short; a stream that is cut has an error already. */
bool web_stream_is_short(const async_web_request *rq)
{
    const struct web_stream *st = &rq->stream;
    return st->begun && st->left > 0 && !st->bodiless && !st->cut;
}

int await_web_stream_end(async_web_request *rq)
{
    struct web_stream *st = &rq->stream;
    if (!st->begun)
        return async_fail(-EINVAL, "no stream: call await_web_stream_begin() first");
    int r = await_checkpoint();
    if (r < 0)
        return r;
    bool is_short = web_stream_is_short(rq);
    st->ended = true;
    st->cut |= is_short;
    wake_reader(rq);
    if ((r = await_event_wait(&st->completed)) < 0)
        return r;
    if (is_short)
        return async_fail(-EPROTO, "the response is shorter than its .size");
    return rq->sent ? 0 : -EPIPE;
}

void web_stream_end_with_handler(async_web_request *rq, int result)
{
    if (!rq->stream.ended)
        rq->stream.cut |= result < 0;
    rq->stream.ended = true;
}

void web_stream_cut(async_web_request *rq)
{
    rq->stream.cut = true;
    async_event_set(&rq->stream.room);
    if (!rq->mhd)
        async_event_set(&rq->stream.completed);
}
