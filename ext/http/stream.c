/* SPDX-License-Identifier: MIT */
/* stream.c - a body in pieces. A task that waits in await_http_read() gets its bytes straight from
 * libcurl's buffer. What it has no room for is kept in res->store. When that is much, libcurl's
 * next piece is refused. libcurl then stops reading, so that the network holds back the server, and
 * delivers the piece again later.
 *
 * A task that is cancelled after it was given bytes gives them back, because it may be the losing
 * branch of a race. The memory for that is allocated before it waits.
 *
 * A compressed body is refused only between two reads of libcurl's, and all that one read unpacks
 * to is kept. That is 17 MB at most with the two encodings that a stream accepts. Others that a
 * server may use all the same end at the limit for decompression bombs. */
#include "stream.h"

#include <asyncio/error.h>
#include <asyncio/scope.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "response.h"

enum {
    BUFFERED = 32 * 1024, /* bytes kept before a stream pauses */
    OFFERED = 256 * 1024, /* bytes of the reader's memory that are filled at once, at most */
};

/* --- the bytes kept in res->store, from start to end --- */

static bool has_kept(const struct http_response *res)
{
    return res->end > res->start;
}

static bool reserve_store(struct http_response *res, size_t size)
{
    if (size <= res->capacity)
        return true;
    char *p = realloc(res->store, size);
    if (!p)
        return false;
    res->store = p;
    res->capacity = size;
    return true;
}

static void move_store_to_front(struct http_response *res)
{
    res->end -= res->start;
    memmove(res->store, res->store + res->start, res->end);
    res->start = 0;
}

/* While a task waits, the room before start is reserved for the bytes that it may give back. */
static bool keep_bytes(struct http_response *res, const char *data, size_t n)
{
    if (!res->reader && res->start > 0 && (!has_kept(res) || res->end + n > res->capacity))
        move_store_to_front(res);
    size_t size = res->end + n;
    if (size > res->capacity &&
        !reserve_store(res, size > HTTP_READ_SIZE ? size + HTTP_READ_SIZE : HTTP_READ_SIZE))
        return false;
    memcpy(res->store + res->end, data, n);
    res->end += n;
    return true;
}

static size_t take_kept(struct http_response *res, char *buf, size_t size)
{
    size_t n = res->end - res->start;
    if (n > size)
        n = size;
    memcpy(buf, res->store + res->start, n);
    res->start += n;
    return n;
}

/* A compressed body is delivered in larger portions, because libcurl copies the rest of what it has
 * unpacked at each refusal. */
static size_t full_size(const struct http_response *res)
{
    return res->encoded ? 8 * BUFFERED : BUFFERED;
}

bool http_stream_is_full(struct http_response *res)
{
    res->paused = res->end - res->start >= full_size(res);
    return res->paused;
}

/* --- from libcurl to the reader --- */

static size_t give_to_reader(struct http_response *res, const char *data, size_t n)
{
    size_t room = res->reader_size - res->reader_got, given = n < room ? n : room;
    if (!res->reader || has_kept(res))
        return 0;
    memcpy(res->reader + res->reader_got, data, given);
    res->reader_got += given;
    return given;
}

bool http_stream_put(struct http_response *res, const char *data, size_t n)
{
    size_t given = give_to_reader(res, data, n);
    if (given < n && !keep_bytes(res, data + given, n - given)) {
        http_fail(&res->error, ASYNC_HTTP_RESOURCES, "out of memory for the body");
        return false;
    }
    http_response_wake_reader(res);
    return true;
}

/* The source may deliver more, and may end the response, before this returns. */
static void resume_source(struct http_response *res)
{
    if (!res->paused || !res->source || res->end - res->start > full_size(res) / 2)
        return;
    res->paused = false;
    res->source->ops->resume(res->source);
}

/* --- reading --- */

/* Let libcurl write into the reader's own memory. Nothing is kept at this time; what arrives beyond
 * the reader's memory will be kept behind as much room, in case the reader gives everything back.
 * Without memory for that room everything is kept instead. */
static void offer_memory(struct http_response *res, char *buf, size_t size)
{
    size_t room = size < OFFERED ? size : OFFERED;
    if (!reserve_store(res, room))
        return;
    res->reader = buf;
    res->reader_size = res->start = res->end = room;
}

static void give_back_bytes(struct http_response *res)
{
    if (!res->reader_got)
        return;
    res->start -= res->reader_got;
    memcpy(res->store + res->start, res->reader, res->reader_got);
    res->reader_got = 0;
}

/* Returns how many bytes the reader has got, or takes from what is kept; or how the body ended;
 * -EAGAIN if none of these is the case yet. */
static ssize_t finish_read(struct http_response *res, char *buf, size_t size)
{
    ssize_t n = (ssize_t)res->reader_got;
    if (n == 0 && has_kept(res)) {
        n = (ssize_t)take_kept(res, buf, size);
        resume_source(res);
    } else if (n == 0) {
        n = res->finished ? res->result : -EAGAIN;
    }
    return n;
}

/* Acquire the unit even if bytes are there, because every await_ function is a cancellation point.
 * A task that is cancelled takes no bytes, although it was given the unit. */
static ssize_t await_bytes(struct http_response *res, char *buf, size_t size)
{
    ssize_t n = -EAGAIN;
    while (n == -EAGAIN) {
        res->reader_got = 0;
        if (has_kept(res) || res->finished)
            http_response_wake_reader(res);
        else
            offer_memory(res, buf, size);
        int r = await_semaphore_acquire(&res->readable);
        if (r < 0)
            give_back_bytes(res);
        res->reader = NULL;
        n = r < 0 ? r : finish_read(res, buf, size);
    }
    return n;
}

/* Bytes that arrived before the deadline are returned even if it has passed. */
static ssize_t await_bytes_until_deadline(struct http_response *res, char *buf, size_t size)
{
    if (res->deadline >= ASYNC_FOREVER)
        return await_bytes(res, buf, size);
    int r = 0;
    ssize_t n = 0;
    await_timeout_at (r, res->deadline) {
        n = await_bytes(res, buf, size);
        r = n < 0 ? (int)n : 0;
    }
    if (r == -ETIMEDOUT && has_kept(res))
        return finish_read(res, buf, size);
    return n <= 0 && r < 0 ? r : n;
}

static ssize_t fail_read(struct http_response *res, ssize_t n)
{
    if (n == -ETIMEDOUT && !res->finished) {
        http_fail(&res->error, ASYNC_HTTP_TIMEOUT, "timed out while receiving the body");
        http_response_stop(res);
        http_response_finish(res, -ETIMEDOUT);
    }
    return n == res->pub.code ? async_fail((int)n, "%s", res->error.text) : n;
}

ssize_t await_http_read(async_http_response *response, void *buf, size_t size)
{
    struct http_response *res = (struct http_response *)response;
    if (!res || !res->stream)
        return async_fail(-EINVAL, "response is not a stream: open it with await_http_open()");
    if (res->reading)
        return async_fail(-EBUSY, "another task is reading this response");
    res->reading = true;
    ssize_t n = await_bytes_until_deadline(res, buf, size);
    res->reading = false;
    if (res->source)
        res->source->ops->measure(res->source);
    return n < 0 ? fail_read(res, n) : n;
}
