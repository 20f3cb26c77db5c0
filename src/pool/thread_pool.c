/* SPDX-License-Identifier: MIT */
#include "pool/thread_pool.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "loop/loop.h"
#include "pool/thread_worker.h"

/* --- opening --- */

/* Finish all jobs that are done at this moment. Runs on the loop's thread. */
static void finish_jobs(void *arg)
{
    struct thread_pool *p = arg;
    void (*finish)(struct job * j) = p->opts.finish;
    pthread_mutex_lock(&p->mutex);
    struct job_list list = p->done;
    p->done = (struct job_list){ NULL, NULL };
    pthread_mutex_unlock(&p->mutex);
    for (struct job *j = list.first, *next; j; j = next) { /* the last one may free the pool */
        next = j->next;
        finish(j);
    }
}

struct thread_pool *async__thread_pool_open(async_loop *home, const struct thread_pool_opts *opts)
{
    struct thread_pool *p = async__calloc(1, sizeof *p);
    if (!p)
        return NULL;
    async__alloc_hold(1);
    pthread_mutex_init(&p->mutex, NULL);
    p->opts = *opts;
    p->home = home;
    p->post = (async_post){ .fn = finish_jobs, .arg = p, .borrowed = true };
    if (opts->name)
        snprintf(p->name, sizeof p->name, "%s", opts->name);
    return p;
}

/* --- the queue --- */

static void append_list(struct job_list *queue, const struct job_list *list)
{
    list->first->prev = queue->last;
    *(queue->last ? &queue->last->next : &queue->first) = list->first;
    queue->last = list->last;
}

struct job_list async__thread_pool_take_all_back(struct thread_pool *p)
{
    pthread_mutex_lock(&p->mutex);
    struct job_list list = p->queue;
    p->queue = (struct job_list){ NULL, NULL };
    p->queued = 0;
    for (struct job *j = list.first; j; j = j->next)
        j->queued = false;
    pthread_mutex_unlock(&p->mutex);
    return list;
}

int async__thread_pool_put(struct thread_pool *p, struct job_list *list)
{
    int64_t now = async__sys.clock();
    unsigned n = 0;
    for (struct job *j = list->first; j; j = j->next, n++) {
        j->since = now;
        j->queued = true;
        j->worker = NULL;
    }
    pthread_mutex_lock(&p->mutex);
    append_list(&p->queue, list);
    p->queued += n;
    struct wakeup w = async__thread_worker_choose(p);
    pthread_mutex_unlock(&p->mutex);
    *list = (struct job_list){ NULL, NULL };
    int err = async__thread_worker_wake(p, w);
    if (err == 0 || !async__thread_worker_not_started(
                            p)) /* if it has failed, the threads that run jobs will take these */
        return 0;
    /* There is no thread, so nothing else is in the queue. */
    *list = async__thread_pool_take_all_back(p);
    return list->first ? -err : 0;
}

bool async__thread_pool_take_back(struct thread_pool *p, struct job *j)
{
    pthread_mutex_lock(&p->mutex);
    bool queued = j->queued;
    if (queued) {
        job_list_remove(&p->queue, j);
        p->queued--;
        j->queued = false;
    }
    pthread_mutex_unlock(&p->mutex);
    return queued;
}

void async__thread_pool_abandon(struct thread_pool *p, struct job *j)
{
    struct wakeup w = { 0 };
    pthread_mutex_lock(&p->mutex);
    if (j->worker) { /* otherwise it is over, and the loop has not been told yet */
        j->worker->abandoned = true;
        p->abandoned++;
        if (p->queue.first)
            w = async__thread_worker_choose(p);
    }
    pthread_mutex_unlock(&p->mutex);
    if (async__thread_worker_wake(p, w) != 0)
        /* Then the queue waits for the threads that there are. */
        async__thread_worker_not_started(p);
}

/* --- closing --- */

/* Wait until all threads have ended, or until the clock says `until` and those that are left run a
 * job. The mutex is held. */
static void wait_for_threads(struct thread_pool *p, int64_t until)
{
    for (;;) {
        int64_t left = until - async__sys.clock();
        if (p->threads == 0 || (p->threads == p->running && left <= 0))
            return;
        unsigned seen = atomic_load(&p->left);
        pthread_mutex_unlock(&p->mutex);
        async__sys.futex_wait(&p->left, seen, left > 0 ? left : THREAD_IDLE_TIMEOUT);
        pthread_mutex_lock(&p->mutex);
    }
}

static void warn_of_running(const struct thread_pool *p)
{
    int64_t now = async__sys.clock();
    for (const struct thread_worker *w = p->workers; w; w = w->next)
        if (w->job)
            async__warn("the loop closes while \"%s\" still runs on a thread, since %.3f s; it is "
                        "abandoned",
                        w->job->name, 1e-9 * (double)(now - w->since));
}

void async__thread_pool_close(struct thread_pool *p, int64_t until, bool warn)
{
    pthread_mutex_lock(&p->mutex);
    p->closed = true;
    /* Of tasks that were abandoned, and will not go on. */
    p->queue = (struct job_list){ NULL, NULL };
    async__thread_worker_wake_idle(p);
    wait_for_threads(p, until);
    if (warn)
        warn_of_running(p);
    struct job *done = p->done.first;
    p->orphaned = p->threads > 0;
    bool last = !p->orphaned;
    pthread_mutex_unlock(&p->mutex);
    for (struct job *next; done; done = next) {
        next = done->next;
        if (done->release)
            done->release(done);
    }
    if (last)
        async__thread_pool_free(p);
}

/* --- reports --- */

const char *async__thread_pool_job_name(struct thread_pool *p, const async_task *t)
{
    const char *name = NULL;
    pthread_mutex_lock(&p->mutex);
    for (const struct job *j = p->queue.first; j && !name; j = j->next)
        name = j->waiter == t ? j->name : NULL;
    for (const struct thread_worker *w = p->workers; w && !name; w = w->next)
        name = w->job && w->job->waiter == t ? w->job->name : NULL;
    pthread_mutex_unlock(&p->mutex);
    return name;
}

static double in_seconds(int64_t ns)
{
    return 1e-9 * (double)ns;
}

void async__thread_pool_stats(struct thread_pool *p, struct async_pool_stats *ret)
{
    pthread_mutex_lock(&p->mutex);
    *ret = (struct async_pool_stats){
        .threads = p->threads,
        .idle = p->idle_count,
        .queued = p->queued,
        .running = p->running,
        .abandoned = p->abandoned,
        .begun = p->begun,
        .waited = in_seconds(p->waited),
        .longest = in_seconds(p->longest),
        .oldest = p->queue.first ? in_seconds(async__sys.clock() - p->queue.first->since) : 0,
    };
    pthread_mutex_unlock(&p->mutex);
}
