/* SPDX-License-Identifier: MIT */
/* async_thread_pool.c - thread pools that the user opens: async_thread_pool_open() and what belongs
 * to it. */
#include "pool/async_thread_pool.h"

#include <limits.h>
#include <stdio.h>

#include "base/alloc.h"
#include "pool/pools.h"
#include "pool/thread_call.h"
#include "pool/thread_pool.h"
#include "task/scope.h"

enum { THREADS_MAX = 1024 };

/* The record stays until all calls are over, also after the pool was dropped. */
struct async_thread_pool {
    struct async_thread_pool *next; /* in the list of the loop */
    struct loop *loop;
    struct thread_pool *threads;
    unsigned calls;   /* that are not over, those included that were abandoned or wait for room */
    bool bounded;     /* there is a bound on the queue */
    unsigned room;    /* if bounded: how many more calls the threads and the queue can take */
    unsigned waiting; /* tasks that wait for room */
    async_waitq submitters; /* these tasks */
    async_waitq idle;       /* the task that waits until all calls are over */
    bool closing, dropped;
    bool loop_closed; /* no end of a call counts any more */
    char name[];
};

/* --- opening --- */

static int check_thread_opts(const struct async_thread_pool_opts *o)
{
    if (!async__loop)
        return -EPERM;
    bool too_many =
            o->threads > THREADS_MAX || o->max_abandoned > THREADS_MAX || o->max_queued > INT_MAX;
    return too_many ? -EINVAL : 0;
}

static struct thread_pool *open_threads(struct loop *l, const struct async_thread_pool_opts *o,
                                        unsigned threads, const char *name)
{
    struct thread_pool_opts opts = { .max_threads = threads,
                                     .max_abandoned = o->max_abandoned,
                                     .name = name,
                                     .finish = async__job_finish };
    return async__thread_pool_open(l->handle, &opts);
}

static void close_opened_pools(struct pools *pools, struct loop *l, int64_t until);

static int open_thread_pool(struct loop *l, const struct async_thread_pool_opts *o,
                            async_thread_pool **ret)
{
    struct pools *pools = async__pools(l);
    char default_name[24];
    const char *name = o->name ? o->name : default_name;
    snprintf(default_name, sizeof default_name, "pool-%u", pools ? ++pools->opened_count : 0);
    size_t name_size = strlen(name) + 1;
    async_thread_pool *p = pools ? async__calloc(1, sizeof *p + name_size) : NULL;
    if (!p)
        return -ENOMEM;
    unsigned threads = o->threads ? o->threads : async__threads_default();
    p->threads = open_threads(l, o, threads, name);
    if (!p->threads) {
        async__free(p);
        return -ENOMEM;
    }
    memcpy(p->name, name, name_size);
    p->loop = l;
    p->bounded = o->max_queued > 0;
    p->room = threads + o->max_queued;
    p->next = pools->opened_threads;
    pools->opened_threads = p;
    pools->close_threads = close_opened_pools;
    *ret = p;
    return 0;
}

async_thread_pool *async_thread_pool_open_opt(const struct async_thread_pool_opts *opts)
{
    static const struct async_thread_pool_opts defaults;
    async_thread_pool *p;
    if (!opts)
        opts = &defaults;
    int r = check_thread_opts(opts);
    if (r == 0)
        r = open_thread_pool(async__loop, opts, &p);
    if (r == 0)
        return p;
    errno = -r;
    return NULL;
}

/* --- the end of a pool --- */

/* Free a pool whose calls are all over. */
static void free_opened_pool(async_thread_pool *p)
{
    struct async_thread_pool **at = &pools_of(p->loop)->opened_threads;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    async__thread_pool_close(p->threads, 0, false);
    async__free(p);
}

/* A call is over, or has been given up, and does not occupy room. */
static void leave_opened_pool(async_thread_pool *p)
{
    if (--p->calls > 0)
        return;
    async__wake_all(&p->idle, 0);
    if (p->dropped)
        free_opened_pool(p);
}

/* Pass room for a call on to the task that has waited longest; it owns the room from now on. */
static void give_room_back(async_thread_pool *p)
{
    if (p->submitters.head)
        async__wake_first(&p->submitters, 0);
    else
        p->room += p->bounded;
}

static void call_over(void *arg)
{
    async_thread_pool *p = arg;
    if (p->loop_closed)
        return;
    give_room_back(p);
    leave_opened_pool(p);
}

/* End the calls that have not begun with -EPIPE. */
static void fail_queued(async_thread_pool *p)
{
    async__wake_all(&p->submitters, 0); /* they find the pool dropped */
    struct job_list list = async__thread_pool_take_all_back(p->threads);
    for (struct job *j = list.first, *next; j; j = next) {
        next = j->next;
        j->error = -EPIPE;
        async__job_finish(j);
    }
}

