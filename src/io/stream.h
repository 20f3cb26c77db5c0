/* SPDX-License-Identifier: MIT */
/* stream.h - the record of a stream, and what the files that work on streams share.
 *
 * Each kind of stream is a table of operations (<asyncio/stream_ops.h>), chosen when the stream is
 * made:
 *   stream_fd.c              TCP sockets, other sockets, pipes
 *   stream_file.c            files
 *   testing/stream_pair.c    streams in memory, for tests
 *   adapters                 for example TLS
 * stream.c (life, writing) and stream_read.c (reading, the buffer) serve all kinds and call the
 * table. The only kind that they treat differently is the TCP socket, whose fast path is inlined
 * (stream_fd.h).
 *
 * A stream has a buffer only while bytes are left over from a read that took more than it could
 * give. So a connection that waits for its peer is this record and an entry in the poller's
 * table. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <asyncio/stream_ops.h>

#include "io/owned_fd.h"

struct async_stream {
    const struct async_stream_ops *ops;
    uint64_t home; /* serial number of its loop */
    char *buf;     /* the bytes from start to end are left over; NULL: none */
    size_t start, end, room;
    union {
        void *self;         /* data of the operations */
        async_stream *next; /* of a server's connection, until its handler begins */
    };
    void *arg;             /* async_serve_arg() */
    int fd;                /* of a stream over a descriptor */
    uint8_t inside;        /* calls under way; the record lives until the last one has returned */
    bool reading, writing; /* a call on that side is under way */
    bool exclusive : 1;    /* a copy of ops->exclusive */
    bool closing : 1;      /* calls are refused: it was closed, or is being finished */
    bool closed : 1;       /* ops->close has been called */
    bool dropped : 1;
    bool eof_written : 1; /* async_stream_write_eof() has succeeded */
    bool reset : 1;       /* a read has returned -ECONNRESET, which the kernel reports only once */
    bool lost : 1;        /* a call has failed as connections end, async__stream_call_failed() */
};

/* Allocate the record of a stream of the calling thread's loop. Returns 0 or -ENOMEM. */
int async__stream_new(const struct async_stream_ops *ops, async_stream **ret);

/* The head of every call that may wait on one side of s. Returns 0 and takes that side, or returns
 * why the call is refused. */
int async__stream_enter(async_stream *s, async_task **t, bool *side, const char *what);

/* Free s if it was dropped. The calling task has returned from its last call on s. */
void async__stream_free_if_dropped(async_stream *s);

/* A call on s returns the error err. Record whether it is an end of the connection, for
 * await_serve(). */
COLD void async__stream_call_failed(async_stream *s, ssize_t err);

static inline void stream_unuse(async_stream *s)
{
    if (unlikely(--s->inside == 0 && s->dropped))
        async__stream_free_if_dropped(s);
}

/* The end of every call that async__stream_enter() has begun. Nothing may touch s afterwards.
 * Returns r. */
static inline ssize_t stream_leave(async_stream *s, bool *side, ssize_t r)
{
    *side = false;
    if (unlikely(r < 0))
        async__stream_call_failed(s, r);
    stream_unuse(s);
    return r;
}

/* Wait until a read or a write of s may succeed. Returns 0 or a negative errno. */
int async__stream_wait(async_stream *s, async_task *t, enum fd_ready side);

/* Read or write once by the table of s. The operation may suspend; if s is closed meanwhile, the
 * result is -EPIPE. */
ssize_t async__stream_op_read(async_stream *s, void *buf, size_t size);
ssize_t async__stream_op_write(async_stream *s, const void *buf, size_t size);

/* A call has moved n bytes and goes on to move more. If it has moved enough, let other tasks run.
 * Returns 0, -ECANCELED, or -EPIPE if s was closed meanwhile. */
int async__stream_share_loop(async_stream *s, async_task *t);

COLD int async__stream_closed(void);                /* returns -EPIPE, with a message */
COLD int async__stream_busy(const async_stream *s); /* returns -EBUSY, with a message */

/* Give up the bytes that are left over, and the buffer. */
void async__stream_forget(async_stream *s);

/* Does s belong to this thread's loop? If not, warn. */
bool async__stream_is_at_home(const async_stream *s, const char *what);

/* The same without a warning. */
static inline bool stream_loop_runs(const async_stream *s)
{
    return async__loop && s->home == async__loop->serial;
}

static inline size_t stream_left_over(const async_stream *s)
{
    return s->end - s->start;
}

#endif
