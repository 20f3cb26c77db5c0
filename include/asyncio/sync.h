/* SPDX-License-Identifier: MIT */
/* sync.h - locks, events, conditions, semaphores and barriers for the tasks of one loop.
 *
 *   await_lock_acquire           wait for a lock and take it
 *   async_lock_release           release it
 *   async_lock_locked            is it held?
 *   await_event_wait             wait until an event is set
 *   async_event_set              set it, and wake the tasks that wait
 *   async_event_clear            clear it
 *   async_event_is_set           is it set?
 *   ASYNC_CONDITION              initial value: a condition with its lock
 *   await_condition_wait         release the lock, wait for a notification, take the lock again
 *   await_condition_wait_for     the same until a predicate holds
 *   async_condition_notify       wake some of the tasks that wait
 *   async_condition_notify_all   wake all of them
 *   ASYNC_SEMAPHORE              initial value: a semaphore
 *   ASYNC_BOUNDED_SEMAPHORE      initial value: a semaphore with a maximum
 *   await_semaphore_acquire      wait for a permit and take it
 *   async_semaphore_release      give a permit back
 *   async_semaphore_locked       would await_semaphore_acquire() suspend?
 *   ASYNC_BARRIER                initial value: a barrier
 *   await_barrier_wait           wait until a number of tasks wait
 *   async_barrier_reset          fail the present round, and begin a new one
 *   async_barrier_abort          fail the present round, and all later ones
 *   async_barrier_broken         was it aborted?
 *   async_barrier_waiting        the number of tasks that wait
 *
 * await_with (with.h) takes a lock, a semaphore or the lock of a condition for the length of a
 * block. Read-write locks are in rwlock.h, capacity limiters in limiter.h.
 *
 * Tasks are served in the order in which they came. What is released belongs from that moment on to
 * the task that has waited longest, so a task that comes later cannot take it. If that task is
 * cancelled before it has run, it passes its turn on to the next one.
 *
 * These objects synchronise tasks, not threads. Each belongs to the loop that first used it, until
 * that loop is closed; then another loop may use it, but permits that were taken stay taken. The
 * members of all structs are private. Common errors:
 *   -EPERM      not called from a task, or the object belongs to another open loop; a message is
 *               printed to stderr, and nothing has changed
 *   -ECANCELED  the caller was cancelled; nothing was taken */
#ifndef ASYNCIO_SYNC_H
#define ASYNCIO_SYNC_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

/* --- locks --- */

/* A lock: one task at a time holds it. Zero is free: async_lock lock = { 0 }. A lock is seldom
 * needed: no other task runs between two await_ calls. */
typedef struct async_lock {
    async_task *owner;
    async_waitq waiters;
    uint64_t loop; /* that uses it */
} async_lock;

/* Wait until the lock is free, and take it.
 *
 *   await_with (r, &lock)
 *       r = await_send_message(connection, &message);
 *
 * l          the lock. It is not recursive.
 * Returns    0; -EDEADLK if the caller holds it already; -EOWNERDEAD if the task that holds it has
 *            ended, or ends, without releasing it: the message has the name of that task;
 *            -EPERM, -ECANCELED.
 * Suspends   while another task holds the lock.
 * See also   await_with (with.h), which also releases the lock. */
int await_lock_acquire(async_lock *l) ASYNC_CHECK;

/* Release a lock. The task that has waited longest holds it from then on.
 *
 * Returns    0; -EPERM if the caller does not hold it, and a message is printed to stderr.
 * Suspends   no. */
int async_lock_release(async_lock *l);

/* Return whether a task holds the lock. */
ASYNC_UNUSED static inline bool async_lock_locked(const async_lock *l) { return l->owner; }

/* --- events --- */

/* An event: tasks wait until it is set. Zero is not set: async_event ready = { 0 }. */
typedef struct async_event {
    uint64_t loop; /* that uses it */
    bool set;
    async_waitq waiters;
} async_event;

