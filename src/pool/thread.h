/* SPDX-License-Identifier: MIT */
/* thread.h - work for another thread, and waiting for it.
 *
 * A job lies in the frame of the task that waits for it, or in memory of its own: then it has a release function, a cancel
 * does not wait for it once it has begun, and nothing of the waiter is touched afterwards. */
#ifndef POOL_THREAD_H
#define POOL_THREAD_H

#include <asyncio/pool.h>

#include "loop/loop.h"

struct thread_call;
struct pools;

/* The records of thread tasks stay for ever: their loop was abandoned. */
void async__thread_tasks_keep(struct pools *p);

struct job {
    struct job *next, *prev;
    void (*work)(struct job *j); /* on a worker's thread, signals blocked */
    /* NULL, or: it is over, or will never begin, and nobody waits for it any more. On the loop's thread, or the worker's
     * if the loop has closed. */
    void (*release)(struct job *j);
    const char *name;
    async_task *waiter; /* the loop's thread only; NULL: nobody */
    int64_t since;      /* when it was put in the line */
    bool queued;        /* the crew's */
    bool done;          /* the loop's thread only */
    bool heard;         /* its release calls a function of the user's, which may wake a task */
};

struct jobs {
    struct job *first, *last;
};

static inline void jobs_append(struct jobs *q, struct job *j)
{
    j->next = NULL;
    j->prev = q->last;
    *(q->last ? &q->last->next : &q->first) = j;
    q->last = j;
}

/* Give j to that pool of the current task's loop and wait until it is done. The checkpoint has been passed. Returns
 *   0           it is done. Also if a cancel came when it had begun: then it was waited for.
 *   -ECANCELED  it will never begin; or, if it has a release function, perhaps it goes on by itself. In both
 *               cases release was called or will be, and j is not to be looked at any more.
 *   -ENOMEM, -EAGAIN: no pool, no thread. */
int async__job_await(async_task *t, enum async_pool which, struct job *j);

/* That pool of l; NULL: no memory. */
struct crew *async__crew_of(struct loop *l, enum async_pool which);

/* co is an ASYNC_THREAD's, by await_thread_: make it the call that it stands for. */
void async__thread_unpack(async_co *co);

/* On a worker's thread: run(frame), which sees those locals; the reference to them is dropped. What it says of its error
 * is in *e. */
int async__thread_call_run(struct thread_call *e, const char *name, int (*run)(void *frame), void *frame,
                      struct context *locals);

/* On the loop's thread: a worker has done j. */
void async__job_done(struct job *j);

/* The job that t waits for, its name; NULL: none. For reports. */
const char *async__job_of(const async_task *t);

#endif
