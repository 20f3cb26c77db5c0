/* SPDX-License-Identifier: MIT */
/* read.c - reading from a stream: into the caller's memory where possible. Bytes that a call has read and cannot give,
 * because it was cancelled or they belong to the next call, are left over for that. */
#include <stdint.h>

#include "base/alloc.h"
#include "io/file.h"
#include "io/memory.h"

enum { CHUNK = 4096, FILE_CHUNK = 32 * 1024 };

/* Room for that many bytes in all, those that are left over included. */
static bool reserve(async_stream *s, size_t total)
{
    if (s->start > 0 && total > s->room - s->start) {
        memmove(s->buf, s->buf + s->start, stream_left_over(s));
        s->end -= s->start;
        s->start = 0;
    }
    if (total <= s->room - s->start)
        return true;
    char *buf = async__realloc(s->buf, total);
    if (!buf)
        return false;
    s->buf = buf;
    s->room = total;
    return true;
}

static bool may_read(const async_stream *s, const struct loop *l)
{
    if (unlikely(s->kind == STREAM_MEMORY))
        return async__memory_ready(s, FD_READABLE);
    if (unlikely(s->kind == STREAM_FILE))
        return true;
    return *own_ready(l, s->fd) & FD_READABLE;
}

static ssize_t read_memory(async_stream *s, void *buf, size_t size)
{
    ssize_t n;
    while ((n = async__memory_read(s, buf, size)) < 0 && errno == EINTR)
        ;
    return n >= 0 ? n : errno == EAGAIN ? -EAGAIN : stream_failed(s);
}

/* One attempt, if it may succeed: if not, must_wait(). Only in a file it may suspend. A short read has emptied the socket: that saves asking once more,
 * except where there is, or will be, something that reads stop at. */
static ssize_t try_read(async_stream *s, async_task *t, void *buf, size_t size)
{
    if (!may_read(s, t->loop))
        return -EAGAIN;
    if (unlikely(s->kind == STREAM_MEMORY))
        return read_memory(s, buf, size);
    if (unlikely(s->kind == STREAM_FILE))
        return async__stream_file_read(s, t, buf, size);
    uint8_t *ready = own_ready(t->loop, s->fd);
    ssize_t n;
    while (unlikely((n = async__sys.read(s->fd, buf, size)) < 0) && errno == EINTR)
        ;
    if (n < 0 && errno != EAGAIN)
        return stream_failed(s);
    if (n < 0 || (n > 0 && (size_t)n < size && s->kind == STREAM_TCP && !(*ready & FD_ENDING)))
        *ready &= (uint8_t)~FD_READABLE;
    return n < 0 ? -EAGAIN : n;
}

static bool must_wait(const async_stream *s, ssize_t n)
{
    return n == -EAGAIN && s->kind != STREAM_FILE;
}

/* Some bytes, 0 at the end. */
static ssize_t receive(async_stream *s, async_task *t, void *buf, size_t size)
{
    ssize_t n;
    while (must_wait(s, n = try_read(s, t, buf, size))) {
        int r = async__stream_wait(s, t, FD_READABLE);
        if (r < 0)
            return r;
    }
    return n;
}

/* Consume n bytes of what is left over; to may be NULL. */
static ssize_t take(async_stream *s, void *to, size_t n)
{
    if (to && n > 0)
        memcpy(to, s->buf + s->start, n);
    s->start += n;
    if (s->start == s->end && s->buf)
        async__stream_forget(s);
    return (ssize_t)n;
}

ssize_t await_stream_read(async_stream *s, void *buf, size_t size)
{
    async_task *t;
    ssize_t r = async__stream_enter(s, &t, &s->reading, "await_stream_read");
    if (unlikely(r < 0))
        return r;
    if (stream_left_over(s) > 0)
        r = take(s, buf, stream_left_over(s) < size ? stream_left_over(s) : size);
    else if (size > 0)
        r = receive(s, t, buf, size);
    return stream_leave(s, &s->reading, r);
}

/* --- until a separator --- */

/* More bytes behind those that are left over: how many, 0 at the end. While it waits for the first one, the stream has
 * no buffer. */