/* Wait until an event is set.
 *
 *   ASYNC_TRY(await_event_wait(&ready));
 *
 * Returns    0; -EPERM, -ECANCELED. A task that is cancelled after the event has woken it returns
 *            0, because an event takes nothing from other tasks.
 * Suspends   unless the event is set. */
int await_event_wait(async_event *e) ASYNC_CHECK;

/* Set an event. All tasks that wait at this moment return, even if it is cleared again before they
 * run.
 *
 * Suspends   no. Tasks and callbacks of the loop may call it. */
void async_event_set(async_event *e);

/* Clear an event: tasks that call await_event_wait() from now on wait. */
void async_event_clear(async_event *e);

/* Return whether an event is set. */
ASYNC_UNUSED static inline bool async_event_is_set(const async_event *e) { return e->set; }

/* --- conditions --- */

/* A condition: tasks that hold a lock wait until another task has changed what the lock protects.
 * Several conditions may share one lock. */
typedef struct async_condition {
    async_lock *lock;
    async_waitq waiters;
    uint64_t loop; /* that uses it */
} async_condition;

/* The initial value of a condition.
 *
 *   static async_lock lock;
 *   static async_condition changed = ASYNC_CONDITION(&lock);
 *
 * lock_ptr   the address of its lock, which must live as long as the condition. */
#define ASYNC_CONDITION(lock_ptr) ASYNC__INIT(.lock = (lock_ptr))

/* Release the lock, wait for a notification, and take the lock again.
 *
 * c          the condition, whose lock the caller holds.
 * Returns    0; -EPERM if the caller does not hold the lock; -EOWNERDEAD if the task that took the
 *            lock meanwhile has ended without releasing it; -ECANCELED. The caller holds the lock
 *            again in all cases but -EPERM and -EOWNERDEAD.
 * Cancelled  the call still takes the lock, shielded, before it returns -ECANCELED. A notification
 *            that had reached it wakes the next task instead.
 * Suspends   until the task is notified and the lock is free.
 *
 * There are no spurious wake-ups, but another task may change the data between the notification and
 * the return. await_condition_wait_for() tests a predicate around each wait. */
int await_condition_wait(async_condition *c) ASYNC_CHECK;

/* Wait until a predicate holds.
 *
 *   await_with (r, &changed)
 *       r = await_condition_wait_for(&changed, count > 0);
 *
 * c          the condition, whose lock the caller holds.
 * predicate  an expression. It is evaluated with the lock held, before each wait.
 * Returns    0 if the predicate holds; otherwise as await_condition_wait().
 * Suspends   as await_condition_wait(); not if the predicate holds already. */
#define await_condition_wait_for(c, predicate)                                                     \
    __extension__({                                                                                \
        int async_cw_ = 0;                                                                         \
        async_condition *async_cv_ = (c);                                                          \
        while (async_cw_ == 0 && !(predicate))                                                     \
            async_cw_ = await_condition_wait(async_cv_);                                           \
        async_cw_;                                                                                 \
    })

/* Wake the n tasks that have waited longest; or all tasks.
 *
 * c          the condition, whose lock the caller holds. The woken tasks return when they get the
 *            lock.
 * n          how many tasks; if fewer wait, all of them.
 * Returns    0; -EPERM if the caller does not hold the lock, and a message is printed to stderr.
 * Suspends   no. */
int async_condition_notify(async_condition *c, size_t n);
int async_condition_notify_all(async_condition *c);

/* --- semaphores --- */

/* A semaphore: a number of permits. */
typedef struct async_semaphore {
    uint64_t loop;    /* that uses it */
    int value, bound; /* free permits; the maximum, or 0 for none */
    async_waitq waiters;
} async_semaphore;

/* The initial values of a semaphore with n permits. Of a bounded one, no more than n permits can be
 * given back: an error that would otherwise go unnoticed.
 *
 *   static async_semaphore connections = ASYNC_SEMAPHORE(10); */
