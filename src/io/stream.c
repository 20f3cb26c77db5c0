/* SPDX-License-Identifier: MIT */
/* stream.c - the life of a stream, and writing to it. stream_read.c reads. */
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "io/stream_fd.h"

enum { SHORT_TEXT = 512 };

_Static_assert((int)ASYNC_STREAM_READABLE == (int)FD_READABLE &&
                       (int)ASYNC_STREAM_WRITABLE == (int)FD_WRITABLE,
               "the sides of a stream are bits of the poller's table");

/* --- creation --- */

int async__stream_new(const struct async_stream_ops *ops, async_stream **ret)
{
    async_stream *s = async__malloc(sizeof *s);
    if (!s)
        return -ENOMEM;
    *s = (async_stream){ .ops = ops,
                         .home = async__loop->serial,
                         .fd = -1,
                         .exclusive = ops->exclusive };
    *ret = s;
    return 0;
}

int async_stream_new(const struct async_stream_ops *ops, void *self, async_stream **ret)
{
    if (!async__loop) {
        async__warn("async_stream_new() on a thread without a loop; call it in a task or callback");
        return -EPERM;
    }
    if ((!ops->read && !ops->write) || !ops->close)
        return async_fail_at(-EINVAL, NULL,
                             "a stream needs the operations close, and read or write");
    int r = async__stream_new(ops, ret);
    if (r == 0)
        (*ret)->self = self;
    return r;
}

void *async_stream_self(const async_stream *s, const struct async_stream_ops *ops)
{
    return s && s->ops == ops ? s->self : NULL;
}

/* --- what every call checks --- */

