/* SPDX-License-Identifier: MIT */
/* stream.h - a stream inside. It keeps a buffer only while bytes are left over from a read that took more than it
 * could give; so one that waits for its peer is this record and an entry in the table of descriptors. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <asyncio/file.h>
#include <asyncio/stream.h>

#include "io/own.h"

enum stream_kind {
    STREAM_TCP,    /* a short read means that nothing is left */
    STREAM_SOCKET, /* reads stop at the borders of messages with descriptors */
    STREAM_PIPE,
    STREAM_MEMORY, /* no descriptor: fd is only a sign that it is open */
    STREAM_FILE,   /* nor here: its calls are made elsewhere */
};

struct async_stream {
    uint64_t home; /* serial number of its loop */
    char *buf; /* the bytes from start to end are left over; NULL: none */
    size_t start, end, room;
    union {
        async_stream *next;    /* a server's: accepted, its handler has not begun */
        struct memory *memory; /* STREAM_MEMORY */
        async_file *file;      /* STREAM_FILE */
    };
    int fd; /* -1: closed */
    uint8_t kind;
    uint8_t which;  /* end of its memory, 0 or 1 */
    uint8_t inside; /* calls under way: the record lives until the last one has left */
    uint8_t streak; /* calls since the latest wait */
    bool reading, writing, dropped;
    bool lost; /* the peer has reset it, or does not read any more */
};

/* fd, nonblocking and owned by the current loop, becomes a stream: 0. -ENOMEM: fd is as it was. */
int async__stream_new(int fd, enum stream_kind kind, async_stream **ret);

/* The head of every call that may wait, on one side of the stream: 0, and the side is taken. */
int async__stream_enter(async_stream *s, async_task **t, bool *side, const char *what);

static inline void async__stream_unuse(async_stream *s)
{
    if (--s->inside == 0 && s->dropped)
        async_stream_drop(&s);
}

/* The end of it: r. The last thing that is done with s. */
static inline ssize_t stream_leave(async_stream *s, bool *side, ssize_t r)
{
    *side = false;
    async__stream_unuse(s);
    return r;
}

/* Wait until that side may be ready: 0, or why not. */
int async__stream_wait(async_stream *s, async_task *t, enum fd_ready side);

COLD int async__stream_closed(void);                /* -EPIPE, with a sentence */
COLD int async__stream_busy(const async_stream *s); /* -EBUSY, the same */

/* The call on it has failed: -errno. */
static inline int stream_failed(async_stream *s)
{
    s->lost |= errno == ECONNRESET || errno == EPIPE;
    return -errno;
}

void async__stream_forget(async_stream *s); /* what is left over */

/* s belongs to this loop, or it is said that it does not. */
bool async__stream_is_at_home(const async_stream *s, const char *what);

static inline size_t stream_left_over(const async_stream *s)
{
    return s->end - s->start;
}

#endif
