/* SPDX-License-Identifier: MIT */
/* open_file.c - open files. A descriptor is closed when the last call on it has returned. Otherwise
 * a thread that is late could use its number for another file. */
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "file/file.h"
#include "task/scope.h"

/* Bytes of one request. A cancellation takes effect between two of them. */
enum { COPY_MAX = 4 << 20 };

/* --- life --- */

async_file *async__file_new(const char *path, size_t room)
{
    size_t length = strlen(path) + 1;
    async_file *f = async__files(async__loop) ? async__malloc(sizeof *f + length + room) : NULL;
    if (!f)
        return NULL;
    *f = (async_file){ .home = async__loop->serial, .fd = -1, .closed = true };
    memcpy(f->path, path, length);
    return f;
}

void async__file_set_fd(async_file *f, int fd)
{
    f->fd = fd;
    f->closed = false;
    async__files(async__loop)->open++; /* the state was allocated together with f */
}

static bool file_is_at_home(const async_file *f)
{
    const struct loop *l = async__loop;
    return l && f->home == l->serial;
}

/* Refuse a file of another loop, with a warning. */
static bool is_foreign_file(const async_file *f, const char *what)
{
    if (file_is_at_home(f))
        return false;
    async__warn("%s() of \"%s\", a file of another loop; use it in the loop in which it was opened",
                what, f->path);
    return true;
}

/* The descriptor of f has been closed, or will be at once. */
static void forget_fd(async_file *f)
{
    f->fd = -1;
    if (file_is_at_home(f))
        async__files(async__loop)->open--;
}

static void close_fd(async_file *f)
{
    int fd = f->fd;
    if (fd < 0)
        return;
    forget_fd(f);
    if (f->named && f->named == getpid()) /* a child of fork() leaves it */
        unlink(f->path);
    async__sys.close(fd);
}

int async__file_enter(async_file *f, const char *what, const char *verb)
{
    if (is_foreign_file(f, what))
        return -EPERM;
    if (f->closed)
        return async__file_failed(-EBADF, verb, f->path);
    f->uses++;
    return 0;
}

void async__file_leave(async_file *f)
{
    if (--f->uses > 0 || !f->closed)
        return;
    close_fd(f);
    if (f->dropped)
        async__free(f);
}

void async_file_drop(async_file **handle)
{
    async_file *f = *handle;
    *handle = NULL;
    if (!f)
        return;
    if (!file_is_at_home(f) && async__handle_is_open(f->home)) {
        async__warn("async_file_drop() of another thread's file; drop it on that thread");
        return;
    }
    f->closed = f->dropped = true;
    f->uses++;
    async__file_leave(f);
}

/* --- opening and closing --- */

int await_open_opt(const char *path, int flags, async_file **ret,
                   const struct async_open_opts *opts)
{
    async_task *t;
    int64_t r = await_begin(&t, "await_open");
    if (r < 0)
        return (int)r;
    async_file *f = flags & O_PATH ? NULL : async__file_new(path, 0);
    if (!f)
        return async__file_failed(flags & O_PATH ? -EINVAL : -ENOMEM, "open", path);
    mode_t mode = opts->mode ? opts->mode : 0666;
    struct file_request rq = { .kind = FILE_OPEN, .path = f->path, .flags = flags, .mode = mode };
    r = async__file_request(t, &rq, "await_open");
    if (r < 0) {
        async__file_failed(r, "open", f->path);
        async__free(f);
        return (int)r;
    }
    async__file_set_fd(f, (int)r);
    f->appends = flags & O_APPEND;
    *ret = f;
    return 0;
}

static int64_t request_close(async_task *t, async_file *f)
{
    struct file_request rq = { .kind = FILE_CLOSE, .fd = f->fd, .path = f->named ? f->path : NULL };
    f->uses++;
    int64_t r = async__file_request(t, &rq, "await_close");
    if (rq.made)
        forget_fd(f);
    if (r < 0)
        async__file_failed(r, "close", f->path);
    async__file_leave(f);
    return r;
}

int await_close(async_file *f)
{
    async_task *t;
    int64_t r = await_begin(&t, "await_close");
    if (r == -EPERM || is_foreign_file(f, "await_close"))
        return -EPERM;
    if (f->closed)
        return (int)r;
    f->closed = true;
    if (f->uses > 0)
        return (int)r;
    if (r < 0)
        close_fd(f);
    else
        r = request_close(t, f);
    return (int)r;
}

/* --- requests --- */

int64_t async__file_make(async_task *t, async_file *f, struct file_request *rq, const char *what,
                         const char *verb)
{
    rq->fd = f->fd;
    int64_t r = async__file_request(t, rq, what);
    if (r < 0)
        async__file_failed(r, verb, f->path);
    return r;
}

int64_t async__file_use(async_task *t, async_file *f, struct file_request *rq, const char *what,
                        const char *verb)
{
    int64_t r = async__file_enter(f, what, verb);
    if (r < 0)
        return r;
    r = async__file_make(t, f, rq, what, verb);
    async__file_leave(f);
    return r;
}

