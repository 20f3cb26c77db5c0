/* SPDX-License-Identifier: MIT */
/* thread_pool.h - a thread pool: a queue of jobs, and the worker threads that take them.
 *
 * The loop's thread queues jobs and takes them back; workers take them out. All of it is protected
 * by one mutex, which is held only while a few pointers are moved. A worker that has no work sleeps
 * on a word of its own (a futex), which tells whether it really sleeps: only then waking it takes a
 * system call.
 *
 * A worker that was woken or started counts as `searching` until it looks at the queue. No other
 * one is woken meanwhile; the searching worker wakes the next one itself if it leaves work behind.
 * So a burst of jobs costs the loop one system call. Jobs that are done are collected, and one post
 * tells the loop about all of them. The post is under way as long as the collection is not empty.
 *
 * Threads are started when they are needed, up to .max_threads, and end after ten seconds without
 * work.
 *
 * Abandoned jobs. A job that its waiter has abandoned (async__thread_pool_abandon(), or a cancelled
 * async__job_await() of a job with a release function) keeps its thread for as long as it takes,
 * perhaps for ever: a name server may not answer. Such a job does not count against .max_threads,
 * up to .max_abandoned of them: another thread is started in place of its own. So users of a pool
 * whose jobs can get stuck only have to give their jobs a release function; nothing else is needed
 * to keep the pool usable. ASYNC_POOL_NAMES (16 threads) may have 48 abandoned lookups in this way;
 * beyond these, new lookups wait. When abandoned jobs end, the surplus threads take no more work
 * than .max_threads allows, and end when idle.
 *
 * A pool outlives its loop if a thread is at a job that was abandoned. The last thread frees it.
 *
 * After a fork() the child has a copy of the pool, but none of its threads, and the mutex of the
 * copy may be locked for ever. So the child must not call any of the functions below. The copy of a
 * worker, if a job has called fork(), ends the process when its job returns. */
#ifndef POOL_THREAD_POOL_H
#define POOL_THREAD_POOL_H

#include <pthread.h>

#include "loop/handle.h"
#include "pool/job.h"

/* The values of the word of a worker. */
enum { WORKER_AWAKE, WORKER_ASLEEP, WORKER_WOKEN };

struct thread_worker {
    struct thread_worker *next, *prev; /* in the pool */
    struct thread_worker *below; /* in the stack of idle workers: the one that became idle before */
    struct job *job;             /* that it runs; NULL: none */
    int64_t since;               /* when that began, ns */
    bool abandoned;              /* no task waits for that job any more */
    atomic_uint word;
};

struct thread_pool_opts {
    unsigned max_threads;
    unsigned max_abandoned;        /* abandoned jobs beyond .max_threads */
    const char *name;              /* of the threads, for the tools of the system; NULL: none */
    void (*finish)(struct job *j); /* called on the loop's thread for each job that is done */
};

struct thread_pool {
    pthread_mutex_t mutex;
    struct job_list queue, done;
    struct thread_worker *workers, *idle; /* all, but those that are being started; a stack */
    struct thread_pool_opts opts;
    char name[16];    /* as long as the kernel takes it */
    unsigned threads; /* those that are being started included */
    /* Threads that were started or woken, and have not looked at the queue since. */
    unsigned searching;
    unsigned running;   /* threads that run a job */
    unsigned abandoned; /* of these, threads whose job was abandoned */
    unsigned idle_count, queued;
    bool closed;      /* its loop is closing: nothing is told to it any more */
    bool orphaned;    /* its loop is gone: the last thread frees the pool */
    atomic_uint left; /* changes when a worker leaves a pool that is closed */
    async_loop *home;
    async_post post;
    uint64_t begun; /* jobs, so far */
    /* ns in the queue: the sum, and the longest time, of those that have begun. */
    int64_t waited, longest;
};

/* Returns a pool without threads, or NULL if there is no memory. */
struct thread_pool *async__thread_pool_open(async_loop *home, const struct thread_pool_opts *opts);

/* Queue all jobs of list, which is not empty. Returns 0, and list is empty; or a negative errno if
 * there is no thread and none can be started: then the jobs that will not begin are in list
 * again. */
int async__thread_pool_put(struct thread_pool *p, struct job_list *list);

/* Take j out of the queue. Returns false if it has begun. */
bool async__thread_pool_take_back(struct thread_pool *p, struct job *j);

/* Take all jobs out of the queue. */
struct job_list async__thread_pool_take_all_back(struct thread_pool *p);

/* The waiter of j, which has begun, has gone: j does not count against .max_threads any more, up to
 * .max_abandoned. */
void async__thread_pool_abandon(struct thread_pool *p, struct job *j);

/* Close the pool; its loop has no task that waits for a job, or takes no more posts. Wait until the
 * idle threads have ended, and for the others as long as the clock is before `until`; then, if
 * warn, warn about the jobs that still run. p is gone for the caller. */
void async__thread_pool_close(struct thread_pool *p, int64_t until, bool warn);

/* The name of the job of p that t waits for; NULL if there is none. For reports. */
const char *async__thread_pool_job_name(struct thread_pool *p, const async_task *t);

void async__thread_pool_stats(struct thread_pool *p, struct async_pool_stats *ret);

#endif
