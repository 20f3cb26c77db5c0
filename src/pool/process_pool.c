/* SPDX-License-Identifier: MIT */
/* process_pool.c - pools of processes as their users see them, and the loop's own. */
#include "pool/pools.h"
#include "pool/process.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "task/error.h"
#include "task/scope.h"

#include <math.h>

enum { WORKERS_MAX = 1024 };

static int check(const struct async_process_pool_opts *o)
{
    if (!async__loop)
        return -EPERM;
    if (o->max_workers > WORKERS_MAX || !(o->timeout >= 0))
        return -EINVAL;
    return o->sandbox && !async__sandbox_known() ? -ENOSYS : 0;
}

static int open_pool(const struct async_process_pool_opts *o, struct async_process_pool **ret)
{
    int r = check(o);
    if (r < 0)
        return r;
    unsigned n = o->max_workers ? o->max_workers : (unsigned)async__sys.processors();
    struct async_process_pool *p = async__calloc(1, sizeof *p + n * sizeof *p->workers);
    char *name = o->name && p ? async__strdup(o->name) : NULL;
    if (!p || (o->name && !name) || !async__pools(async__loop)) {
        async__free(name);
        async__free(p);
        return -ENOMEM;
    }
    p->name = name;
    p->loop = async__loop;
    p->max_workers = n;
    p->timeout = o->timeout < HUGE_VAL ? o->timeout : 0;
    p->orders = (struct worker_orders){ o->sandbox, o->max_memory, o->max_cpu };
    *ret = p;
    return 0;
}

static void link_pool(struct async_process_pool *p)
{
    p->next = pools_of(p->loop)->opened;
    pools_of(p->loop)->opened = p;
}

async_process_pool *async_process_pool_open_opt(const struct async_process_pool_opts *opts)
{
    static const struct async_process_pool_opts defaults;
    struct async_process_pool *p;
    int r = open_pool(opts ? opts : &defaults, &p);
    if (r < 0) {
        errno = -r;
        return NULL;
    }
    link_pool(p);
    return p;
}

static void free_pool(struct async_process_pool *p)
{
    struct async_process_pool **at = &pools_of(p->loop)->opened;
    while (*at && *at != p)
        at = &(*at)->next;
    if (*at)
        *at = p->next;
    async__pool_end(p);
    for (unsigned i = 0; i < p->knows; i++)
        async__free(p->known[i].path);
    async__free(p->name);
    async__free(p);
}

/* Nothing of a pool is for two threads at a time. */
static bool is_foreign(const struct async_process_pool *p, const char *what)
{
    if (p->loop == async__loop)
        return false;
    async__warn("%s: the process pool belongs to another thread's loop", what);
    return true;
}

static bool is_busy(const struct async_process_pool *p)
{
    return p->queued || p->running;
}

int await_process_pool_close(async_process_pool **handle)
{
    async_task *t;
    struct async_process_pool *p = *handle;
    if (!p)
        return 0;
    int r = await_begin(&t, "await_process_pool_close");
    if (r == -EPERM || is_foreign(p, "await_process_pool_close"))
        return -EPERM;
    *handle = NULL;
    p->closing = true;
    while (r == 0 && is_busy(p))
        r = wait_for_event(t, &p->idle);
    free_pool(p);
    return r;
}

void async_process_pool_drop(async_process_pool **p)
{
    struct async_process_pool *pool = *p;
    *p = NULL;
    if (pool && (pool->loop->forked || !is_foreign(pool, "async_process_pool_drop")))
        free_pool(pool);
}

void async_process_pool_stats(const async_process_pool *p, struct async_process_pool_stats *ret)
{
    *ret = (struct async_process_pool_stats){ .max_workers = p->max_workers,
                                              .queued = p->queued,
                                              .running = p->running,
                                              .done = p->done,
                                              .started = p->started,
                                              .lost = p->lost };
    for (unsigned i = 0; i < p->max_workers; i++)
        ret->workers += p->workers[i].state != WORKER_NONE;
}

static int await_answer(async_task *t, struct async_process_pool *p, struct call *c)
{
    struct loop *l = p->loop;
    l->poller.waiting++;
    int r = 0;
    if (!c->done) {
        wait_is(t, WAITS_PROCESS);
        r = wait_for_event(t, NULL);
    }
    l->poller.waiting--;
    if (!c->done)
        async__pool_withdraw(p, c);
    /* The answer may have come after the cancel, also while the call was being taken back. Then *out is written, so it
     * is a success, and the next await_ will fail. */
    if (!c->done || (r < 0 && c->result < 0))
        return r;
    if (c->result >= 0 || !c->text[0])
        return c->result;
    return async_fail_at(c->result, NULL, "%s", c->text);
}

static int make_call(async_task *t, struct async_process_pool *p, struct call *c)
{
    c->task = t;
    if (!p)
        return async_fail_at(-EPIPE, NULL, "no process pool: it was closed, or never opened");
    if (is_foreign(p, "await_process_pool_call"))
        return -EPERM;
    if (p->closing)
        return async_fail_at(-EPIPE, NULL, "the process pool is closing");
    int r = async__call_locate(p, c);
    if (r < 0)
        return r;
    async__call_enqueue(p, c, false);
    async__pool_dispatch(p);
    return await_answer(t, p, c);
}

int await_process_pool_call_named(async_process_pool *p, const char *name,
                                  int (*fn)(const void *in, void *out), const void *in,
                                  size_t in_size, void *out, size_t out_size)
{
    async_task *t;
    int r = await_begin(&t, "await_process_pool_call");
    struct call c = { .fn = fn, .name = name, .in = in, .in_size = in_size, .out = out, .out_size = out_size };
    return r < 0 ? r : make_call(t, p, &c);
}

int await_process_pool_call(async_process_pool *p, int (*fn)(const void *in, void *out),
                            const void *in, size_t in_size, void *out, size_t out_size)
{
    return await_process_pool_call_named(p, NULL, fn, in, in_size, out, out_size);
}

int await_to_process_named(const char *name, int (*fn)(const void *in, void *out), const void *in,
                           size_t in_size, void *out, size_t out_size)
{
    static const struct async_process_pool_opts defaults;
    async_task *t;
    int r = await_begin(&t, "await_to_process");
    if (r < 0)
        return r;
    struct call c = { .fn = fn, .name = name, .in = in, .in_size = in_size, .out = out, .out_size = out_size };
    struct pools *pools = async__pools(t->loop);
    if (!pools)
        return -ENOMEM;
    if (!pools->own)
        r = open_pool(&defaults, &pools->own);
    return r < 0 ? r : make_call(t, pools->own, &c);
}

int await_to_process(int (*fn)(const void *in, void *out), const void *in, size_t in_size,
                     void *out, size_t out_size)
{
    return await_to_process_named(NULL, fn, in, in_size, out, out_size);
}

void async__process_pools_close(struct pools *p)
{
    if (p->own)
        free_pool(p->own);
    p->own = NULL;
    if (p->opened)
        async__warn("the loop closes with a process pool open");
    while (p->opened)
        free_pool(p->opened);
}
