/* SPDX-License-Identifier: MIT */
/* job.h - a job: work for a thread of a thread pool, and how a task waits for it.
 *
 * A job usually lies in the stack frame of the task that waits for it. A cancelled task then takes
 * its job back, or, if the job has begun, waits until it is over, because the frame must stay.
 *
 * A job with a release function lies in memory of its own. A cancelled task abandons such a job: it
 * returns at once, and nothing of the task is touched afterwards. */
#ifndef POOL_JOB_H
#define POOL_JOB_H

#include <asyncio/pool.h>

#include "loop/loop.h"

struct thread_pool;
struct thread_worker;

struct job {
    struct job *next, *prev; /* in a list of the pool */
    /* What to do: called on a thread of the pool, with all signals blocked. */
    void (*work)(struct job *j);

    /* NULL, or called once when the job is over, or will never begin, and no task waits for it: on
     * the loop's thread, or on the thread of the pool if the loop has closed by then. */
    void (*release)(struct job *j);
    bool may_wake; /* release calls a function of the user's, which may wake a task */

    const char *name;   /* for messages */
    async_task *waiter; /* NULL: none. Belongs to the loop's thread */
    bool done; /* the loop has been told that the job is over. Belongs to the loop's thread */
    int error; /* why the job will never begin, or 0. Belongs to the loop's thread */

    /* These belong to the pool, and are protected by its mutex. */
    struct thread_worker *worker; /* that runs it now */
    int64_t since;                /* when it was queued, ns */
    bool queued;
};

struct job_list {
    struct job *first, *last;
};

static inline void job_list_append(struct job_list *list, struct job *j)
{
    j->next = NULL;
    j->prev = list->last;
    *(list->last ? &list->last->next : &list->first) = j;
    list->last = j;
}

static inline void job_list_remove(struct job_list *list, struct job *j)
{
    *(j->next ? &j->next->prev : &list->last) = j->prev;
    *(j->prev ? &j->prev->next : &list->first) = j->next;
}

/* Queue j in the pool and wait until it is done. t, the current task, has passed its checkpoint.
 * Returns
 *   0           the job is done. Also if t was cancelled after the job had begun, and j has no
 *               release function.
 *   -ECANCELED  the job will never begin; or, if it has a release function, it may still run. In
 *               the latter case release was called or will be, and j must not be touched any more.
 *   -EAGAIN     there is no thread, and none could be started
 *   j->error    the pool was dropped before the job began */
int async__job_await_in(async_task *t, struct thread_pool *p, struct job *j);

/* The same in the pool of that kind of the loop of t. Also returns -ENOMEM, if the pool could not
 * be opened (pools.c). */
int async__job_await(async_task *t, enum async_pool kind, struct job *j);

/* A thread has done j, or it will never begin: wake its waiter, or release it. On the loop's
 * thread. */
void async__job_finish(struct job *j);

#endif
