/* SPDX-License-Identifier: MIT */
/* stream_file.c - files as streams. Their position is a number in the record of the open file
 * (file/file.h), behind all that was read. What a reader sees as the position lies before it by the
 * bytes that are left over. */
#include "io/stream.h"

#include <asyncio/file.h>

#include "base/alloc.h"
#include "file/file.h"

enum {
    PIECE_MAX = 4 << 20, /* bytes of one call; a cancel takes effect between two calls */
    FILE_READ_AHEAD = 32 * 1024,
};

/* --- reading and writing --- */

/* Bytes that were read for a task which was cancelled meanwhile count as not read. */
static ssize_t file_read(async_stream *s, void *buf, size_t size)
{
    async_task *t = async__loop->sched.current;
    async_file *f = s->self;
    struct file_request rq = { .kind = FILE_READ,
                               .buf = buf,
                               .size = size < PIECE_MAX ? size : PIECE_MAX,
                               .offset = f->position };
    int64_t n = checkpoint(t);
    if (n == 0)
        n = async__file_use(t, f, &rq, "a read of a file", "read");
    if (n <= 0 || s->closing)
        return (ssize_t)n;
    if (t->scope->effectively_cancelled)
        return async__deliver_cancel(t);
    f->position += n;
    return (ssize_t)n;
}

static void file_unread(async_stream *s, size_t n)
{
    async_file *f = s->self;
    f->position -= (int64_t)n;
}

/* Write a piece at the position that the reader sees. What was read ahead may be old afterwards. If
 * the call fails in the middle, the next one reports the error. */
static ssize_t file_write(async_stream *s, const void *buf, size_t size)
{
    async_task *t = async__loop->sched.current;
    async_file *f = s->self;
    int64_t at = f->position - (int64_t)stream_left_over(s);
    struct file_request rq = { .kind = FILE_WRITE,
                               .data = buf,
                               .size = size < PIECE_MAX ? size : PIECE_MAX,
                               .offset = at };
    int r = checkpoint(t);
    if (r == 0)
        r = (int)async__file_use(t, f, &rq, "a write to a file", "write");
    if (s->closing)
        return r;
    if (rq.made && !f->appends) {
        async__stream_forget(s);
        f->position = at + (int64_t)rq.done;
    }
    return rq.done > 0 ? (ssize_t)rq.done : r;
}

/* --- the end --- */

/* Closing a file may report errors of earlier writes. s may be dropped meanwhile. */
static int file_finish(async_stream *s)
{
    async_file *f = s->self;
    s->self = NULL;
    int r = await_close(f);
    async_file_drop(&f);
    return r;
}

static void file_close(async_stream *s)
{
    async_file *f = s->self;
    s->self = NULL;
    async_file_drop(&f);
}

static const struct async_stream_ops file_ops = { .read = file_read,
                                                  .write = file_write,
                                                  .finish = file_finish,
                                                  .close = file_close,
                                                  .unread = file_unread,
                                                  .read_ahead = FILE_READ_AHEAD,
                                                  .exclusive = true };

/* --- opening --- */

/* Translate a mode of fopen() to flags of open(). Returns -1 if there is no such mode. */
static int flags_of_mode(const char *mode)
{
    static const struct {
        char letter;
        int flags;
    } first[] = { { 'r', 0 }, { 'w', O_CREAT | O_TRUNC }, { 'a', O_CREAT | O_APPEND } };
    bool both = false;
    int flags = -1;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (mode[0] == first[i].letter)
            flags = first[i].flags;
    if (flags < 0)
        return -1;
    for (const char *m = mode + 1; *m; m++) {
        if (*m == '+')
            both = true;
        else if (*m == 'x' && flags)
            flags |= O_EXCL;
        else if (*m != 'b' && *m != 'e')
            return -1;
    }
    return flags | (both ? O_RDWR : mode[0] == 'r' ? O_RDONLY : O_WRONLY);
}

int await_open_file(const char *path, const char *mode, async_stream **ret)
{
    async_task *t;
    async_stream *s;
    async_file *f;
    int r = await_begin(&t, "await_open_file");
    if (r < 0)
        return r;
    int flags = flags_of_mode(mode);
    if (flags < 0)
        return async_fail_at(-EINVAL, NULL, "cannot open %.60s: there is no mode \"%.8s\"", path,
                             mode);
    r = async__stream_new(&file_ops, &s);
    if (r < 0)
        return async__file_failed(r, "open", path);
    r = await_open(path, flags, &f);
    if (r < 0) {
        async__free(s);
        return r;
    }
    s->self = f;
    *ret = s;
    return 0;
}

/* --- the position --- */

static int check_file(const async_stream *s, const char *what)
{
    if (!async__stream_is_at_home(s, what))
        return -EPERM;
    if (s->ops != &file_ops)
        return -ESPIPE;
    return s->closing ? async__stream_closed() : 0;
}

int async_stream_seek(async_stream *s, int64_t offset)
{
    int r = check_file(s, "async_stream_seek");
    if (r < 0)
        return r;
    async_file *f = s->self;
    if (s->reading || s->writing)
        return async__stream_busy(s);
    if (offset < 0)
        return async__file_failed(-EINVAL, "seek before the beginning of", async_file_path(f));
    async__stream_forget(s);
    f->position = offset;
    return 0;
}

int64_t async_stream_tell(const async_stream *s)
{
    int r = check_file(s, "async_stream_tell");
    const async_file *f = s->self;
    return r < 0 ? r : f->position - (int64_t)stream_left_over(s);
}
