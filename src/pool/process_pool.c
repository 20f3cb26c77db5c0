/* SPDX-License-Identifier: MIT */
/* process_pool.c - process pools as their users see them, and the loop's own pool. */
#include <math.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "pool/pools.h"
#include "pool/process_pool.h"
#include "task/error.h"
#include "task/scope.h"

enum { WORKERS_MAX = 1024 };

/* Seconds that a worker may take to start: the constructors of the program run in it. */
#define START_TIMEOUT_DEFAULT 5.0

/* --- opening --- */

static int check_process_opts(const struct async_process_pool_opts *o)
{
    if (!async__loop)
        return -EPERM;
    if (o->max_workers > WORKERS_MAX || !(o->timeout >= 0) || !(o->start_timeout >= 0))
        return -EINVAL;
    return o->sandbox && !async__sandbox_is_known() ? -ENOSYS : 0;
}

static void close_process_pools(struct pools *pools);

static int open_process_pool(const struct async_process_pool_opts *o,
                             struct async_process_pool **ret)
{
    int r = check_process_opts(o);
    if (r < 0)
        return r;
    unsigned n = o->max_workers ? o->max_workers : (unsigned)async__sys.processors();
    struct pools *pools = async__pools(async__loop);
    struct async_process_pool *p =
            pools ? async__calloc(1, sizeof *p + n * sizeof *p->workers) : NULL;
    char *name = o->name && p ? async__strdup(o->name) : NULL;
    if (!p || (o->name && !name)) {
        async__free(p);
        return -ENOMEM;
    }
    pools->close_processes = close_process_pools;
    p->name = name;
    p->loop = async__loop;
    p->timer = (struct real_timer){ .fd = -1, .when = NEVER };
    p->max_workers = n;
    p->timeout = o->timeout < HUGE_VAL ? o->timeout : 0;
    p->start_timeout = o->start_timeout > 0 ? o->start_timeout : START_TIMEOUT_DEFAULT;
    p->max_cpu = o->max_cpu;
    p->orders = (struct worker_orders){ o->sandbox, o->max_memory };
    *ret = p;
    return 0;
}

async_process_pool *async_process_pool_open_opt(const struct async_process_pool_opts *opts)
{
    static const struct async_process_pool_opts defaults;
    struct async_process_pool *p;
    int r = open_process_pool(opts ? opts : &defaults, &p);
    if (r < 0) {
        errno = -r;
        return NULL;
    }
    p->next = pools_of(p->loop)->opened_processes;
    pools_of(p->loop)->opened_processes = p;
    return p;
}

/* --- the end --- */

static void free_process_pool(struct async_process_pool *p)
{
    struct async_process_pool **at = &pools_of(p->loop)->opened_processes;
    while (*at && *at != p)
        at = &(*at)->next;
    if (*at)
        *at = p->next;
    async__process_pool_end(p);
    for (unsigned i = 0; i < p->known_count; i++)
        async__free(p->known[i].path);
    async__free(p->name);
    async__free(p);
}

/* Only its own thread may use a pool. */
static bool is_foreign_process_pool(const struct async_process_pool *p, const char *what)
{
    if (p->loop == async__loop)
        return false;
    async__warn("%s() of a process pool that belongs to another thread's loop", what);
    return true;
}

int await_process_pool_close(async_process_pool **handle)
{
    async_task *t;
    struct async_process_pool *p = *handle;
    if (!p)
        return 0;
    int r = await_begin(&t, "await_process_pool_close");
    if (r == -EPERM || is_foreign_process_pool(p, "await_process_pool_close"))
        return -EPERM;
    *handle = NULL;
    p->closing = true;
    while (r == 0 && (p->queued || p->running))
        r = wait_for_event(t, &p->idle);
    free_process_pool(p);
    return r;
}

void async_process_pool_drop(async_process_pool **p)
{
    struct async_process_pool *pool = *p;
    *p = NULL;
    if (pool && (pool->loop->forked || !is_foreign_process_pool(pool, "async_process_pool_drop")))
        free_process_pool(pool);
}

static void close_process_pools(struct pools *pools)
{
    if (pools->own_processes)
        free_process_pool(pools->own_processes);
    pools->own_processes = NULL;
    if (pools->opened_processes)
        async__warn("the loop closes with a process pool open; use async_process_pool_auto");
    while (pools->opened_processes)
        free_process_pool(pools->opened_processes);
}

/* --- calls --- */

/* Wait for the end of c. A reply may come after the cancel, also while the call is being taken
 * back. Then *out has been written, so the call has succeeded, and the next await_ fails. */
static int await_reply(async_task *t, struct async_process_pool *p, struct process_call *c)
{
    struct loop *l = p->loop;
    int r = 0;
    l->poller.waiting++;
    l->external++;
    if (!c->done) {
        wait_is(t, WAITS_PROCESS);
        r = wait_for_event(t, NULL);
    }
    l->external--;
    l->poller.waiting--;
    if (!c->done)
        async__process_withdraw(p, c);
    if (!c->done || (r < 0 && c->result < 0))
        return r;
    if (c->result >= 0 || !c->message[0])
        return c->result;
    return async_fail_at(c->result, NULL, "%s", c->message);
}

static int make_process_call(async_task *t, struct async_process_pool *p, struct process_call *c)
{
    c->task = t;
    if (!p)
        return async_fail_at(-EPIPE, NULL, "no process pool: it was closed, or never opened");
    if (is_foreign_process_pool(p, "await_process_pool_call"))
        return -EPERM;
    if (p->closing)
        return async_fail_at(-EPIPE, NULL, "the process pool is closing");
    int r = async__process_call_locate(p, c);
    if (r < 0)
        return r;
    async__process_call_enqueue(p, c, false);
    async__process_dispatch(p);
    return await_reply(t, p, c);
}

int await_process_pool_call_named(async_process_pool *p, const char *name,
                                  int (*fn)(const void *in, void *out), const void *in,
                                  size_t in_size, void *out, size_t out_size)
{
    async_task *t;
    int r = await_begin(&t, "await_process_pool_call");
    struct process_call c = { .fn = fn,
                              .name = name,
                              .in = in,
                              .in_size = in_size,
                              .out = out,
                              .out_size = out_size };
    return r < 0 ? r : make_process_call(t, p, &c);
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
    struct process_call c = { .fn = fn,
                              .name = name,
                              .in = in,
                              .in_size = in_size,
                              .out = out,
                              .out_size = out_size };
    struct pools *pools = async__pools(t->loop);
    if (!pools)
        return -ENOMEM;
    if (!pools->own_processes)
        r = open_process_pool(&defaults, &pools->own_processes);
    return r < 0 ? r : make_process_call(t, pools->own_processes, &c);
}

int await_to_process(int (*fn)(const void *in, void *out), const void *in, size_t in_size,
                     void *out, size_t out_size)
{
    return await_to_process_named(NULL, fn, in, in_size, out, out_size);
}

/* --- reports --- */

void async_process_pool_stats(const async_process_pool *p, struct async_process_pool_stats *ret)
{
    *ret = (struct async_process_pool_stats){ .max_workers = p->max_workers,
                                              .queued = p->queued,
                                              .running = p->running,
                                              .done = p->done,
                                              .started = p->started,
                                              .lost = p->lost,
                                              .killed = p->killed };
    for (unsigned i = 0; i < p->max_workers; i++)
        ret->workers += p->workers[i].state != WORKER_NONE;
}
