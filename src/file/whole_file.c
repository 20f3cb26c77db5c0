/* SPDX-License-Identifier: MIT */
/* whole_file.c - read, replace and copy whole files. */
#include "base/alloc.h"
#include "file/syscalls.h"
#include "file/file.h"
#include "task/scope.h"

enum {
    SMALL = 16 * 1024,  /* bytes of a file that one request opens, reads and closes */
    READ_MAX = 4 << 20, /* bytes of one read; a cancellation takes effect between two of them */
};

void async_data_drop(char **data)
{
    async__free(*data);
    *data = NULL;
}

/* --- reading --- */

static bool resize_buffer(char **buf, size_t size)
{
    char *p = async__realloc(*buf, size);
    if (p)
        *buf = p;
    return p;
}

/* Read from *got on, to the end of the file. */
static int read_rest(async_file *f, char **buf, size_t room, size_t *got)
{
    for (;;) {
        if (room - *got < 2 && (room > SIZE_MAX / 2 || !resize_buffer(buf, room *= 2)))
            return -ENOMEM;
        size_t some = room - *got - 1 < READ_MAX ? room - *got - 1 : READ_MAX;
        ssize_t n = await_pread(f, *buf + *got, some, (int64_t)*got);
        if (n < 0)
            return (int)n;
        *got += (size_t)n;
        if ((size_t)n < some)
            return 0;
    }
}

/* The file does not fit into the small buffer. Read it again from its beginning. */
static int read_large(const char *path, char **buf, size_t *got)
{
    async_file_auto f = NULL;
    struct stat st;
    ASYNC_TRY(await_open(path, O_RDONLY, &f));
    ASYNC_TRY(await_fstat(f, &st));
    size_t room = st.st_size < SMALL ? SMALL : (size_t)st.st_size;
    if (!resize_buffer(buf,
                       room += 2)) /* for a byte that would show that there is more, and the '\0' */
        return -ENOMEM;
    *got = 0;
    return read_rest(f, buf, room, got);
}

int await_read_file(const char *path, char **ret, size_t *ret_size)
{
    async_task *t;
    int64_t n = await_begin(&t, "await_read_file");
    if (n < 0)
        return (int)n;
    async_data_auto buf = async__malloc(SMALL + 1);
    struct file_request rq = { .kind = FILE_READ_WHOLE, .path = path, .buf = buf, .size = SMALL };
    n = buf ? async__file_request(t, &rq, "await_read_file") : -ENOMEM;
    if (n < 0)
        return async__file_failed(n, "read", path);
    size_t got = (size_t)n;
    int r = got == SMALL ? read_large(path, &buf, &got) : 0;
    if (r < 0)
        return r == -ENOMEM ? async__file_failed(r, "read", path) : r;
    buf[got] = '\0';
    async_ignore(resize_buffer(&buf, got + 1)); /* if it fails, the buffer is too large, no more */
    *ret = buf;
    buf = NULL;
    if (ret_size)
        *ret_size = got;
    return 0;
}

/* --- writing --- */

int await_write_file_opt(const char *path, const void *data, size_t size,
                         const struct async_write_opts *opts)
{
    struct file_request rq = { .kind = FILE_REPLACE,
                               .path = path,
                               .data = data,
                               .size = size,
                               .mode = opts->mode ? opts->mode : 0666,
                               .flags = opts->durable };
    return (int)async__file_try(&rq, "await_write_file", "write", path);
}

/* --- copying --- */

static int set_file_mode(async_file *f, mode_t mode)
{
    struct file_request rq = { .kind = FILE_MODE, .mode = mode };
    return (int)async__file_on(f, &rq, "await_copy_file", "copy to");
}

/* The permissions come last, because they may forbid writing. */
static int copy_content(async_file *in, async_file *out, mode_t mode)
{
    ASYNC_TRY(await_ftruncate(out, 0));
    ASYNC_TRY(await_copy_file_range(in, 0, out, 0, INT64_MAX));
    return set_file_mode(out, mode);
}

int await_copy_file(const char *from, const char *to)
{
    async_file_auto in = NULL;
    async_file_auto out = NULL;
    struct stat x, y;
    ASYNC_TRY(await_open(from, O_RDONLY, &in));
    ASYNC_TRY(await_fstat(in, &x));
    ASYNC_TRY(await_open(to, O_WRONLY | O_CREAT, &out, .mode = x.st_mode & PERMISSIONS));
    ASYNC_TRY(await_fstat(out, &y));
    if (x.st_dev == y.st_dev && x.st_ino == y.st_ino)
        return async__file_failed(-EINVAL, "copy onto itself", from);
    ASYNC_TRY(copy_content(in, out, x.st_mode & PERMISSIONS));
    return await_close(out);
}
