/* SPDX-License-Identifier: MIT */
/* sync.h - locks, events, conditions, semaphores, barriers: between the tasks of one loop, not between threads.
 *
 * An object belongs to the loop that first used it, until that loop is closed: to use it in another one, or on
 * another thread, is -EPERM and a message, and changes nothing. Tasks that were abandoned when it closed (.shutdown_timeout)
 * stand in no line any more for the next loop; units and a lock that they hold are not given back.
 *
 * All first come, first served: what is released belongs to the first waiter, nobody barges past it. A waiter
 * of a lock, semaphore or condition that was chosen and is cancelled before it ran gets -ECANCELED and hands
 * its turn on; one of an event, which takes nothing from others, gets its 0. */
#ifndef ASYNCIO_SYNC_H
#define ASYNCIO_SYNC_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

/* Zero is free. Not recursive. */
typedef struct async_lock {
    async_task *owner;
    async_waitq waiters;
    uint64_t loop; /* that uses it */
} async_lock;

/* 0; -EDEADLK: already mine; -EOWNERDEAD, and the owner's name in the error: it has ended without releasing the lock, so
 * nobody ever will; also for those who wait when it ends, and for waiters of a condition. -EPERM, and a message: it is
 * held in another thread's loop. Suspends: until it is free. Cancelled: not held. */
int await_lock_acquire(async_lock *l) ASYNC_CHECK;
/* 0; -EPERM, and a message: not mine. */
int async_lock_release(async_lock *l);
ASYNC_UNUSED static inline bool async_lock_locked(const async_lock *l) { return l->owner; }

/* Zero is not set. */
typedef struct async_event {
    uint64_t loop; /* that uses it */
    bool set;
    async_waitq waiters;
} async_event;

/* 0. Suspends: until it is set. */
int await_event_wait(async_event *e) ASYNC_CHECK;
void async_event_set(async_event *e); /* releases all who wait now, even if cleared at once */
void async_event_clear(async_event *e);
ASYNC_UNUSED static inline bool async_event_is_set(const async_event *e) { return e->set; }

typedef struct async_condition {
    async_lock *lock;
    async_waitq waiters;
    uint64_t loop; /* that uses it */
} async_condition;
#define ASYNC_CONDITION(lock_ptr) ASYNC__INIT(.lock = (lock_ptr))

/* Release the lock, wait, take the lock: returns with it held, also on an error, but for two: -EPERM: it was not held;
 * -EOWNERDEAD: who took it meanwhile has ended without releasing it.
 * Cancelled while it takes the lock: -ECANCELED, and its notification goes to the next waiter. Wakes only when
 * notified, but the predicate may have changed again: use _wait_for, which tests it around each wait. */
int await_condition_wait(async_condition *c) ASYNC_CHECK;
#define await_condition_wait_for(c, predicate)                                                     \
    __extension__({                                                                                \
        int async_cw_ = 0;                                                                         \
        async_condition *async_cv_ = (c);                                                          \
        while (async_cw_ == 0 && !(predicate))                                                     \
            async_cw_ = await_condition_wait(async_cv_);                                           \
        async_cw_;                                                                                 \
    })
/* Both: 0; -EPERM, and a message: the lock is not mine. */
int async_condition_notify(async_condition *c, size_t n);
int async_condition_notify_all(async_condition *c);

typedef struct async_semaphore {
    uint64_t loop; /* that uses it */
    int value, bound; /* bound 0: none */
    async_waitq waiters;
} async_semaphore;
#define ASYNC_SEMAPHORE(n)         ASYNC__INIT(.value = (n))
#define ASYNC_BOUNDED_SEMAPHORE(n) ASYNC__INIT(.value = (n), .bound = (n))

/* 0. Suspends: until a unit is free and everybody before has one. Cancelled: no unit is taken. */
int await_semaphore_acquire(async_semaphore *s) ASYNC_CHECK;
/* 0; -EINVAL: more than the bound. May be called by any task, and in callbacks. */
int async_semaphore_release(async_semaphore *s);
ASYNC_UNUSED static inline bool async_semaphore_locked(const async_semaphore *s) /* or somebody waits */
{
    return s->value == 0 || s->waiters.head;
}

typedef struct async_barrier {
    uint64_t loop;           /* that uses it */
    size_t parties, waiting; /* how many it takes; how many have come in this round */
    size_t draining;         /* released, and not back from their wait yet */
    bool broken, spoiled;    /* for all who come; for those who are draining */
    int mark;                /* who stands in line with this number is counted as waiting */
    async_waitq waiters, late;
} async_barrier;
#define ASYNC_BARRIER(n) ASYNC__INIT(.parties = (n))

/* Wait until that many tasks wait: 0 to n - 1, in the order in which they came, each number once. Who comes while the
 * last round has not returned yet waits for the next one. -EPIPE: broken, or reset meanwhile. Suspends: until the last one
 * comes. Cancelled: as if it had not come; one that was released by then returns its number. b must live until all are
 * back. -EINVAL: n is 0. */
int await_barrier_wait(async_barrier *b) ASYNC_CHECK;

/* Who waits in this round, or is released and not back yet, gets -EPIPE. After abort so do all who come later, until a
 * reset; after reset the barrier is as new. */
void async_barrier_reset(async_barrier *b);
void async_barrier_abort(async_barrier *b);
ASYNC_UNUSED static inline bool async_barrier_broken(const async_barrier *b) { return b->broken; }
ASYNC_UNUSED static inline size_t async_barrier_waiting(const async_barrier *b) { return b->waiting; }

async_context_manager async_lock_context_manager(async_lock *l);
async_context_manager async_semaphore_context_manager(async_semaphore *s);
async_context_manager async_condition_context_manager(async_condition *c);
#define async_lock_hold      async_lock_context_manager /* their names before 0.2 */
#define async_semaphore_hold async_semaphore_context_manager
#define async_condition_hold async_condition_context_manager

ASYNC_END_DECLS

#endif
