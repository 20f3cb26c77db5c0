/* SPDX-License-Identifier: MIT */
/* file.h - files as streams: what stream.c and read.c do otherwise with these. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include "io/stream.h"

/* Some bytes from the position, which moves; 0 at the end. Suspends, past the checkpoint. If s was closed meanwhile: -EPIPE, and
 * nothing is left over any more. */
ssize_t async__stream_file_read(async_stream *s, async_task *t, void *buf, size_t size);

/* The latest bytes were not consumed after all. */
void async__stream_file_unread(async_stream *s, size_t n);

/* All of it, at the position that the reader sees, or at the end. */
int async__stream_file_write(async_stream *s, async_task *t, const char *from, size_t size);

/* await_stream_close() of one that is open. */
int async__stream_file_close(async_stream *s);

#endif
