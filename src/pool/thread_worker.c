/* SPDX-License-Identifier: MIT */
/* thread_worker.c - the threads of a pool: how they are chosen, woken and started, and what they
 * do. */
#include "pool/thread_worker.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "loop/loop.h"

static void *worker_main(void *pool);

/* --- waking a worker --- */

/* May one more thread run a job? Abandoned jobs do not count, up to .max_abandoned. */
static bool has_free_thread(const struct thread_pool *p)
{
    unsigned uncounted =
            p->abandoned < p->opts.max_abandoned ? p->abandoned : p->opts.max_abandoned;
    return p->running - uncounted < p->opts.max_threads;
}

/* Take the worker that became idle last: its caches are the warmest. The caller holds the mutex, so
 * the worker's stack frame exists as long as the worker is idle. Returns the word to wake it on, or
 * NULL if it does not sleep. */
static atomic_uint *pop_idle(struct thread_pool *p)
{
    struct thread_worker *w = p->idle;
    p->idle = w->below;
    p->idle_count--;
    p->searching++;
    return atomic_exchange(&w->word, WORKER_WOKEN) == WORKER_ASLEEP ? &w->word : NULL;
}

struct wakeup async__thread_worker_choose(struct thread_pool *p)
{
    struct wakeup w = { 0 };
    if (p->searching > 0 || !has_free_thread(p))
        return w;
    if (p->idle) {
        w.word = pop_idle(p);
    } else {
        p->threads++;
        p->searching++;
        w.start = true;
    }
    return w;
}

void async__thread_worker_wake_idle(struct thread_pool *p)
{
    while (p->idle) {
        atomic_uint *word = pop_idle(p);
        if (word)
            async__sys.futex_wake(word, 1);
    }
}

int async__thread_worker_wake(struct thread_pool *p, struct wakeup w)
{
    if (w.word)
        async__sys.futex_wake(w.word, 1);
    return w.start ? async__sys.thread(worker_main, p) : 0;
}

bool async__thread_worker_not_started(struct thread_pool *p)
{
    pthread_mutex_lock(&p->mutex);
    p->searching--;
    bool none = --p->threads == 0;
    atomic_uint *word = p->queue.first && !p->searching && p->idle ? pop_idle(p) : NULL;
    pthread_mutex_unlock(&p->mutex);
    if (word)
        async__sys.futex_wake(word, 1);
    return none;
}

/* --- running jobs --- */

/* Take the next job out of the queue. The mutex is held. Returns NULL if there is none, or none may
 * begin now: then the threads that run jobs will take it. */
static struct job *take_job(struct thread_pool *p, struct thread_worker *w)
{
    struct job *j = p->queue.first;
    if (!j || !has_free_thread(p))
        return NULL;
    int64_t now = async__sys.clock(), waited = now - j->since;
    job_list_remove(&p->queue, j);
    j->queued = false;
    j->worker = w;
    p->queued--;
    p->running++;
    p->begun++;
    p->waited += waited;
    if (waited > p->longest)
        p->longest = waited;
    w->job = j;
    w->since = now;
    return j;
}

static void notify_loop(struct thread_pool *p)
{
    /* If it is refused, the loop is closing and will look. */
    async_ignore(async__handle_post(p->home, &p->post));
}

/* j, the job of w, is over. The mutex is held. Returns whether the loop must be notified. */
static bool job_done(struct thread_pool *p, struct thread_worker *w, struct job *j)
{
    bool first = !p->done.first;
    w->job = NULL;
    j->worker = NULL;
    if (p->closed) {
        pthread_mutex_unlock(&p->mutex);
        if (j->release)
            j->release(j);
        pthread_mutex_lock(&p->mutex);
    } else {
        job_list_append(&p->done, j);
    }
    p->running--;
    p->abandoned -= w->abandoned;
    w->abandoned = false;
    return first && !p->closed;
}

/* Run j. If the job has called fork() and this is the child, end the process: the pool's threads,
 * its loop, and the task that waits for the job exist only in the parent. */
static void run_job(struct job *j)
{
    unsigned generation = async__fork_generation;
    const char *name = j->name;
    j->work(j);
    if (likely(async__fork_generation == generation))
        return;
    async__warn("a child of fork() has returned from \"%s\" on a thread of a pool, and ends here; "
                "end it by exec or _exit()",
                name);
    _exit(EXIT_FAILURE);
}

