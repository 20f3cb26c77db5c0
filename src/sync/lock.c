/* SPDX-License-Identifier: MIT */
#include "sync/lock.h"

#include <asyncio/with.h>

#include "sync/bind.h"
#include "task/scope.h"
#include "task/task.h"

/* The object of type T in whose queue `waiters` a task waits. */
#define OBJECT_OF(T, queue) ((const T *)(const void *)((const char *)(queue)-offsetof(T, waiters)))

/* --- tasks that end while they hold a lock --- */

/* Does w wait for a lock that t holds, or for the notification of a condition whose lock t
 * holds? */
static bool waits_for_lock_of(const async_task *w, const async_task *t)
{
    if (!w->node.kind || w->node.state != TASK_PARKED)
        return false;
    if (w->node.flags & TASK_WANTS_LOCK)
        return OBJECT_OF(async_lock, w->queue)->owner == t;
    if (w->node.flags & TASK_WANTS_CONDITION)
        return OBJECT_OF(async_condition, w->queue)->lock->owner == t;
    return false;
}

static void fail_waiter(void *record, void *owner)
{
    async_task *w = record;
    if (!waits_for_lock_of(w, owner))
        return;
    w->value = -EOWNERDEAD;
    async__wake(w, WOKEN);
}

/* Fail all waiters for locks that t held when it ended. A task counts the locks that it holds but
 * has no list of them, because their memory may have gone with a stack frame. A lock for which a
 * task waits still exists, so these locks are found through their waiters. */
static void fail_waiters_of_ended(async_task *t)
{
    if (t->loop->debug)
        async__warn("task \"%s\" has ended and still holds a lock; release it, or use await_with",
                    async__task_label(t).text);
    async__slab_each(&t->loop->tasks, fail_waiter, t);
}

/* --- acquire and release --- */

/* Release the lock, which then belongs to the first waiter at once. It is never free while a task
 * waits. */
static void pass_lock_on(async_lock *l)
{
    async_task *next = async__wake_first(&l->waiters, 0);
    lock_clear_owner(l);
    if (next)
        lock_set_owner(l, next);
}

static int fail_owner_dead(const async_lock *l)
{
    return async_fail(-EOWNERDEAD, "task \"%s\" has ended without releasing the lock",
                      async__task_label(l->owner).text);
}

/* The record of an owner may only be looked at if it belongs to this loop, so the lock is bound
 * first. A lock that a closed loop has left held cannot be taken over. */
int async__lock_bind(async_lock *l, struct loop *loop)
{
    if (l->owner && l->loop != loop->serial && !async__handle_is_open(l->loop))
        return async_fail(-EOWNERDEAD, "a loop that is closed has left the lock held");
    loop->owner_ended = fail_waiters_of_ended;
    return bind_with_queue(&l->loop, &l->waiters, "a lock");
}

/* Check before the wait that t does not hold the lock itself, and that its owner has not ended. An
 * owner that ends during the wait wakes the task with -EOWNERDEAD. */
int async__lock_wait(async_lock *l, async_task *t, bool *chosen)
{
    *chosen = false;
    if (l->owner == t)
        return -EDEADLK;
    if (l->owner && l->owner->node.state == TASK_DONE)
        return fail_owner_dead(l);
    t->node.flags |= TASK_WANTS_LOCK;
    int r = wait_to_acquire(t, &l->waiters, chosen);
    t->node.flags &= (uint8_t)~TASK_WANTS_LOCK;
    if (likely(!*chosen || t->value >= 0))
        return r;
    *chosen = false; /* the task was woken because the owner has ended */
    return r < 0 ? r : fail_owner_dead(l);
}

static int wait_for_lock(async_lock *l, async_task *t)
{
    bool chosen;
    wait_is(t, WAITS_LOCK);
    int r = async__lock_wait(l, t, &chosen);
    if (r < 0 && chosen)
        pass_lock_on(l);
    return r;
}

static NOINLINE int acquire_slowly(async_lock *l, async_task *t)
{
    int r = async__lock_bind(l, t->loop);
    if (r < 0)
        return r;
    if (l->owner)
        return wait_for_lock(l, t);
    lock_set_owner(l, t);
    return 0;
}

int async__lock_acquire(async_lock *l, async_task *t)
{
    if (unlikely(l->owner || l->loop != t->loop->serial))
        return acquire_slowly(l, t);
    lock_set_owner(l, t);
    return 0;
}

int await_lock_acquire(async_lock *l)
{
    async_task *t;
    int r = await_begin(&t, "await_lock_acquire");
    return unlikely(r < 0) ? r : async__lock_acquire(l, t);
}

int async_lock_release(async_lock *l)
{
    async_task *t = async_current_task();
    if (!t || l->owner != t) {
        if (t)
            async__warn("task \"%s\" releases a lock that it does not hold: the task that has "
                        "acquired a lock must release it",
                        async__task_label(t).text);
        else
            async__warn(
                    "code outside of a task releases a lock that it does not hold: the task that has acquired "
                    "a lock must release it");
        return -EPERM;
    }
    pass_lock_on(l);
    return 0;
}

/* --- as a context manager --- */

ASYNC__MAKE(lock_enter, "lock", await_lock_acquire, (async_lock *)l)
ASYNC__MAKE(lock_leave, "unlock", async_lock_release, (async_lock *)l)

async_context_manager async_lock_context_manager(async_lock *l)
{
    return (async_context_manager){ lock_enter(l), lock_leave(l) };
}

async_context_manager async_condition_context_manager(async_condition *c)
{
    return async_lock_context_manager(c->lock);
}

static int enter_lock(void *l)
{
    return await_lock_acquire(l);
}

static int leave_lock(void *l)
{
    return async_lock_release(l);
}

static const struct async_with_ops lock_ops = { enter_lock, leave_lock };

async_with_sync async_with_lock(async_with_sync *w, async_scope *blocks, async_lock *l)
{
    (void)w;
    return (async_with_sync){ async__with_scope(l, &lock_ops, blocks) };
}

async_with_sync async_with_condition(async_with_sync *w, async_scope *blocks, async_condition *c)
{
    return async_with_lock(w, blocks, c->lock);
}
