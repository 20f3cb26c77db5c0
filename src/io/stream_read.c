/* SPDX-License-Identifier: MIT */
/* stream_read.c - reading from a stream: into the caller's memory where possible.
 *
 * Bytes that a call has read and cannot return, because it was cancelled or because they belong to
 * the next call, are left over for that: they stay in the stream's buffer, from start to end. */
#include <stdint.h>

#include "base/alloc.h"
#include "io/stream_fd.h"

enum { READ_AHEAD = 4096, READ_ALL_LIMIT = 64 << 20 };

/* --- the buffer --- */

/* Make room for total bytes, including those that are left over. Returns false if there is no
 * memory. */
static bool buffer_reserve(async_stream *s, size_t total)
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

/* Consume n of the bytes that are left over, and copy them to `to` unless it is NULL. Returns n. */
static ssize_t buffer_take(async_stream *s, void *to, size_t n)
{
    if (to && n > 0)
        memcpy(to, s->buf + s->start, n);
    s->start += n;
    if (s->start == s->end && s->buf)
        async__stream_forget(s);
    return (ssize_t)n;
}

/* --- some bytes --- */

static ssize_t read_some(async_stream *s, async_task *t, void *buf, size_t size)
{
    for (;;) {
        ssize_t n = stream_read(s, t, buf, size);
        if (likely(n != ASYNC_STREAM_WOULD_BLOCK))
            return n;
        int r = async__stream_wait(s, t, FD_READABLE);
        if (r < 0)
            return r;
    }
}

ssize_t await_stream_read(async_stream *s, void *buf, size_t size)
{
    async_task *t;
    ssize_t r = async__stream_enter(s, &t, &s->reading, "await_stream_read");
    if (unlikely(r < 0))
        return r;
    if (stream_left_over(s) > 0)
        r = buffer_take(s, buf, stream_left_over(s) < size ? stream_left_over(s) : size);
    else if (size > 0)
        r = read_some(s, t, buf, size);
    return stream_leave(s, &s->reading, r);
}

/* --- into the buffer --- */

/* Wait before a buffer is made for the first byte, so that a connection that waits for its peer has
 * none. */
static int wait_without_buffer(async_stream *s, async_task *t)
{
    bool tries = is_tcp_stream(s) ? *owned_fd_ready(t->loop, s->fd) & FD_READABLE : !s->ops->wait;
    return tries ? 0 : async__stream_wait(s, t, FD_READABLE);
}

static ssize_t read_behind(async_stream *s, async_task *t)
{
    size_t have = stream_left_over(s), chunk = s->ops->read_ahead ? s->ops->read_ahead : READ_AHEAD;
    if (s->room - s->end < (chunk + 1) / 2 &&
        !buffer_reserve(s, have + (have > chunk ? have : chunk)))
        return -ENOMEM;
    ssize_t n = stream_read(s, t, s->buf + s->end, s->room - s->end);
    if (n > 0)
        s->end += (size_t)n;
    else if (have == 0)
        async__stream_forget(s);
    return n;
}

/* Read more bytes behind those that are left over. Returns how many; 0 at the end; or a negative
 * errno. */
static ssize_t buffer_fill(async_stream *s, async_task *t)
{
    ssize_t r = stream_left_over(s) == 0 ? wait_without_buffer(s, t) : 0;
    for (; r == 0; r = async__stream_wait(s, t, FD_READABLE)) {
        ssize_t n = read_behind(s, t);
        if (n != ASYNC_STREAM_WOULD_BLOCK)
            return n;
    }
    return r;
}

/* --- until a separator --- */

/* Returns the length up to the end of the first separator, or 0 if there is none. None begins in
 * the first `seen` bytes. */
static size_t find_separator(const async_stream *s, size_t seen, const char *sep, size_t m)
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
    return buffer_take(s, buf, n);
}