/* Run jobs until none is left. The mutex is held. Returns whether the loop must be notified. */
static bool run_jobs(struct thread_pool *p, struct thread_worker *w)
{
    bool notify = false;
    for (struct job *j; (j = take_job(p, w));) {
        struct wakeup next =
                p->queue.first ? async__thread_worker_choose(p) : (struct wakeup){ NULL, false };
        pthread_mutex_unlock(&p->mutex);
        if (notify) /* before the next job, which may take long */
            notify_loop(p);
        if (async__thread_worker_wake(p, next) != 0)
            async__thread_worker_not_started(p);
        run_job(j);
        pthread_mutex_lock(&p->mutex);
        notify = job_done(p, w, j);
    }
    return notify;
}

/* --- a worker without work --- */

static void push_idle(struct thread_pool *p, struct thread_worker *w)
{
    atomic_store(&w->word, WORKER_AWAKE);
    w->below = p->idle;
    p->idle = w;
    p->idle_count++;
}

static void remove_idle(struct thread_pool *p, struct thread_worker *w)
{
    struct thread_worker **at = &p->idle;
    while (*at != w)
        at = &(*at)->below;
    *at = w->below;
    p->idle_count--;
}

/* Sleep until the worker with that word is woken, or has been idle for too long. */
static void sleep_on(atomic_uint *word)
{
    unsigned expected = WORKER_AWAKE;
    if (!atomic_compare_exchange_strong(word, &expected, WORKER_ASLEEP))
        return;
    while (atomic_load(word) == WORKER_ASLEEP)
        if (async__sys.futex_wait(word, WORKER_ASLEEP, THREAD_IDLE_TIMEOUT) < 0 &&
            errno == ETIMEDOUT)
            return;
}

/* Wait for work; w is idle. Returns with the mutex held, and false if w is not needed any more. */
static bool wait_for_job(struct thread_pool *p, struct thread_worker *w)
{
    sleep_on(&w->word);
    pthread_mutex_lock(&p->mutex);
    if (atomic_load(&w->word) == WORKER_WOKEN) { /* perhaps after it had given up waiting */
        p->searching--;
        return true;
    }
    remove_idle(p, w);
    return false;
}

void async__thread_pool_free(struct thread_pool *p)
{
    pthread_mutex_destroy(&p->mutex);
    async__free(p);
    async__alloc_hold(-1);
}

static void remove_worker(struct thread_pool *p, struct thread_worker *w)
{
    if (w->next)
        w->next->prev = w->prev;
    *(w->prev ? &w->prev->next : &p->workers) = w->next;
}

/* The thread of w ends. The mutex is held, and is released here. The thread that closes the pool is
 * woken before that, because the pool may be freed as soon as the mutex is free. */
static void leave_thread_pool(struct thread_pool *p, struct thread_worker *w)
{
    remove_worker(p, w);
    p->threads--;
    bool last = p->orphaned && p->threads == 0;
    if (p->closed && !last) {
        atomic_fetch_add(&p->left, 1);
        async__sys.futex_wake(&p->left, 1);
    }
    pthread_mutex_unlock(&p->mutex);
    if (last)
        async__thread_pool_free(p);
}

static void add_worker(struct thread_pool *p, struct thread_worker *w)
{
    w->next = p->workers;
    if (p->workers)
        p->workers->prev = w;
    p->workers = w;
}

/* A worker becomes idle before it notifies the loop, because the loop may have another job for it
 * before it sleeps. */
static void *worker_main(void *arg)
{
    struct thread_pool *p = arg;
    struct thread_worker w = { .word = WORKER_WOKEN };
    if (p->name[0])
        pthread_setname_np(pthread_self(), p->name);
    pthread_mutex_lock(&p->mutex);
    add_worker(p, &w);
    p->searching--;
    for (bool needed = true; needed;) {
        bool notify = run_jobs(p, &w);
        if (p->closed)
            break;
        push_idle(p, &w);
        pthread_mutex_unlock(&p->mutex);
        if (notify)
            notify_loop(p);
        needed = wait_for_job(p, &w);
    }
    leave_thread_pool(p, &w);
    return NULL;
}
