/* SPDX-License-Identifier: MIT */
#include <asyncio/with.h>

#include "task/scope.h"
#include "task/task.h"

#define HOLDER(T, queue) ((const T *)(const void *)((const char *)(queue)-offsetof(T, waiters)))

static inline void own(async_lock *l, async_task *t)
{
    l->owner = t;
    t->locks++;
}

/* The lock passes straight to the first in line: it is never free while somebody waits. */
static void pass_on(async_lock *l)
{
    async_task *next = async__wake_first(&l->waiters, 0);
    l->owner->locks--;
    l->owner = NULL;
    if (next)
        own(l, next);
}

static int broken(const async_lock *l)
{
    return async_fail(-EOWNERDEAD, "task \"%s\" has ended without releasing the lock", l->owner->name);
}

/* Somebody holds it. Its owner's record may only be looked at if it is of our loop. */
static NOINLINE int wait_for(async_lock *l, async_task *t)
{
    if (unlikely(l->loop != t->loop->handle)) {
        if (!async__handle_is_open(l->loop))
            return async_fail(-EOWNERDEAD, "a loop that is closed has left the lock held");
        async__warn("task \"%s\" wants a lock of another thread's loop", t->name);
        return -EPERM;
    }
    if (l->owner == t)
        return -EDEADLK;
    if (l->owner->node.state == TASK_DONE)
        return broken(l);
    bool chosen;
    t->node.flags |= TASK_WANTS_LOCK;
    wait_is(t, WAITS_LOCK);
    int r = wait_to_acquire(t, &l->waiters, &chosen);
    t->node.flags &= (uint8_t)~TASK_WANTS_LOCK;
    if (unlikely(chosen && t->value < 0))
        return r < 0 ? r : broken(l);
    if (r < 0 && chosen)
        pass_on(l);
    return r;
}

int await_lock_acquire(async_lock *l)
{
    async_task *t;
    int r = await_begin(&t, "await_lock_acquire");
    if (r < 0)
        return r;
    if (unlikely(l->owner != NULL))
        return wait_for(l, t);
    own(l, t);
    l->loop = t->loop->handle;
    return 0;
}

int async_lock_release(async_lock *l)
{
    async_task *t = async_current_task();
    if (!t || l->owner != t) {
        async__warn("task \"%s\" releases a lock that it does not hold", t ? t->name : "");
        return -EPERM;
    }
    pass_on(l);
    return 0;
}

/* Does w wait for a lock that t holds, or for the notification of one who must hold it? */
static bool waits_for(const async_task *w, const async_task *t)
{
    if (!w->node.kind || w->node.state != TASK_PARKED)
        return false;
    if (w->node.flags & TASK_WANTS_LOCK)
        return HOLDER(async_lock, w->queue)->owner == t;
    if (w->node.flags & TASK_WANTS_CONDITION)
        return HOLDER(async_condition, w->queue)->lock->owner == t;
    return false;
}

static void fail_waiter(void *record, void *arg)
{
    async_task *w = record;
    if (waits_for(w, arg)) {
        w->value = -EOWNERDEAD;
        async__wake(w, WOKEN);
    }
}

/* A task knows how many locks it holds, not which: they may have gone with the frame in which they lay. Those that
 * somebody waits for are found by way of the waiters. */
void async__locks_abandoned(async_task *t)
{
    if (t->loop->debug)
        async__warn("task \"%s\" has ended and still holds a lock", t->name);
    async__slab_each(&t->loop->tasks, fail_waiter, t);
}

ASYNC__MAKE(lock_enter, "lock", await_lock_acquire, (async_lock *)l)
ASYNC__MAKE(lock_leave, "unlock", async_lock_release, (async_lock *)l)

async_hold async_lock_hold(async_lock *l)
{
    return (async_hold){ lock_enter(l), lock_leave(l) };
}

async_hold async_condition_hold(async_condition *c)
{
    return async_lock_hold(c->lock);
}

static int enter(void *l)
{
    return await_lock_acquire(l);
}

static int leave(void *l)
{
    return async_lock_release(l);
}

static const struct async_with_ops manager = { enter, leave };

async_with_sync async_with_lock(async_with_sync *w, async_scope *blocks, async_lock *l)
{
    (void)w;
    return (async_with_sync){ async__with_scope(l, &manager, blocks) };
}

async_with_sync async_with_condition(async_with_sync *w, async_scope *blocks, async_condition *c)
{
    return async_with_lock(w, blocks, c->lock);
}
