/* SPDX-License-Identifier: MIT */
#include "io/file.h"

#include <limits.h>

#include "base/alloc.h"
#include "file/file.h"

enum { MOST = 4 << 20 }; /* bytes in one go: a cancel is heard between them */

/* --- opening --- */

/* -1: no such mode. */
static int flags_of(const char *mode)
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
    int r = await_begin(&t, "await_open_file");
    if (r < 0)
        return r;
    int flags = flags_of(mode);
    if (flags < 0)
        return async_fail_at(-EINVAL, NULL, "cannot open %.60s: there is no mode \"%.8s\"", path, mode);
    r = async__stream_new(INT_MAX, STREAM_FILE, &s);
    if (r < 0)
        return async__file_failed(r, "open", path);
    r = await_open(path, flags, &s->file);
    if (r < 0) {
        async__free(s);
        return r;
    }
    *ret = s;
    return 0;
}

/* --- reading and writing --- */

ssize_t async__stream_file_read(async_stream *s, async_task *t, void *buf, size_t size)
{
    async_file *f = s->file;
    struct file_op op = { .call = FILE_READ,
                          .buf = buf,
                          .size = size < MOST ? size : MOST,
                          .offset = f->position };
    int64_t n = checkpoint(t);
    s->streak = 0;
    if (n == 0)
        n = async__file_use(t, f, &op, "a read of a file", "read");
    if (s->fd < 0) {
        async__stream_forget(s);
        return async__stream_closed();
    }
    if (n > 0 && t->scope->effectively_cancelled) /* what nobody may look at any more has not been read */
        return async__deliver_cancel(t);
    if (n > 0)
        f->position += n;
    return (ssize_t)n;
}

void async__stream_file_unread(async_stream *s, size_t n)
{
    s->file->position -= (int64_t)n;
}

/* A piece: 0, and *from and *size have moved. What was read ahead is behind the position that the reader sees, and is old. */
static int write_some(async_stream *s, async_task *t, const char **from, size_t *size)
{
    async_file *f = s->file;
    int64_t at = f->position - (int64_t)stream_left_over(s);
    struct file_op op = { .call = FILE_WRITE,
                          .data = *from,
                          .size = *size < MOST ? *size : MOST,
                          .offset = at };
    int r = checkpoint(t);
    if (r == 0)
        r = (int)async__file_use(t, f, &op, "a write to a file", "write");
    if (s->fd < 0)
        return async__stream_closed();
    if (op.over && !f->appends) {
        async__stream_forget(s);
        f->position = at + (int64_t)op.done;
    }
    *from += op.done;
    *size -= op.done;
    return r;
}

int async__stream_file_write(async_stream *s, async_task *t, const char *from, size_t size)
{
    int r = 0;
    s->streak = 0;
    while (size > 0 && r == 0)
        r = write_some(s, t, &from, &size);
    return r;
}

/* --- the position --- */

static int check(const async_stream *s, const char *what)
{
    if (!async__stream_is_at_home(s, what))
        return -EPERM;
    if (s->kind != STREAM_FILE)
        return -ESPIPE;
    return s->fd < 0 ? async__stream_closed() : 0;
}

int async_stream_seek(async_stream *s, int64_t offset)
{
    int r = check(s, "async_stream_seek");
    if (r < 0)
        return r;
    if (s->reading || s->writing)
        return async__stream_busy(s);
    if (offset < 0)
        return async__file_failed(-EINVAL, "seek before the beginning of", async_file_path(s->file));
    async__stream_forget(s);
    s->file->position = offset;
    return 0;
}

int64_t async_stream_tell(const async_stream *s)
{
    int r = check(s, "async_stream_tell");
    return r < 0 ? r : s->file->position - (int64_t)stream_left_over(s);
}

/* --- the end --- */

/* As with async_stream_close(), but that the file is closed elsewhere. s may be dropped meanwhile. */
int async__stream_file_close(async_stream *s)
{
    async_file *f = s->file;
    s->fd = -1;
    s->file = NULL;
    if (!s->reading)
        async__stream_forget(s);
    s->inside++;
    int r = await_close(f);
    async_file_drop(&f);
    async__stream_unuse(s);
    return r;
}
