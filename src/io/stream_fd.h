/* SPDX-License-Identifier: MIT */
/* stream_fd.h - streams over owned descriptors: sockets and pipes. The fast path of TCP sockets is
 * here, to be inlined. */
#ifndef IO_STREAM_FD_H
#define IO_STREAM_FD_H

#include "io/stream.h"

/* A short read of a TCP socket means that nothing is left, which saves a system call that would
 * fail with EAGAIN. That does not hold for other sockets, where reads stop at the borders of
 * messages with descriptors, nor for pipes. */
extern const struct async_stream_ops async__tcp_ops, async__socket_ops, async__pipe_ops;

/* Make a stream of fd, which is nonblocking and registered as owned. Returns 0; or -ENOMEM, and
 * then fd is as it was. */
int async__stream_of_fd(const struct async_stream_ops *ops, int fd, async_stream **ret);

/* Bytes that count as one more await_ call, for fairness: so a task whose calls never wait moves
 * some megabytes at most before others run. */
enum { BYTES_PER_CREDIT_LOG2 = 14 };

static inline ssize_t fd_read(async_stream *s, struct loop *l, void *buf, size_t size, bool is_tcp)
{
    uint8_t *ready = owned_fd_ready(l, s->fd);
    ssize_t n;
    if (!(*ready & FD_READABLE))
        return ASYNC_STREAM_WOULD_BLOCK;
    while (unlikely((n = async__sys.read(s->fd, buf, size)) < 0) && errno == EINTR)
        ;
    if (unlikely(n < 0)) {
        if (errno != EAGAIN)
            return -errno;
        *ready &= (uint8_t)~FD_READABLE;
        return ASYNC_STREAM_WOULD_BLOCK;
    }
    if (unlikely(n == 0 && s->reset))
        return -ECONNRESET;
    if (is_tcp && n > 0 && (size_t)n < size && !(*ready & FD_ENDING))
        *ready &= (uint8_t)~FD_READABLE;
    l->sched.credit -= (int)(n >> BYTES_PER_CREDIT_LOG2);
    return n;
}

static inline ssize_t socket_write(async_stream *s, struct loop *l, const void *buf, size_t size)
{
    uint8_t *ready = owned_fd_ready(l, s->fd);
    ssize_t n;
    if (unlikely(!(*ready & FD_WRITABLE)))
        return ASYNC_STREAM_WOULD_BLOCK;
    while (unlikely((n = async__sys.send(s->fd, buf, size, MSG_NOSIGNAL)) < 0) && errno == EINTR)
        ;
    if (unlikely(n < 0)) {
        if (errno != EAGAIN)
            return -errno;
        *ready &= (uint8_t)~FD_WRITABLE;
        return ASYNC_STREAM_WOULD_BLOCK;
    }
    l->sched.credit -= (int)(n >> BYTES_PER_CREDIT_LOG2);
    return n;
}

static inline bool is_tcp_stream(const async_stream *s)
{
    return likely(s->ops == &async__tcp_ops);
}

static inline ssize_t stream_read(async_stream *s, async_task *t, void *buf, size_t size)
{
    return is_tcp_stream(s) ? fd_read(s, t->loop, buf, size, true)
                            : async__stream_op_read(s, buf, size);
}

static inline ssize_t stream_write(async_stream *s, async_task *t, const void *buf, size_t size)
{
    return is_tcp_stream(s) ? socket_write(s, t->loop, buf, size)
                            : async__stream_op_write(s, buf, size);
}

#endif