#define ASYNC_SEMAPHORE(n)         ASYNC__INIT(.value = (n))
#define ASYNC_BOUNDED_SEMAPHORE(n) ASYNC__INIT(.value = (n), .bound = (n))

/* Wait for a permit, and take it.
 *
 *   await_with (r, &connections)
 *       r = await_fetch(url);
 *
 * Returns    0; -EPERM, -ECANCELED.
 * Cancelled  no permit is taken.
 * Suspends   until a permit is free and all tasks that came before have one. */
int await_semaphore_acquire(async_semaphore *s) ASYNC_CHECK;

/* Give a permit back. The task that has waited longest receives it.
 *
 * Returns    0; -EINVAL if a bounded semaphore has all its permits; -EPERM.
 * Suspends   no. Any task of the loop may call it, and a callback. */
int async_semaphore_release(async_semaphore *s);

/* Return whether await_semaphore_acquire() would suspend. */
ASYNC_UNUSED static inline bool async_semaphore_locked(const async_semaphore *s)
{
    return s->value == 0 || s->waiters.head;
}

/* --- barriers --- */

/* A barrier: a number of tasks wait for each other, round after round. */
typedef struct async_barrier {
    uint64_t loop;           /* that uses it */
    size_t parties, waiting; /* tasks that make a round; tasks that wait in this round */
    size_t draining;         /* tasks of the last round that have not returned yet */
    bool broken, spoiled;    /* aborted; the round that drains was reset or aborted */
    int mark;                /* tasks in the queue with this number are counted as waiting */
    async_waitq waiters, late;
} async_barrier;

/* The initial value of a barrier for n tasks.
 *
 *   static async_barrier start_line = ASYNC_BARRIER(3); */
#define ASYNC_BARRIER(n) ASYNC__INIT(.parties = (n))

/* Wait until as many tasks wait as the barrier is for.
 *
 *   int number = ASYNC_TRY(await_barrier_wait(&start_line));
 *   if (number == 0)
 *       puts("all tasks have arrived");
 *
 * b          the barrier. It must live until all tasks have returned from it.
 * Returns    a number from 0 to n - 1, in the order in which the tasks came, a different one for
 *            each task of the round; -EPIPE if the barrier was aborted, or was reset meanwhile;
 *            -EINVAL if it is for 0 tasks; -EPERM, -ECANCELED.
 * Cancelled  the task does not count as arrived. If its round was complete by then, it returns its
 *            number instead.
 * Suspends   until the last task of the round comes. A task that comes while tasks of the last
 *            round have not returned yet waits for the next round. */
int await_barrier_wait(async_barrier *b) ASYNC_CHECK;

/* Fail the present round: its tasks return -EPIPE, also those of a round that was complete but
 * which have not returned yet. async_barrier_reset() leaves a new barrier; after
 * async_barrier_abort() every later await_barrier_wait() returns -EPIPE, until a reset.
 *
 * Suspends   no. */
void async_barrier_reset(async_barrier *b);
void async_barrier_abort(async_barrier *b);

/* Return whether a barrier was aborted; and the number of tasks that wait in the present round. */
ASYNC_UNUSED static inline bool async_barrier_broken(const async_barrier *b) { return b->broken; }
ASYNC_UNUSED static inline size_t async_barrier_waiting(const async_barrier *b)
{
    return b->waiting;
}

/* --- context managers --- */

/* Return a context manager that holds a lock, a permit, or the lock of a condition. await_with
 * makes these itself from the address of the object; they are for functions that return one.
 *
 * Suspends   no; entering the block suspends. */
async_context_manager async_lock_context_manager(async_lock *l);
async_context_manager async_semaphore_context_manager(async_semaphore *s);
async_context_manager async_condition_context_manager(async_condition *c);

/* The names of these functions before version 0.2. */
#define async_lock_hold      async_lock_context_manager
#define async_semaphore_hold async_semaphore_context_manager
#define async_condition_hold async_condition_context_manager

ASYNC_END_DECLS

#endif
