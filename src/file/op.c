/* SPDX-License-Identifier: MIT */
/* op.c - a task waits for a call, whoever makes it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "file/file.h"
#include "file/uring.h"
#include "task/scope.h"

enum { SHOWN = 72 }; /* of a path: its end says more than its beginning */

static void work(struct job *j)
{
    async__file_call((struct file_op *)((char *)j - offsetof(struct file_op, job)));
}

/* --- who makes it --- */

#ifdef HAVE_URING
/* Threads, unless it is asked for. Measured with 10,000 small files in the cache: the ring takes a fifth less of the processor
 * on a disk, and more in a tmpfs, which refuses to be read without waiting; threads use a second core, where there is one,
 * and leave the loop's own to others. */
static bool wants_ring(void)
{
    const char *asked = secure_getenv("ASYNCIO_FILES");
    return asked && !strcmp(asked, "uring");
}

/* The loop's ring, from its first call on; NULL: it has none. */
static struct uring *ring_of(struct loop *l)
{
    struct files *f = async__files(l);
    if (f && !f->uring && !f->no_uring) {
        f->uring = wants_ring() ? async__uring_open(l) : NULL;
        f->no_uring = !f->uring;
    }
    return f ? f->uring : NULL;
}

static void close_ring(struct files *f)
{
    if (f->uring)
        async__uring_close(f->uring);
}

static int by_ring(async_task *t, struct file_op *op)
{
    struct uring *u = ring_of(t->loop);
    return u && async__uring_suits(u, op) ? async__uring_await(u, t, op) : -EAGAIN;
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

static int by_ring(async_task *t, struct file_op *op)
{
    (void)t;
    (void)op;
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
        async__warn("the loop closes with %d files open", f->open);
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

int64_t async__file_do(async_task *t, struct file_op *op, const char *what)
{
    op->job = (struct job){ .work = work, .name = what };
    op->fault = async__sys.draw_file_fault((int)op->call);
    int r = by_ring(t, op);
    if (r == -EAGAIN)
        r = async__job_await(t, ASYNC_POOL_FILES, &op->job);
    return r < 0 ? r : op->result;
}

/* --- what is said --- */

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

int64_t async__file_try(struct file_op *op, const char *what, const char *verb, const char *path)
{
    async_task *t;
    int64_t r = await_begin(&t, what);
    if (r == 0)
        r = async__file_do(t, op, what);
    return r < 0 ? async__file_failed(r, verb, path) : r;
}
