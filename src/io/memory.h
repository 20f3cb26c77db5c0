/* SPDX-License-Identifier: MIT */
/* memory.h - streams without descriptors: what stream.c and read.c do otherwise with these. */
#ifndef IO_MEMORY_H
#define IO_MEMORY_H

#include "base/ring.h"
#include "io/stream.h"

/* Two ends and what is on its way between them. Each end is 0 or 1; it goes when both are closed. */
struct memory {
    struct ring to[2];      /* what that end will read */
    async_task *wait[2][2]; /* end, side: who waits there; the side is log2 of enum fd_ready */
    bool open[2];
    char bytes[];
};

bool async__memory_ready(const async_stream *s, enum fd_ready side);
ssize_t async__memory_read(async_stream *s, void *buf, size_t size);        /* -1 and errno */
ssize_t async__memory_write(async_stream *s, const void *buf, size_t size); /* -1 and errno */
int async__memory_wait(async_stream *s, async_task *t, enum fd_ready side);
int async__memory_write_eof(async_stream *s);
void async__memory_close(async_stream *s);

#endif