int64_t async__file_on(async_file *f, struct file_request *rq, const char *what, const char *verb)
{
    async_task *t;
    int r = await_begin(&t, what);
    return r < 0 ? r : async__file_use(t, f, rq, what, verb);
}

ssize_t await_pread(async_file *f, void *buf, size_t size, int64_t offset)
{
    struct file_request rq = { .kind = FILE_READ,
                               .buf = buf,
                               .size = size,
                               .offset = offset,
                               .whole = true };
    return async__file_on(f, &rq, "await_pread", "read");
}

int await_pwrite(async_file *f, const void *buf, size_t size, int64_t offset)
{
    struct file_request rq = { .kind = FILE_WRITE, .data = buf, .size = size, .offset = offset };
    return (int)async__file_on(f, &rq, "await_pwrite", "write");
}

int await_fstat(async_file *f, struct stat *ret)
{
    struct file_request rq = { .kind = FILE_STATUS, .status = ret };
    return (int)async__file_on(f, &rq, "await_fstat", "stat");
}

int await_ftruncate(async_file *f, int64_t size)
{
    struct file_request rq = { .kind = FILE_RESIZE, .offset = size };
    return (int)async__file_on(f, &rq, "await_ftruncate", "resize");
}

int await_fsync(async_file *f)
{
    struct file_request rq = { .kind = FILE_SYNC };
    return (int)async__file_on(f, &rq, "await_fsync", "sync");
}

int await_fdatasync(async_file *f)
{
    struct file_request rq = { .kind = FILE_SYNC, .flags = 1 };
    return (int)async__file_on(f, &rq, "await_fdatasync", "sync");
}

static const char copy_name[] = "await_copy_file_range";

/* Copy piece by piece. The caller has entered both files, so they stay open, also if another task
 * closes or drops them between two pieces. */
static int64_t copy_pieces(async_task *t, async_file *from, int64_t from_offset,
                           const async_file *to, int64_t to_offset, int64_t size)
{
    int64_t done = 0, n;
    do {
        int64_t some = size - done < COPY_MAX ? size - done : COPY_MAX;
        struct file_request rq = { .kind = FILE_COPY,
                                   .other = to->fd,
                                   .size = some > 0 ? (size_t)some : 0,
                                   .done = done == 0 && size > 0 ? (size_t)size : 0,
                                   .offset = from_offset + done,
                                   .other_offset = to_offset + done };
        n = checkpoint(t);
        if (n == 0)
            n = async__file_make(t, from, &rq, copy_name, "copy");
        if (n < 0)
            return n;
        done += n;
    } while (n > 0 && done < size);
    return done;
}

int64_t await_copy_file_range(async_file *from, int64_t from_offset, async_file *to,
                              int64_t to_offset, int64_t size)
{
    async_task *t;
    int64_t r = await_begin(&t, copy_name);
    if (r == 0)
        r = async__file_enter(to, copy_name, "copy to");
    if (r < 0)
        return r;
    r = async__file_enter(from, copy_name, "copy");
    if (r == 0) {
        r = copy_pieces(t, from, from_offset, to, to_offset, size);
        async__file_leave(from);
    }
    async__file_leave(to);
    return r;
}

/* --- temporary files --- */

static const char *temporary_dir(const char *dir)
{
    const char *chosen = dir ? dir : secure_getenv("TMPDIR");
    return chosen && chosen[0] ? chosen : "/tmp";
}

static int open_temporary(const char *dir, bool named, async_file **ret, const char *what)
{
    async_task *t;
    int64_t r = await_begin(&t, what);
    if (r < 0)
        return (int)r;
    dir = temporary_dir(dir);
    /* The path with the name is written behind that of the directory, and takes its place later. */
    size_t room = strlen(dir) + 1 + FILE_NAME;
    async_file *f = async__file_new(dir, room);
    if (!f)
        return async__file_failed(-ENOMEM, "make a file in", dir);
    struct file_request rq = { .kind = FILE_TEMPORARY,
                               .path = f->path,
                               .buf = f->path + strlen(dir) + 1,
                               .size = room,
                               .flags = named };
    r = async__file_request(t, &rq, what);
    if (r < 0) {
        async__file_failed(r, "make a file in", f->path);
        async__free(f);
        return (int)r;
    }
    if (named)
        memmove(f->path, rq.buf, room);
    f->named = named ? getpid() : 0;
    async__file_set_fd(f, (int)r);
    *ret = f;
    return 0;
}

int await_temporary_file(const char *dir, async_file **ret)
{
    return open_temporary(dir, false, ret, "await_temporary_file");
}

int await_named_temporary_file(const char *dir, async_file **ret)
{
    return open_temporary(dir, true, ret, "await_named_temporary_file");
}

const char *async_file_path(const async_file *f)
{
    return f->path;
}
