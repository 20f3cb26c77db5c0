/* SPDX-License-Identifier: MIT */
/* thread_worker.h - the threads of a pool, as the loop's side of the pool uses them. */
#ifndef POOL_THREAD_WORKER_H
#define POOL_THREAD_WORKER_H

#include "pool/thread_pool.h"

/* How long a thread waits for work before it ends, ns. */
#define THREAD_IDLE_TIMEOUT INT64_C(10000000000)

/* What to do for new work as soon as the mutex has been released. */
struct wakeup {
    atomic_uint *word; /* wake the worker that sleeps on it; or NULL */
    bool start;        /* start another thread */
};

/* There is work: choose a worker for it, unless one is searching already or no more jobs may run at
 * a time. The mutex is held. */
struct wakeup async__thread_worker_choose(struct thread_pool *p);

/* Wake or start the worker that was chosen. The mutex is not held, so the worker may have woken for
 * another reason, and its stack frame may be gone. This is safe: only the address is passed to the
 * kernel, and a thread that is woken for nothing checks again. Returns 0 or an errno. */
int async__thread_worker_wake(struct thread_pool *p, struct wakeup w);

/* A thread could not be started. Jobs that were queued meanwhile were left to it, so another
 * worker, which may have become idle since, must look at them. Returns whether the pool has no
 * thread at all. */
bool async__thread_worker_not_started(struct thread_pool *p);

/* Wake all idle workers: the pool is closed. The mutex is held. */
void async__thread_worker_wake_idle(struct thread_pool *p);

/* Free a pool that has no threads any more. */
void async__thread_pool_free(struct thread_pool *p);

#endif
