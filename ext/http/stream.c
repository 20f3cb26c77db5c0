/* SPDX-License-Identifier: MIT */
/* stream.c - a body piece by piece. A reader that waits gets its bytes straight from libcurl's
 * buffer; what it does not take is kept, and when that is much, libcurl's next piece is refused: it
 * stops reading then, so that the network holds the rest back, and offers the piece again later.
 * A reader that is cancelled with bytes in its hands gives them back: it may be one of a race, where
 * nobody would ever see them. The room for that was made before it waited.
 *
 * libcurl stores what it was refused together with whatever else it unpacks to, which is 17 MB at
 * most with the methods that a stream asks for, and 64 MB with any that a server may impose. */
#include "http_internal.h"

#include <stdlib.h>

static size_t give_to_reader(struct http_response *res, const char *data, size_t n)
{
    size_t room = res->want_size - res->want_got, take = n < room ? n : room;
    if (!res->want || res->end > res->start)
        return 0;
    memcpy(res->want + res->want_got, data, take);
    res->want_got += take;
    return take;
}

static bool reserve(struct http_response *res, size_t size)
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

static void move_to_front(struct http_response *res)
{
    res->end -= res->start;
    memmove(res->store, res->store + res->start, res->end);
    res->start = 0;
}

static bool keep(struct http_response *res, const char *data, size_t n)
{
    if (!res->want && res->start > 0 && (res->start == res->end || res->end + n > res->capacity))
        move_to_front(res);
    size_t size = res->end + n;
    if (size > res->capacity && !reserve(res, size > HTTP_PIECE ? size + HTTP_PIECE : HTTP_PIECE))
        return false;
    memcpy(res->store + res->end, data, n);
    res->end += n;
    return true;
}

/* Packed bodies are given in larger portions: each refusal makes libcurl copy the rest. */
static size_t plenty(const struct http_response *res)
{
    return res->encoded ? 8 * HTTP_BUFFERED : HTTP_BUFFERED;
}

bool http_stream_refuses(struct http_response *res)
{
    res->paused = res->end - res->start >= plenty(res);
    return res->paused;
}

/* Once is enough. */
void http_stream_tell(struct http_response *res)
{
    async_ignore(async_semaphore_release(&res->readable));
}

/* Inside libcurl. */
size_t http_stream_put(struct http_response *res, const char *data, size_t n)
{
    size_t given = give_to_reader(res, data, n);
    if (given < n && !keep(res, data + given, n - given)) {
        http_fail(&res->error, ASYNC_HTTP_RESOURCES, "no memory for the body");
        return 0;
    }
    http_stream_tell(res);
    return n;
}

/* libcurl delivers from inside of curl_easy_pause() what it was refused. An error in that is but the
 * result of the call. */
static void resume(struct http_response *res)
{
    struct http_transfer *t = res->transfer;
    if (!res->paused || !t || res->end - res->start > plenty(res) / 2)
        return;
    res->paused = false;
    http_driver_kick(t->session);
    CURLcode rc = curl_easy_pause(t->easy, CURLPAUSE_CONT);
    if (rc == CURLE_ABORTED_BY_CALLBACK) /* so it calls a socket lost for want of memory */
        t->session->poisoned = true;
    if (rc != CURLE_OK)
        http_transfer_done(t, rc);
}

static size_t take(struct http_response *res, char *buf, size_t size)
{
    size_t n = res->end - res->start;
    if (n > size)
        n = size;
    memcpy(buf, res->store + res->start, n);
    res->start += n;
    return n;
}

/* Nothing is kept: the reader's own memory is for the next bytes. What exceeds it is kept behind as much
 * room, for the case that the reader gives it all back; without that everything is kept. */
static void offer(struct http_response *res, char *buf, size_t size)
{
    size_t room = size < HTTP_OFFERED ? size : HTTP_OFFERED;
    if (!reserve(res, room))
        return;
    res->want = buf;
    res->want_size = res->start = res->end = room;
}

static void give_back(struct http_response *res)
{
    if (!res->want_got)
        return;
    res->start -= res->want_got;
    memcpy(res->store + res->start, res->want, res->want_got);
    res->want_got = 0;
}

/* What the reader has got already, or what is kept, or how it ended; -EAGAIN: nothing of these yet. */
static ssize_t outcome(struct http_response *res, char *buf, size_t size)
{
    ssize_t n = (ssize_t)res->want_got;
    if (n == 0 && res->end > res->start) {
        n = (ssize_t)take(res, buf, size);
        resume(res);
    } else if (n == 0) {
        n = res->over ? res->result : -EAGAIN;
    }
    return n;
}

/* The unit is waited for even if there is something: every await_ is a cancellation point. One that is
 * cancelled takes none, though it was told. */
static ssize_t await_bytes(struct http_response *res, char *buf, size_t size)
{
    ssize_t n = -EAGAIN;
    while (n == -EAGAIN) {
        res->want_got = 0;
        if (res->end > res->start || res->over)
            http_stream_tell(res);
        else
            offer(res, buf, size);
        int r = await_semaphore_acquire(&res->readable);
        if (r < 0)
            give_back(res);
        res->want = NULL;
        n = r < 0 ? r : outcome(res, buf, size);
    }
    return n;
}

static ssize_t await_bytes_in_time(struct http_response *res, char *buf, size_t size)
{
    if (res->deadline >= ASYNC_FOREVER)
        return await_bytes(res, buf, size);
    int r = 0;
    ssize_t n = 0;
    await_timeout_at (r, res->deadline) {
        n = await_bytes(res, buf, size);
        r = n < 0 ? (int)n : 0;
    }
    if (r == -ETIMEDOUT && res->end > res->start) /* came before */
        return outcome(res, buf, size);
    return n <= 0 && r < 0 ? r : n;
}

static ssize_t read_failed(struct http_response *res, ssize_t n)
{
    if (n == -ETIMEDOUT && !res->over) {
        http_fail(&res->error, ASYNC_HTTP_TIMEOUT, "the body has not come in time");
        if (res->transfer)
            http_transfer_end(res->transfer, -ETIMEDOUT);
    }
    return n == res->pub.code ? async_fail((int)n, "%s", res->error.text) : n;
}

ssize_t await_http_read(async_http_response *response, void *buf, size_t size)
{
    struct http_response *res = (struct http_response *)response;
    if (!res || !res->stream)
        return async_fail(-EINVAL, "not a response of await_http_open()");
    if (res->reading)
        return async_fail(-EBUSY, "another task reads this response");
    res->reading = true;
    ssize_t n = await_bytes_in_time(res, buf, size);
    res->reading = false;
    if (res->transfer)
        http_transfer_note(res->transfer);
    return n < 0 ? read_failed(res, n) : n;
}
