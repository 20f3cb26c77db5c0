/* SPDX-License-Identifier: MIT */
/* stream_fd.c - streams over owned descriptors: the operations of sockets and of pipes. */
#include "io/stream_fd.h"

static int fd_wait(async_stream *s, enum async_stream_side side)
{
    struct loop *l = async__loop;
    if (*owned_fd_ready(l, s->fd) & side)
        return 0;
    return async__owned_fd_wait(l->sched.current, s->fd, (enum fd_ready)side);
}

/* The descriptors of a loop that has closed are closed. */
static void fd_close(async_stream *s)
{
    if (stream_loop_runs(s))
        async__owned_fd_close(async__loop, s->fd);
}

/* --- sockets --- */

static ssize_t tcp_read(async_stream *s, void *buf, size_t size)
{
    return fd_read(s, async__loop, buf, size, true);
}

static ssize_t read_descriptor(async_stream *s, void *buf, size_t size)
{
    return fd_read(s, async__loop, buf, size, false);
}

static ssize_t write_socket(async_stream *s, const void *buf, size_t size)
{
    return socket_write(s, async__loop, buf, size);
}

static int socket_write_eof(async_stream *s)
{
    return async__sys.shutdown(s->fd, SHUT_WR) < 0 ? -errno : 0;
}

const struct async_stream_ops async__tcp_ops = { .read = tcp_read,
                                                 .write = write_socket,
                                                 .wait = fd_wait,
                                                 .write_eof = socket_write_eof,
                                                 .close = fd_close };

const struct async_stream_ops async__socket_ops = { .read = read_descriptor,
                                                    .write = write_socket,
                                                    .wait = fd_wait,
                                                    .write_eof = socket_write_eof,
                                                    .close = fd_close };

/* --- pipes --- */

static ssize_t pipe_write(async_stream *s, const void *buf, size_t size)
{
    struct loop *l = async__loop;
    uint8_t *ready = owned_fd_ready(l, s->fd);
    ssize_t n;
    if (!(*ready & FD_WRITABLE))
        return ASYNC_STREAM_WOULD_BLOCK;
    while ((n = async__sys.write_nosignal(s->fd, buf, size)) < 0 && errno == EINTR)
        ;
    if (n >= 0)
        return n;
    if (errno != EAGAIN)
        return -errno;
    *ready &= (uint8_t)~FD_WRITABLE;
    return ASYNC_STREAM_WOULD_BLOCK;
}

/* A pipe has one direction: to end it is to close it. */
static int pipe_write_eof(async_stream *s)
{
    async_stream_close(s);
    return 0;
}

const struct async_stream_ops async__pipe_ops = { .read = read_descriptor,
                                                  .write = pipe_write,
                                                  .wait = fd_wait,
                                                  .write_eof = pipe_write_eof,
                                                  .close = fd_close };

int async__stream_of_fd(const struct async_stream_ops *ops, int fd, async_stream **ret)
{
    int r = async__stream_new(ops, ret);
    if (r == 0)
        (*ret)->fd = fd;
    return r;
}
