/* SPDX-License-Identifier: MIT */
/* stream.c - an answer in pieces. The handler writes into a ring, MHD reads out of it. Who finds nothing to do
 * waits: the handler for room, until the client has taken half of the ring; MHD with its connection suspended,
 * until something was written. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

/* A cancellation point that does not wait. */
static int checkpoint(void)
{
    async_event set = { .set = true };
    return await_event_wait(&set);
}

/* MHD wants more, or can be told that there is no more. */
static void wake_reader(async_web_request *rq)
{
    if (rq->mhd)
        web_resume(rq);
}

int await_web_stream_begin_opt(async_web_request *rq, int status, const char *type,
                               const struct async_web_stream_opts *opts)
{
    struct web_stream *st = &rq->stream;
    int r = checkpoint();
    if (r < 0 || (r = web_answer_check(rq, status, type)) < 0)
        return r;
    st->sized = opts->size > 0;
    st->left = opts->size;
    st->ring = malloc(WEB_STREAM_SIZE);
    if (!st->ring)
        return -ENOMEM;
    uint64_t size = st->sized ? opts->size : MHD_SIZE_UNKNOWN;
    r = web_answer_set(rq, status, type,
                       MHD_create_response_from_callback(size, 16384, web_stream_read, rq, NULL));
    if (r < 0)
        return r;
    rq->streaming = true;
    async_event_set(&st->room);
    wake_reader(rq);
    web_kick(rq->server);
    return 0;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Up to the ring's edge; the rest is for the next call. */
static size_t put(struct web_stream *st, const char *bytes, size_t size)
{
    size_t at = (st->head + st->fill) % WEB_STREAM_SIZE;
    size = least(size, least(WEB_STREAM_SIZE - st->fill, WEB_STREAM_SIZE - at));
    memcpy(st->ring + at, bytes, size);
    st->fill += size;
    return size;
}

static size_t get(struct web_stream *st, char *buf, size_t max)
{
    max = least(max, least(st->fill, WEB_STREAM_SIZE - st->head));
    memcpy(buf, st->ring + st->head, max);
    st->head = (st->head + max) % WEB_STREAM_SIZE;
    st->fill -= max;
    return max;
}

static int write_all(async_web_request *rq, const char *bytes, size_t size)
{
    struct web_stream *st = &rq->stream;
    do {
        int r = await_event_wait(&st->room);
        if (r < 0)
            return r;
        if (st->cut || st->ended || !rq->mhd)
            return -EPIPE;
        while (size && st->fill < WEB_STREAM_SIZE) {
            size_t n = put(st, bytes, size);
            bytes += n;
            size -= n;
        }
        if (st->fill == WEB_STREAM_SIZE)
            async_event_clear(&st->room);
        wake_reader(rq);
    } while (size);
    return 0;
}

int await_web_write(async_web_request *rq, const void *bytes, size_t size)
{
    struct web_stream *st = &rq->stream;
    if (!rq->streaming)
        return async_fail(-EINVAL, "no stream has begun");
    if (st->writing)
        return async_fail(-EBUSY, "another task writes");
    if (st->sized && size > st->left)
        return async_fail(-EMSGSIZE, "more than .size");
    if (st->sized)
        st->left -= size;
    if (rq->head)
        return checkpoint();
    st->writing = true;
    int r = write_all(rq, bytes, size);
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

bool web_stream_short(const async_web_request *rq)
{
    return rq->streaming && rq->stream.left > 0 && !rq->head && !rq->stream.cut;
}

int await_web_stream_end(async_web_request *rq)
{
    if (!rq->streaming)
        return async_fail(-EINVAL, "no stream has begun");
    int r = checkpoint();
    if (r < 0)
        return r;
    bool short_of = web_stream_short(rq);
    rq->stream.ended = true;
    rq->stream.cut |= short_of;
    wake_reader(rq);
    if ((r = await_event_wait(&rq->completed)) < 0)
        return r;
    return short_of ? async_fail(-EPROTO, "less was written than .size") : rq->sent ? 0 : -EPIPE;
}

/* The handler has ended, and with it the stream. */
void web_stream_handler_ended(async_web_request *rq, int result)
{
    if (!rq->stream.ended)
        rq->stream.cut |= result < 0;
    rq->stream.ended = true;
}

/* Nobody reads any more. */
void web_stream_over(async_web_request *rq)
{
    rq->stream.cut = true;
    async_event_set(&rq->stream.room);
    if (!rq->mhd)
        async_event_set(&rq->completed);
}

/* MHD's turn to read. 0 with the connection suspended: ask again when it is resumed. */
ssize_t web_stream_read(void *request, uint64_t pos, char *buf, size_t max)
{
    async_web_request *rq = request;
    struct web_stream *st = &rq->stream;
    (void)pos;
    if (st->cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (st->fill > 0) {
        size_t n = get(st, buf, max);
        if (st->fill <= WEB_STREAM_SIZE / 2)
            async_event_set(&st->room);
        return (ssize_t)n;
    }
    if (st->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    web_suspend(rq);
    return 0;
}