static ssize_t read_until(async_stream *s, async_task *t, const char *sep, char *buf, size_t size)
{
    size_t m = strlen(sep), seen = 0;
    if (m == 0)
        return -EINVAL;
    for (;;) {
        size_t have = stream_left_over(s), n = find_separator(s, seen, sep, m);
        if ((n ? n : have) >= size)
            return async_fail_at(-ENOBUFS, NULL, "no end of line within %zu bytes", size);
        if (n)
            return take_text(s, buf, n);
        seen = have < m ? 0 : have - m + 1;
        ssize_t r = buffer_fill(s, t);
        if (r < 0)
            return r;
        if (r == 0)
            return take_text(s, buf, have);
        r = async__stream_share_loop(s, t);
        if (r < 0)
            return r;
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

static COLD int ended_early(size_t got, size_t n)
{
    return async_fail_at(-ENODATA, NULL, "the stream ended after %zu of %zu bytes", got, n);
}

/* A read_exactly() under way: what was left over before it, what has come since, and how much is
 * wanted. */
struct exact_read {
    char *buf;
    size_t had, got, n;
};

/* Make sure that the bytes which have come can be given back, before the task may suspend: a cancel
 * must not allocate. The room is for all n bytes, and is touched only then. */
static bool can_give_back(async_stream *s, const struct exact_read *x)
{
    return x->got == x->had || s->ops->unread || buffer_reserve(s, x->n);
}

/* The read is cancelled: consume nothing. */
static void give_back(async_stream *s, struct exact_read *x)
{
    size_t fresh = x->got - x->had;
    if (fresh > 0 && s->ops->unread) {
        s->ops->unread(s, fresh);
    } else if (fresh > 0) {
        memcpy(s->buf + s->end, x->buf + x->had, fresh);
        s->end += fresh;
    }
    x->got = 0;
}

/* Read more. Returns what stream_read() returns, or 1 if it has to be called again. */
static ssize_t read_more(async_stream *s, async_task *t, struct exact_read *x)
{
    if (x->got > x->had && !s->ops->wait && !can_give_back(s, x))
        return -ENOMEM;
    ssize_t r = stream_read(s, t, x->buf + x->got, x->n - x->got);
    if (r == ASYNC_STREAM_WOULD_BLOCK) {
        r = can_give_back(s, x) ? async__stream_wait(s, t, FD_READABLE) : -ENOMEM;
    } else if (r > 0) {
        x->got += (size_t)r;
        if (likely(x->got == x->n || --t->loop->sched.credit > 0))
            return r;
        r = can_give_back(s, x) ? async__stream_share_loop(s, t) : -ENOMEM;
    } else {
        return r;
    }
    return r == 0 ? 1 : r;
}

/* What was left over stays in the stream until all has come. */
static ssize_t read_exactly(async_stream *s, async_task *t, char *buf, size_t n, size_t *got)
{
    size_t had = stream_left_over(s) < n ? stream_left_over(s) : n;
    struct exact_read x = { buf, had, had, n };
    if (had > 0)
        memcpy(buf, s->buf + s->start, had);
    ssize_t r = 1;
    while (x.got < n && r > 0)
        r = read_more(s, t, &x);
    if (r == -ECANCELED && !s->closing)
        give_back(s, &x);
    else if (had > 0 && !s->closing)
        buffer_take(s, NULL, had);
    *got = r == -ECANCELED ? 0 : x.got;
    return x.got == n ? (ssize_t)n : r < 0 ? r : ended_early(x.got, n);
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

/* --- all bytes --- */

/* All that comes is left over in the buffer until the end, so a cancel consumes nothing. Then the
 * buffer itself is given to the caller. */
static int read_all(async_stream *s, async_task *t, char **ret, size_t *ret_size, size_t limit)
{
    ssize_t r = 1;
    while (r > 0) {
        if (stream_left_over(s) > limit)
            return async_fail_at(-ENOBUFS, NULL,
                                 "more than %zu bytes; see .limit of await_stream_read_all()",
                                 limit);
        r = buffer_fill(s, t);
        int e = r > 0 ? async__stream_share_loop(s, t) : 0;
        if (e < 0)
            return e;
    }
    size_t size = stream_left_over(s);
    if (r < 0 || !buffer_reserve(s, size + 1))
        return r < 0 ? (int)r : -ENOMEM;
    memmove(s->buf, s->buf + s->start, size);
    s->buf[size] = '\0';
    *ret = s->buf;
    if (ret_size)
        *ret_size = size;
    s->buf = NULL;
    s->start = s->end = s->room = 0;
    return 0;
}

int await_stream_read_all_opt(async_stream *s, char **ret, size_t *ret_size,
                              const struct async_read_all_opts *opts)
{
    async_task *t;
    size_t limit = opts && opts->limit ? opts->limit : READ_ALL_LIMIT;
    int r = async__stream_enter(s, &t, &s->reading, "await_stream_read_all");
    return r < 0 ? r : (int)stream_leave(s, &s->reading, read_all(s, t, ret, ret_size, limit));
}
