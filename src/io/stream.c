/* SPDX-License-Identifier: MIT */
/* stream.c - a stream's life, and writing to it. Reading is in read.c. */
#include "io/memory.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "io/file.h"

enum {
    STREAK = 16, /* calls that need not wait, before the others have their turn */
    SHORT_TEXT = 512,
};

int async__stream_new(int fd, enum stream_kind kind, async_stream **ret)
{
    async_stream *s = async__malloc(sizeof *s);
    if (!s)
        return -ENOMEM;
    *s = (async_stream){ .home = async__loop->serial, .fd = fd, .kind = (uint8_t)kind };
    *ret = s;
    return 0;
}

bool async__stream_is_at_home(const async_stream *s, const char *what)
{
    const struct loop *l = async__loop;
    if (likely(l && s->home == l->serial))
        return true;
    async__warn("%s: the stream belongs to another loop", what);
    return false;
}

int async__stream_closed(void)
{
    return async_fail_at(-EPIPE, NULL, "the stream was closed on our side");
}

int async__stream_busy(const async_stream *s)
{
    return async_fail_at(-EBUSY, NULL, "%s this stream",
                         !s->writing  ? "another task reads"
                         : s->reading ? "other tasks read and write"
                                      : "another task writes to");
}

/* A peer that is always ahead of us must not keep the loop to itself. */
static int let_others_run(async_stream *s, async_task *t)
{
    s->streak = 0;
    async__yield(t->loop, t);
    int r = checkpoint(t);
    return r == 0 && s->fd < 0 ? async__stream_closed() : r;
}

int async__stream_enter(async_stream *s, async_task **t, bool *side, const char *what)
{
    int r = await_begin(t, what);
    if (unlikely(r < 0))
        return r;
    if (unlikely(!async__stream_is_at_home(s, what)))
        return -EPERM;
    if (unlikely(s->fd < 0))
        return async__stream_closed();
    if (unlikely(*side || (s->kind == STREAM_FILE && (s->reading || s->writing))))
        return async__stream_busy(s);
    *side = true;
    s->inside++;
    if (unlikely(++s->streak > STREAK))
        r = let_others_run(s, *t);
    return unlikely(r < 0) ? (int)stream_leave(s, side, r) : 0;
}

/* Bytes that have come for a reader who was cancelled before it ran stay where they are: if it took them, and it is one of a
 * race, nobody would ever see them. */
int async__stream_wait(async_stream *s, async_task *t, enum fd_ready side)
{
    s->streak = 0;
    int r = s->kind == STREAM_MEMORY ? async__memory_wait(s, t, side)
                                     : async__own_wait(t, &(const int){ s->fd }, 1, side);
    if (s->fd < 0 && (r == 0 || r == -EPIPE))
        return async__stream_closed();
    if (r < 0)
        return r;
    return unlikely(side == FD_READABLE && t->scope->effectively_cancelled) ? async__deliver_cancel(t) : 0;
}

/* --- writing --- */

static ssize_t send_some(async_stream *s, const char *from, size_t size)
{
    if (unlikely(s->kind == STREAM_MEMORY))
        return async__memory_write(s, from, size);
    if (unlikely(s->kind == STREAM_PIPE))
        return async__sys.write_nosignal(s->fd, from, size);
    return async__sys.send(s->fd, from, size, MSG_NOSIGNAL);
}

static bool may_write(const async_stream *s, const struct loop *l)
{
    if (unlikely(s->kind == STREAM_MEMORY))
        return async__memory_ready(s, FD_WRITABLE);
    return *own_ready(l, s->fd) & FD_WRITABLE;
}

