/* SPDX-License-Identifier: MIT */
#include <asyncio/with.h>

#include "task/scope.h"

/* The lock passes straight to the first in line: it is never free while somebody waits. */
static void pass_on(async_lock *l)
{
    l->owner = async__wake_first(&l->waiters, 0);
}

int await_lock_acquire(async_lock *l)
{
    async_task *t;
    int r = await_begin(&t, "await_lock_acquire");
    if (r < 0)
        return r;
    if (l->owner == t)
        return -EDEADLK;
    if (!l->owner) {
        l->owner = t;
        return 0;
    }
    bool chosen;
    r = wait_to_take(t, &l->waiters, &chosen);
    if (r < 0 && chosen)
        pass_on(l);
    return r;
}

int async_lock_release(async_lock *l)
{
    async_task *t = async_current_task();
    if (!t || l->owner != t) {
        async__complain("task \"%s\" releases a lock that it does not hold", t ? t->name : "");
        return -EPERM;
    }
    pass_on(l);
    return 0;
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

static const struct async_manager manager = { enter, leave };

async_with_sync async_with_lock(async_with_sync *w, async_scope *blocks, async_lock *l)
{
    (void)w;
    return (async_with_sync){ async__with_scope(l, &manager, blocks) };
}

async_with_sync async_with_condition(async_with_sync *w, async_scope *blocks, async_condition *c)
{
    return async_with_lock(w, blocks, c->lock);
}
