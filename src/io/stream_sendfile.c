/* SPDX-License-Identifier: MIT */
/* stream_sendfile.c - await_stream_sendfile(): write a part of a file to a stream. It does not use
 * sendfile(2), which would wait for the disk on the loop's thread, and needs a socket. */
#include "base/alloc.h"
#include "file/file.h"
#include "io/stream.h"
#include "task/scope.h"

enum { PIECE = 64 * 1024 };

static const char sendfile_name[] = "await_stream_sendfile";

/* Send the next piece, at most size bytes. Returns how many bytes the file had. */
static int64_t send_file_piece(async_task *t, async_stream *s, async_file *f, char *piece,
                               int64_t offset, int64_t size)
{
    struct file_request rq = { .kind = FILE_READ,
                               .buf = piece,
                               .size = size < PIECE ? (size_t)size : PIECE,
                               .offset = offset,
                               .whole = true };
    int64_t n = checkpoint(t);
    if (n == 0)
        n = async__file_make(t, f, &rq, sendfile_name, "read");
    int r = n > 0 ? await_stream_write(s, piece, (size_t)n) : 0;
    return r < 0 ? r : n;
}

static int64_t send_file_pieces(async_task *t, async_stream *s, async_file *f, int64_t offset,
                                int64_t size)
{
    async_data_auto piece = async__malloc(PIECE);
    if (!piece || size < 0)
        return async__file_failed(piece ? -EINVAL : -ENOMEM, "send", async_file_path(f));
    int64_t done = 0, n;
    do {
        n = send_file_piece(t, s, f, piece, offset + done, size - done);
        if (n < 0)
            return n;
        done += n;
    } while (n > 0 && done < size);
    return done;
}

/* The stream and the file stay until this call returns, also if another task drops them between two
 * pieces. Then the next write finds the stream closed; the file is read to its end. */
int64_t await_stream_sendfile(async_stream *s, async_file *f, int64_t offset, int64_t size)
{
    async_task *t;
    int64_t r = await_begin(&t, sendfile_name);
    if (r < 0)
        return r;
    if (!async__stream_is_at_home(s, sendfile_name))
        return -EPERM;
    r = async__file_enter(f, sendfile_name, "read");
    if (r < 0)
        return r;
    s->inside++;
    r = send_file_pieces(t, s, f, offset, size);
    stream_unuse(s);
    async__file_leave(f);
    return r;
}
