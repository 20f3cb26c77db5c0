/* SPDX-License-Identifier: MIT */
/* thread.c - the pools of a loop, and how a task waits for a job. */
#include "pool/thread.h"

#include "base/alloc.h"
#include "pool/crew.h"
#include "pool/pools.h"
#include "pool/process.h"
#include "task/scope.h"

static unsigned most_threads(enum async_pool which)
{
    static const unsigned few[POOLS] = { [ASYNC_POOL_FILES] = 8, [ASYNC_POOL_NAMES] = 16 };
    unsigned most = 4 + (unsigned)async__sys.processors();
    return few[which] ? few[which] : most < 32 ? most : 32;
}

struct crew *async__crew_of(struct loop *l, enum async_pool which)
{
    struct pools *p = async__pools(l);
    if (p && !p->threads[which])
        p->threads[which] = async__crew_open(l->handle, most_threads(which));
    return p ? p->threads[which] : NULL;
}

void async__job_done(struct job *j)
{
    async_task *t = j->waiter;
    j->done = true;
    if (!t) {
        async__loop->detached -= j->heard;
        j->release(j);
    } else if (t->node.state == TASK_PARKED) { /* else it was interrupted a moment ago */
        t->value = 0;
        async__wake(t, WOKEN);
    }
}

/* Nothing of the waiter may go as long as the job may use it. */
static void wait_to_the_end(async_task *t, const struct job *j)
{
    async_scope shield;
    shield_enter(&shield, t);
    while (!j->done) {
        wait_is(t, WAITS_THREAD);
        wait_in(t, NULL);
    }
    shield_leave(&shield, t);
}

/* A cancel came, and j was not known to be done. */
static int interrupted(async_task *t, struct crew *c, struct job *j)
{
    if (async__crew_take_back(c, j)) {
        if (j->release)
            j->release(j);
    } else if (j->release) {
        j->waiter = NULL;
        t->loop->detached += j->heard;
    } else {
        wait_to_the_end(t, j);
        return 0;
    }
    return async__deliver_cancel(t);
}

int async__job_await(async_task *t, enum async_pool which, struct job *j)
{
    struct loop *l = t->loop;
    struct crew *c = async__crew_of(l, which);
    if (!c)
        return -ENOMEM;
    j->waiter = t;
    j->done = false;
    struct jobs one = { NULL, NULL };
    jobs_append(&one, j);
    int r = async__crew_put(c, &one);
    if (r < 0)
        return r;
    l->external++;
    wait_is(t, WAITS_THREAD);
    enum wake why = wait_in(t, NULL);
    r = why == INTERRUPTED && !j->done ? interrupted(t, c, j) : 0;
    l->external--;
    return r;
}

static void pools_close(struct loop_module *m, struct loop *l)
{
    struct pools *p = (struct pools *)m;
    int64_t now = async__sys.clock(), until = ns_after(now, l->abandoned ? 0 : l->grace);
    for (int i = 0; i < POOLS; i++)
        if (p->threads[i]) {
            bool names = i == ASYNC_POOL_NAMES; /* a lookup whose result is not wanted any more is not worth a wait */
            async__crew_close(p->threads[i], names ? 0 : until, !names && !l->abandoned);
        }
    async__process_pools_close(p);
    if (l->abandoned) { /* tasks whose calls will never be answered still point to their records */
        async__thread_tasks_keep(p);
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

static const char *name_in(struct crew *c, const async_task *t)
{
    const char *name = NULL;
    pthread_mutex_lock(&c->mutex);
    for (const struct job *j = c->queue.first; j && !name; j = j->next)
        name = j->waiter == t ? j->name : NULL;
    for (const struct worker *w = c->all; w && !name; w = w->next)
        name = w->job && w->job->waiter == t ? w->job->name : NULL;
    pthread_mutex_unlock(&c->mutex);
    return name;
}

const char *async__job_of(const async_task *t)
{
    const char *name = NULL;
    const struct pools *p = pools_of(t->loop);
    for (int i = 0; p && i < POOLS && !name; i++)
        if (p->threads[i])
            name = name_in(p->threads[i], t);
    return name;
}

static double seconds(int64_t ns)
{
    return 1e-9 * (double)ns;
}

static void read_stats(struct crew *c, struct async_pool_stats *ret)
{
    pthread_mutex_lock(&c->mutex);
    *ret = (struct async_pool_stats){
        .threads = c->workers,
        .idle = c->resting,
        .queued = c->queued,
        .running = c->busy,
        .begun = c->begun,
        .waited = seconds(c->waited),
        .longest = seconds(c->longest),
        .oldest = c->queue.first ? seconds(async__sys.clock() - c->queue.first->since) : 0,
    };
    pthread_mutex_unlock(&c->mutex);
}

int async_pool_stats(enum async_pool which, struct async_pool_stats *ret)
{
    struct loop *l = async__loop;
    if (!l)
        return async__not_in_task("async_pool_stats");
    if ((unsigned)which >= POOLS)
        return -EINVAL;
    *ret = (struct async_pool_stats){ 0 };
    const struct pools *p = pools_of(l);
    if (p && p->threads[which])
        read_stats(p->threads[which], ret);
    return 0;
}