static void drop_opened_pool(async_thread_pool *p)
{
    p->closing = p->dropped = true;
    if (p->calls > 0)
        fail_queued(p); /* and the last call frees the pool */
    else
        free_opened_pool(p);
}

/* Only its own thread may use a pool. */
static bool is_foreign_thread_pool(const async_thread_pool *p, const char *what)
{
    if (p->loop == async__loop)
        return false;
    async__warn("%s() of a thread pool that belongs to another thread's loop", what);
    return true;
}

/* The copy in a child of fork() has no threads, and its mutex may be locked for ever. */
static void forget_copy(async_thread_pool *p)
{
    async__free(p->threads);
    async__free(p);
}

void async_thread_pool_drop(async_thread_pool **handle)
{
    async_thread_pool *p = *handle;
    *handle = NULL;
    if (!p)
        return;
    if (p->loop->forked)
        forget_copy(p);
    else if (!is_foreign_thread_pool(p, "async_thread_pool_drop"))
        drop_opened_pool(p);
}

int await_thread_pool_close(async_thread_pool **handle)
{
    async_task *t;
    async_thread_pool *p = *handle;
    if (!p)
        return 0;
    int r = await_begin(&t, "await_thread_pool_close");
    if (r == -EPERM || is_foreign_thread_pool(p, "await_thread_pool_close"))
        return -EPERM;
    *handle = NULL;
    p->closing = true;
    while (r == 0 && p->calls > 0) {
        wait_is(t, WAITS_THREAD);
        r = wait_for_event(t, &p->idle);
    }
    drop_opened_pool(p);
    return r;
}

static void close_opened_pools(struct pools *pools, struct loop *l, int64_t until)
{
    bool warned = l->abandoned;
    for (async_thread_pool *p = pools->opened_threads, *next; p; p = next) {
        next = p->next;
        if (!p->dropped && !warned) {
            async__warn("the loop closes with thread pool \"%s\" open; use async_thread_pool_auto",
                        p->name);
            warned = true;
        }
        p->loop_closed = true;
        async__thread_pool_close(p->threads, until, !l->abandoned);
        if (!l->abandoned) /* otherwise tasks that will never resume wait in its queue */
            async__free(p);
    }
}

/* --- calls --- */

/* Wait until the threads and the queue have room for one more call, first come, first served. */
static int await_room(async_task *t, async_thread_pool *p)
{
    bool chosen;
    if (!p->bounded)
        return 0;
    if (p->room > 0) {
        p->room--;
        return 0;
    }
    p->waiting++;
    wait_is(t, WAITS_THREAD);
    int r = wait_to_acquire(t, &p->submitters, &chosen);
    p->waiting--;
    if (r < 0 && chosen)
        give_room_back(p);
    return r == 0 && p->dropped ? async_fail_at(-EPIPE, NULL, "the thread pool was dropped") : r;
}

static int call_in_pool(async_task *t, async_thread_pool *p, const async_co *co,
                        const struct async_thread_opts *opts)
{
    p->calls++;
    int r = await_room(t, p);
    if (r == 0)
        return async__thread_call_await(t, p->threads, co, opts, (struct call_end){ call_over, p });
    leave_opened_pool(p);
    return r == -ECANCELED ? async__thread_call_cancelled(opts) : r;
}

int await_thread_pool_call_opt(async_thread_pool *p, async_co co,
                               const struct async_thread_opts *opts)
{
    static const char name[] = "await_thread_pool_call";
    static const struct async_thread_opts defaults;
    async_task *t;
    if (!opts)
        opts = &defaults;
    async__thread_call_unpack(&co);
    int r = await_begin(&t, name);
    if (r < 0)
        return r == -ECANCELED ? async__thread_call_cancelled(opts) : r;
    if (!p)
        return async_fail_at(-EPIPE, NULL, "no thread pool: it was closed, or never opened");
    if (is_foreign_thread_pool(p, name))
        return -EPERM;
    if (p->closing)
        return async_fail_at(-EPIPE, NULL, "the thread pool is closing");
    return call_in_pool(t, p, &co, opts);
}

/* --- reports --- */

int async_thread_pool_stats(const async_thread_pool *p, struct async_pool_stats *ret)
{
    if (!p)
        return -EINVAL;
    if (is_foreign_thread_pool(p, "async_thread_pool_stats"))
        return -EPERM;
    async__thread_pool_stats(p->threads, ret);
    ret->waiting = p->waiting;
    return 0;
}

bool async__thread_wait_of(const async_task *t, struct thread_wait *ret)
{
    const struct pools *pools = pools_of(t->loop);
    if (t->node.why != WAITS_THREAD || !pools)
        return false;
    *ret = (struct thread_wait){ .job = async__pools_job_name(t) };
    for (const async_thread_pool *p = pools->opened_threads; p && !ret->job; p = p->next) {
        ret->pool = p->name;
        ret->job = async__thread_pool_job_name(p->threads, t);
        if (t->queue == &p->submitters)
            return true;
    }
    return ret->job;
}