static ssize_t fill(async_stream *s, async_task *t)
{
    for (;;) {
        size_t have = stream_left_over(s), chunk = s->kind == STREAM_FILE ? FILE_CHUNK : CHUNK;
        if (may_read(s, t->loop)) {
            if (s->room - s->end < chunk / 2 && !reserve(s, have + (have > chunk ? have : chunk)))
                return -ENOMEM;
            ssize_t n = try_read(s, t, s->buf + s->end, s->room - s->end);
            if (n > 0)
                s->end += (size_t)n;
            else if (have == 0)
                async__stream_forget(s);
            if (!must_wait(s, n))
                return n;
        }
        int r = async__stream_wait(s, t, FD_READABLE);
        if (r < 0)
            return r;
    }
}

/* The length up to and with the first separator, 0: there is none. None begins in the first seen bytes. */
static size_t find(const async_stream *s, size_t seen, const char *sep, size_t m)
{
    size_t have = stream_left_over(s);
    if (have < seen + m)
        return 0;
    const char *from = s->buf + s->start;
    const char *hit = m == 1 ? memchr(from + seen, sep[0], have - seen)
                             : memmem(from + seen, have - seen, sep, m);
    return hit ? (size_t)(hit - from) + m : 0;
}

static ssize_t take_text(async_stream *s, char *buf, size_t n)
{
    buf[n] = '\0';
    return take(s, buf, n);
}

static ssize_t read_until(async_stream *s, async_task *t, const char *sep, char *buf, size_t size)
{
    size_t m = strlen(sep), seen = 0;
    if (m == 0)
        return -EINVAL;
    for (;;) {
        size_t have = stream_left_over(s), n = find(s, seen, sep, m);
        if ((n ? n : have) >= size)
            return async_fail_at(-ENOBUFS, NULL, "no end of line within %zu bytes", size);
        if (n)
            return take_text(s, buf, n);
        seen = have < m ? 0 : have - m + 1;
        ssize_t r = fill(s, t);
        if (r < 0)
            return r;
        if (r == 0)
            return take_text(s, buf, have);
    }
}

ssize_t await_stream_readuntil(async_stream *s, const char *sep, char *buf, size_t size)
{
    async_task *t;
    ssize_t r = async__stream_enter(s, &t, &s->reading, "await_stream_readuntil");
    return r < 0 ? r : stream_leave(s, &s->reading, read_until(s, t, sep, buf, size));
}

ssize_t await_stream_readline(async_stream *s, char *buf, size_t size)
{
    return await_stream_readuntil(s, "\n", buf, size);
}

/* --- exactly so many --- */

/* Leave over what was read straight into buf, behind the bytes that were left over before; there is room. */
static void push_back(async_stream *s, const char *buf, size_t from, size_t to)
{
    memcpy(s->buf + s->end, buf + from, to - from);
    s->end += to - from;
}

static COLD int ended_early(size_t got, size_t n)
{
    return async_fail_at(-EPIPE, NULL, "the stream ended after %zu of %zu bytes", got, n);
}

/* What was left over stays so until all has come, and before each wait there is room for the rest of it: a cancellation
 * allocates nothing. The room is touched only then. *got: how much is in buf. */
static ssize_t read_exactly(async_stream *s, async_task *t, char *buf, size_t n, size_t *got)
{
    size_t had = stream_left_over(s) < n ? stream_left_over(s) : n;
    if (had > 0)
        memcpy(buf, s->buf + s->start, had);
    ssize_t r = 1;
    for (*got = had; *got < n && r > 0;) {
        r = try_read(s, t, buf + *got, n - *got);
        if (must_wait(s, r)) {
            r = *got == 0 || reserve(s, n) ? async__stream_wait(s, t, FD_READABLE) : -ENOMEM;
            r = r == 0 ? 1 : r;
        } else if (r > 0) {
            *got += (size_t)r;
        }
    }
    bool closed = s->fd < 0; /* by somebody else, and nothing is left over */
    if (r == -ECANCELED) {
        if (*got > had && !closed && s->kind == STREAM_FILE)
            async__stream_file_unread(s, *got - had);
        else if (*got > had && !closed)
            push_back(s, buf, had, *got);
        *got = 0;
        return r;
    }
    if (!closed)
        take(s, NULL, had);
    return *got == n ? (ssize_t)n : r < 0 ? r : ended_early(*got, n);
}

ssize_t await_stream_readexactly(async_stream *s, void *buf, size_t n, size_t *got)
{
    async_task *t;
    size_t ignored;
    if (!got)
        got = &ignored;
    *got = 0;
    ssize_t r = async__stream_enter(s, &t, &s->reading, "await_stream_readexactly");
    return r < 0 ? r : stream_leave(s, &s->reading, read_exactly(s, t, buf, n, got));
}
