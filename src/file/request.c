/* SPDX-License-Identifier: MIT */
/* request.c - requests: what each kind does, which engine executes it (threads or io_uring), and
 * the messages of those that fail. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "file/syscalls.h"
#include "file/uring.h"
#include "task/scope.h"

/* Bytes of a path in a message. Its end tells more than its beginning. */
enum { SHOWN = 72 };

/* --- on a thread of the pool --- */

static int64_t read_file(struct file_request *rq)
{
    return rq->whole ? async__syscall_read_all(rq, rq->fd, rq->buf, rq->size, rq->offset)
                     : async__syscall_read(rq, rq->fd, rq->buf, rq->size, rq->offset);
}

static int status_of(const struct file_request *rq)
{
    return rq->path ? fstatat(AT_FDCWD, rq->path, rq->status, rq->flags)
                    : fstat(rq->fd, rq->status);
}

/* Make the only system call of a request. */
static int single_call(const struct file_request *rq)
{
    switch (rq->kind) {
    case FILE_RESIZE:
        return ftruncate(rq->fd, rq->offset);
    case FILE_STATUS:
        return status_of(rq);
    case FILE_RENAME:
        return rename(rq->path, rq->to);
    case FILE_UNLINK:
        return unlinkat(AT_FDCWD, rq->path, rq->flags);
    case FILE_MKDIR:
        return mkdir(rq->path, rq->mode);
    case FILE_MODE:
        return fchmod(rq->fd, rq->mode);
    default:
        return (int)getdents64(rq->fd, rq->buf, rq->size);
    }
}

static int64_t execute_request(struct file_request *rq)
{
    switch (rq->kind) {
    case FILE_OPEN:
        return async__syscall_open(rq, rq->path, rq->flags, rq->mode);
    case FILE_CLOSE:
        if (rq->path)
            unlink(rq->path);
        return async__syscall_close(rq, rq->fd, 0);
    case FILE_READ_WHOLE:
        return async__compound_read_whole(rq);
    case FILE_READ:
        return read_file(rq);
    case FILE_WRITE:
        return async__syscall_write_all(rq, rq->fd);
    case FILE_COPY:
        return async__compound_copy(rq);
    case FILE_SYNC:
        return SYSCALL(rq, SYS_SYNC, NULL, rq->flags ? fdatasync(rq->fd) : fsync(rq->fd));
    case FILE_REPLACE:
        return async__compound_replace(rq);
    case FILE_TEMPORARY:
        return async__compound_temporary(rq);
    default:
        return SYSCALL(rq, SYS_OTHER, NULL, single_call(rq));
    }
}

void async__file_execute(struct file_request *rq)
{
    rq->result = execute_request(rq);
    rq->made = true;
}

static void work_on_request(struct job *j)
{
    async__file_execute((struct file_request *)((char *)j - offsetof(struct file_request, job)));
}

/* --- the engines --- */

#ifdef HAVE_URING
/* Threads are the default. Measured with 10,000 small files in the cache, io_uring takes a fifth
 * less processor time on a disk, and more in a tmpfs, which cannot be read without waiting. Threads
 * use a second core where there is one, and leave that of the loop to other tasks. */
static bool is_ring_wanted(void)
{
    const char *engine = secure_getenv("ASYNCIO_FILES");
    return engine && !strcmp(engine, "uring");
}

/* Return the ring of l, which is opened at the first request. NULL if it has none. */
static struct uring *ring_of(struct loop *l)
{
    struct files *f = async__files(l);
    if (f && !f->uring && !f->no_uring) {
        f->uring = is_ring_wanted() ? async__uring_open(l) : NULL;
        f->no_uring = !f->uring;
    }
    return f ? f->uring : NULL;
}

static void close_ring(struct files *f)
{
    if (f->uring)
        async__uring_close(f->uring);
}

static int request_from_ring(async_task *t, struct file_request *rq)
{
    struct uring *u = ring_of(t->loop);
    return u && async__uring_suits(u, rq) ? async__uring_await(u, t, rq) : -EAGAIN;
}

#else
static struct uring *ring_of(struct loop *l)
{
    (void)l;
    return NULL;
}

static void close_ring(struct files *f)
{
    (void)f;
}

static int request_from_ring(async_task *t, struct file_request *rq)
{
    (void)t;
    (void)rq;
    return -EAGAIN;
}
#endif

static void files_close(struct loop_module *m, struct loop *l)
{
    struct files *f = (struct files *)m;
    (void)l;
    close_ring(f);
    async__free(f);
}

static void files_leak_check(const struct loop_module *m, const struct loop *l)
{
    const struct files *f = (const struct files *)m;
    (void)l;
    if (f->open)
        async__warn("the loop closes with %d file%s open; use async_file_auto", f->open,
                    PLURAL(f->open));
}

struct files *async__files(struct loop *l)
{
    struct files *f = (struct files *)l->module[MODULE_FILES];
    if (likely(f != NULL))
        return f;
    f = async__calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->module = (struct loop_module){ .close = files_close, .leak_check = files_leak_check };
    l->module[MODULE_FILES] = &f->module;
    return f;
}

const char *async_file_engine(void)
{
    struct loop *l = async__loop;
    return !l ? "" : ring_of(l) ? "uring" : "pool";
}

int64_t async__file_request(async_task *t, struct file_request *rq, const char *what)
{
    rq->job = (struct job){ .work = work_on_request, .name = what };
    rq->fault = async__sys.draw_file_fault((int)rq->kind);
    int r = request_from_ring(t, rq);
    if (r == -EAGAIN)
        r = async__job_await(t, ASYNC_POOL_FILES, &rq->job);
    return r < 0 ? r : rq->result;
}

/* --- messages --- */

int async__file_failed(int64_t r, const char *verb, const char *path)
{
    if (!path)
        path = "(null)";
    size_t length = strlen(path);
    bool cut = length > SHOWN;
    const char *why = r == -EAGAIN ? "no thread could be started" : strerrordesc_np((int)-r);
    if (r == -ECANCELED)
        return -ECANCELED;
    return async_fail_at((int)r, NULL, "cannot %s %s%s: %s", verb, cut ? "..." : "",
                         cut ? path + length - SHOWN : path, why ? why : "unknown error");
}

int64_t async__file_try(struct file_request *rq, const char *what, const char *verb,
                        const char *path)
{
    async_task *t;
    int64_t r = await_begin(&t, what);
    if (r == 0)
        r = async__file_request(t, rq, what);
    return r < 0 ? async__file_failed(r, verb, path) : r;
}
