/* SPDX-License-Identifier: MIT */
#include <asyncio/sync.h>

#include "task/scope.h"

/* The lock is ours, so whoever stands here from another loop was left here by it. */
static void forget_abandoned(async_condition *c, const struct loop *l)
{
    const struct loop *was = c->waiters.head ? task_of(c->waiters.head)->loop : l;
    if (unlikely(was != l) && (was->abandoned || was->forked))
        c->waiters.head = NULL;
}

/* The lock is taken again whatever has happened: shielded. A notification that reached us is passed on if we were
 * cancelled by then, and so cannot act on it. */
int await_condition_wait(async_condition *c)
{
    async_task *t;
    int r = await_begin(&t, "await_condition_wait");
    if (r < 0)
        return r;
    if (c->lock->owner != t) {
        async__warn("task \"%s\" waits for a condition whose lock it does not hold", t->name);
        return -EPERM;
    }
    forget_abandoned(c, t->loop);
    async_lock_release(c->lock);
    t->node.flags |= TASK_WANTS_CONDITION;
    wait_is(t, WAITS_CONDITION);
    bool chosen = wait_in(t, &c->waiters) != INTERRUPTED;
    t->node.flags &= (uint8_t)~TASK_WANTS_CONDITION;
    async_scope shield;
    shield_enter(&shield, t);
    r = await_lock_acquire(c->lock);
    shield_leave(&shield, t);
    if (r < 0)
        return r;
    r = checkpoint(t->loop, t);
    if (r < 0 && chosen)
        async__wake_first(&c->waiters, 0);
    return r;
}

int async_condition_notify(async_condition *c, size_t n)
{
    const async_task *t = async_current_task();
    if (!t || c->lock->owner != t) {
        async__warn("task \"%s\" notifies a condition whose lock it does not hold",
                        t ? t->name : "");
        return -EPERM;
    }
    forget_abandoned(c, t->loop);
    while (n > 0 && async__wake_first(&c->waiters, 0))
        n--;
    return 0;
}

int async_condition_notify_all(async_condition *c)
{
    return async_condition_notify(c, SIZE_MAX);
}
