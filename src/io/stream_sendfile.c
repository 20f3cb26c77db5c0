/* SPDX-License-Identifier: MIT */
/* stream_sendfile.c - await_stream_sendfile(): write a part of a file to a stream. It does not use
 * sendfile(2), which would wait for the disk on the loop's thread, and needs a socket. */
#include "base/alloc.h"
#include "file/file.h"
#include "io/stream.h"
#include "task/scope.h"

enum { PIECE = 64 * 1024 };

/* Send the next piece, at most size bytes. Returns how many bytes the file had. */
static ssize_t send_file_piece(async_stream *s, async_file *f, char *piece, int64_t offset,
                               int64_t size)
{
    ssize_t n = await_pread(f, piece, size < PIECE ? (size_t)size : PIECE, offset);
    int r = n > 0 ? await_stream_write(s, piece, (size_t)n) : 0;
    return r < 0 ? r : n;
}

int64_t await_stream_sendfile(async_stream *s, async_file *f, int64_t offset, int64_t size)
{
    async_task *t;
    int64_t done = 0, n = await_begin(&t, "await_stream_sendfile");
    if (n < 0)
        return n;
    async_data_auto piece = async__malloc(PIECE);
    if (!piece || size < 0)
        return async__file_failed(piece ? -EINVAL : -ENOMEM, "send", async_file_path(f));
    do {
        n = send_file_piece(s, f, piece, offset + done, size - done);
        if (n < 0)
            return n;
        done += n;
    } while (n > 0 && done < size);
    return done;
}