static int write_all(async_stream *s, async_task *t, const char *from, size_t size)
{
    if (unlikely(s->kind == STREAM_FILE))
        return async__stream_file_write(s, t, from, size);
    while (size > 0) {
        ssize_t n = -1;
        if (likely(may_write(s, t->loop))) {
            n = send_some(s, from, size);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0 && errno != EAGAIN)
                return stream_failed(s);
        }
        if (likely(n >= 0)) {
            from += n;
            size -= (size_t)n;
            continue;
        }
        if (s->kind != STREAM_MEMORY)
            *own_ready(t->loop, s->fd) &= (uint8_t)~FD_WRITABLE;
        int r = async__stream_wait(s, t, FD_WRITABLE);
        if (r < 0)
            return r;
    }
    return 0;
}

int await_stream_write(async_stream *s, const void *buf, size_t size)
{
    async_task *t;
    int r = async__stream_enter(s, &t, &s->writing, "await_stream_write");
    return unlikely(r < 0) ? r : (int)stream_leave(s, &s->writing, write_all(s, t, buf, size));
}

ASYNC_FORMAT(3, 0)
static int write_formatted(async_stream *s, async_task *t, const char *fmt, va_list ap)
{
    char few[SHORT_TEXT], *text = few;
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(few, sizeof few, fmt, ap), r;
    if ((size_t)n >= sizeof few && n >= 0) {
        text = async__malloc((size_t)n + 1);
        if (text)
            vsnprintf(text, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    if (n < 0 || !text)
        return n < 0 ? -EINVAL : -ENOMEM;
    r = write_all(s, t, text, (size_t)n);
    if (text != few)
        async__free(text);
    return r;
}

int await_stream_printf(async_stream *s, const char *fmt, ...)
{
    async_task *t;
    int r = async__stream_enter(s, &t, &s->writing, "await_stream_printf");
    if (r < 0)
        return r;
    va_list ap;
    va_start(ap, fmt);
    r = write_formatted(s, t, fmt, ap);
    va_end(ap);
    return (int)stream_leave(s, &s->writing, r);
}

int async_stream_write_eof(async_stream *s)
{
    if (!async__stream_is_at_home(s, "async_stream_write_eof"))
        return -EPERM;
    if (s->fd < 0)
        return async__stream_closed();
    if (s->writing)
        return async__stream_busy(s);
    if (s->kind == STREAM_FILE)
        return -EINVAL;
    if (s->kind == STREAM_PIPE) {
        async_stream_close(s);
        return 0;
    }
    if (s->kind == STREAM_MEMORY)
        return async__memory_write_eof(s);
    return async__sys.shutdown(s->fd, SHUT_WR) < 0 ? -errno : 0;
}

/* --- the end --- */

void async__stream_forget(async_stream *s)
{
    async__free(s->buf);
    s->buf = NULL;
    s->start = s->end = s->room = 0;
}

/* The descriptors of a loop that has closed are closed. */
void async_stream_close(async_stream *s)
{
    struct loop *l = async__loop;
    if (!s || s->fd < 0)
        return;
    bool at_home = l && s->home == l->serial;
    if (!at_home && async__handle_is_open(s->home)) {
        async__warn("async_stream_close of another thread's stream");
        return;
    }
    int fd = s->fd;
    s->fd = -1;
    if (s->kind != STREAM_FILE || !s->reading) /* a worker may be writing there */
        async__stream_forget(s);
    if (s->kind == STREAM_MEMORY)
        async__memory_close(s);
    else if (s->kind == STREAM_FILE)
        async_file_drop(&s->file);
    else if (at_home)
        async__own_close(l, fd);
}

int await_stream_close(async_stream *s)
{
    if (s && s->kind == STREAM_FILE && s->fd >= 0 && async__stream_is_at_home(s, "await_stream_close"))
        return async__stream_file_close(s);
    async_task *t;
    int r = await_begin(&t, "await_stream_close");
    async_stream_close(s);
    return r;
}

void async_stream_drop(async_stream **handle)
{
    async_stream *s = *handle;
    *handle = NULL;
    if (!s)
        return;
    async_stream_close(s);
    s->dropped = true;
    if (s->inside == 0 && s->fd < 0)
        async__free(s);
}