bool async__stream_is_at_home(const async_stream *s, const char *what)
{
    if (likely(stream_loop_runs(s)))
        return true;
    async__warn("%s() of a stream of another loop; use it in the loop in which it was made", what);
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

int async__stream_enter(async_stream *s, async_task **t, bool *side, const char *what)
{
    int r = await_begin(t, what);
    if (unlikely(r < 0))
        return r;
    if (unlikely(!async__stream_is_at_home(s, what)))
        return -EPERM;
    if (unlikely(s->closing)) {
        s->lost = true;
        return async__stream_closed();
    }
    if (unlikely(*side || (s->exclusive && (s->reading || s->writing))))
        return async__stream_busy(s);
    *side = true;
    s->inside++;
    return 0;
}

/* If a connection ends as connections do, a handler of await_serve() that passes the error on is
 * not reported. To write after async_stream_write_eof() is a mistake of the handler. */
void async__stream_call_failed(async_stream *s, ssize_t err)
{
    if (err == -EPIPE && s->eof_written && !s->closing)
        async_ignore(async_fail_at(-EPIPE, NULL, "a write after async_stream_write_eof()"));
    else if (err == -ENODATA || err == -EPIPE || err == -ECONNRESET)
        s->lost = true;
    s->reset |= err == -ECONNRESET;
    if (s->closed && !s->reading)
        async__stream_forget(s);
}

int async__stream_share_loop(async_stream *s, async_task *t)
{
    if (likely(--t->loop->sched.credit > 0))
        return 0;
    async__yield(t->loop, t);
    int r = checkpoint(t);
    return r == 0 && s->closing ? async__stream_closed() : r;
}

/* --- the table --- */

static int no_wait_operation(void)
{
    return async_fail_at(-EINVAL, NULL,
                         "the stream would block, and its kind has no operation wait");
}

/* Bytes that have come for a reader that was cancelled before it ran stay in the stream: consuming
 * them would lose them if the reader is the losing branch of a race. */
int async__stream_wait(async_stream *s, async_task *t, enum fd_ready side)
{
    int r = is_tcp_stream(s) ? async__owned_fd_wait(t, s->fd, side)
            : s->ops->wait   ? s->ops->wait(s, (enum async_stream_side)side)
                             : no_wait_operation();
    if (unlikely(s->closing && (r == 0 || r == -EPIPE)))
        return async__stream_closed();
    if (unlikely(r < 0))
        return r;
    if (unlikely(side == FD_READABLE && t->scope->effectively_cancelled))
        return async__deliver_cancel(t);
    return 0;
}

static ssize_t op_result(const async_stream *s, ssize_t n)
{
    return unlikely(s->closing && n != -ECANCELED) ? async__stream_closed() : n;
}

ssize_t async__stream_op_read(async_stream *s, void *buf, size_t size)
{
    return op_result(s, likely(s->ops->read) ? s->ops->read(s, buf, size) : -EBADF);
}

ssize_t async__stream_op_write(async_stream *s, const void *buf, size_t size)
{
    return op_result(s, likely(s->ops->write) ? s->ops->write(s, buf, size) : -EBADF);
}

/* --- writing --- */

/* Write some of size bytes, at least one. */
static ssize_t write_some(async_stream *s, async_task *t, const char *from, size_t size)
{
    for (;;) {
        ssize_t n = stream_write(s, t, from, size);
        if (likely(n != ASYNC_STREAM_WOULD_BLOCK))
            return n;
        int r = async__stream_wait(s, t, FD_WRITABLE);
        if (r < 0)
            return r;
    }
}

static int write_all(async_stream *s, async_task *t, const char *from, size_t size)
{
    while (size > 0) {
        ssize_t n = write_some(s, t, from, size);
        if (unlikely(n < 0))
            return (int)n;
        from += n;
        size -= (size_t)n;
        if (unlikely(size > 0)) {
            int r = async__stream_share_loop(s, t);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int await_stream_write(async_stream *s, const void *buf, size_t size)
{
    async_task *t;
    int r = async__stream_enter(s, &t, &s->writing, "await_stream_write");
    return unlikely(r < 0) ? r : (int)stream_leave(s, &s->writing, write_all(s, t, buf, size));
}

ssize_t await_stream_write_some(async_stream *s, const void *buf, size_t size)
{
    async_task *t;
    ssize_t r = async__stream_enter(s, &t, &s->writing, "await_stream_write_some");
    if (r < 0)
        return r;
    return stream_leave(s, &s->writing, size > 0 ? write_some(s, t, buf, size) : 0);
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
    if (s->closing)
        return async__stream_closed();
    if (s->writing)
        return async__stream_busy(s);
    if (!s->ops->write_eof)
        return async_fail_at(-ENOTSUP, NULL,
                             "a stream of this kind cannot end in one direction only");
    int r = s->ops->write_eof(s);
    s->eof_written |= r == 0;
    return r;
}

/* --- the end --- */

void async__stream_forget(async_stream *s)
{
    async__free(s->buf);
    s->buf = NULL;
    s->start = s->end = s->room = 0;
}

/* Does s belong to the loop of another thread, and is still open? Then warn, and leave it to that
 * thread. */
static bool is_foreign_stream(const async_stream *s, const char *what)
{
    if (s->closed || stream_loop_runs(s) || !async__handle_is_open(s->home))
        return false;
    async__warn("%s() of another thread's stream; use async_call_soon_threadsafe()", what);
    return true;
}

/* A task that is reading may be suspended in an operation that writes into the buffer. Then the
 * buffer goes with the record. */
static void close_stream(async_stream *s)
{
    if (s->closed)
        return;
    s->closing = s->closed = true;
    if (!s->reading)
        async__stream_forget(s);
    s->ops->close(s);
}

void async_stream_close(async_stream *s)
{
    if (s && !is_foreign_stream(s, "async_stream_close"))
        close_stream(s);
}

/* Calls on s are refused while the operation is under way. */
static int finish_stream(async_stream *s)
{
    s->closing = true;
    s->inside++;
    int r = s->ops->finish(s);
    close_stream(s);
    stream_unuse(s);
    return r;
}

int await_stream_close(async_stream *s)
{
    async_task *t;
    int r = await_begin(&t, "await_stream_close");
    if (!s)
        return r;
    if (is_foreign_stream(s, "await_stream_close"))
        return -EPERM;
    if (r == 0 && !s->closing && s->ops->finish && stream_loop_runs(s))
        return finish_stream(s);
    close_stream(s);
    return r;
}

void async__stream_free_if_dropped(async_stream *s)
{
    if (!s->dropped || !s->closed || s->inside > 0)
        return;
    if (s->ops->free)
        s->ops->free(s);
    async__stream_forget(s);
    async__free(s);
}

void async_stream_drop(async_stream **handle)
{
    async_stream *s = *handle;
    *handle = NULL;
    if (!s || is_foreign_stream(s, "async_stream_drop"))
        return;
    close_stream(s);
    s->dropped = true;
    async__stream_free_if_dropped(s);
}
