/* SPDX-License-Identifier: MIT */
/* pools.c - the pools of a loop, and how they are closed. */
#include "pool/pools.h"

#include <stdatomic.h>

#include "base/alloc.h"
#include "pool/job.h"
#include "pool/thread_pool.h"
#include "task/scope.h"

/* --- thread pools --- */

enum { FILES = 8, NAMES = 16, THREADS_MAX = 32 };

/* As in Python: 4 more than processors, at most 32. */
unsigned async__threads_default(void)
{
    unsigned threads = 4 + (unsigned)async__sys.processors();
    return threads < THREADS_MAX ? threads : THREADS_MAX;
}

/* The kinds are separate, so that slow disks do not delay names, nor either of them the calls of
 * the user. */
static struct thread_pool_opts opts_of_kind(enum async_pool kind)
{
    switch (kind) {
    case ASYNC_POOL_FILES:
        return (struct thread_pool_opts){ FILES, 0, "asyncio-files", async__job_finish };
    case ASYNC_POOL_NAMES:
        return (struct thread_pool_opts){ NAMES, 3 * NAMES, "asyncio-names", async__job_finish };
    default:
        return (struct thread_pool_opts){ async__threads_default(), THREADS_MAX, "asyncio-thread",
                                          async__job_finish };
    }
}

struct thread_pool *async__pool_of_kind(struct loop *l, enum async_pool kind)
{
    struct pools *p = async__pools(l);
    if (p && !p->by_kind[kind]) {
        struct thread_pool_opts o = opts_of_kind(kind);
        p->by_kind[kind] = async__thread_pool_open(l->handle, &o);
    }
    return p ? p->by_kind[kind] : NULL;
}

int async__job_await(async_task *t, enum async_pool kind, struct job *j)
{
    struct thread_pool *p = async__pool_of_kind(t->loop, kind);
    return p ? async__job_await_in(t, p, j) : -ENOMEM;
}

int async_pool_stats(enum async_pool kind, struct async_pool_stats *ret)
{
    struct loop *l = async__loop;
    if (!l)
        return async__not_in_task("async_pool_stats");
    if ((unsigned)kind >= POOL_KINDS)
        return -EINVAL;
    *ret = (struct async_pool_stats){ 0 };
    const struct pools *p = pools_of(l);
    if (p && p->by_kind[kind])
        async__thread_pool_stats(p->by_kind[kind], ret);
    return 0;
}

const char *async__pools_job_name(const async_task *t)
{
    const char *name = NULL;
    const struct pools *p = pools_of(t->loop);
    for (int i = 0; p && i < POOL_KINDS && !name; i++)
        if (p->by_kind[i])
            name = async__thread_pool_job_name(p->by_kind[i], t);
    return name;
}

/* --- all of them --- */

/* The pools of abandoned loops, so that leak checkers find them. */
static struct pools *_Atomic kept;

/* Abandoned calls get the grace of the loop to end. Lookups of names do not: their results are of
 * no use any more. */
static void pools_close(struct loop_module *m, struct loop *l)
{
    struct pools *p = (struct pools *)m;
    int64_t now = async__sys.clock(), until = ns_after(now, l->abandoned ? 0 : l->grace);
    for (int i = 0; i < POOL_KINDS; i++)
        if (p->by_kind[i]) {
            bool names = i == ASYNC_POOL_NAMES;
            async__thread_pool_close(p->by_kind[i], names ? 0 : until, !names && !l->abandoned);
        }
    if (p->close_threads)
        p->close_threads(p, l, until);
    if (p->close_processes)
        p->close_processes(p);
    /* Thread tasks whose calls will never be answered still point to their records, which point
     * here. */
    if (l->abandoned && p->keep_thread_tasks) {
        p->keep_thread_tasks(p);
        p->next_kept = atomic_exchange(&kept, p);
        return;
    }
    async__slab_close(&p->thread_tasks);
    async__free(p);
}

struct pools *async__pools(struct loop *l)
{
    struct pools *p = pools_of(l);
    if (likely(p != NULL))
        return p;
    p = async__calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->module = (struct loop_module){ .close = pools_close };
    l->module[MODULE_POOLS] = &p->module;
    return p;
}
