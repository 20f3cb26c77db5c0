/* SPDX-License-Identifier: MIT */
#include <asyncio/sync.h>

#include "sync/bind.h"
#include "sync/lock.h"
#include "task/scope.h"

static int bind_condition(async_condition *c)
{
    return bind_with_queue(&c->loop, &c->waiters, "a condition");
}

static int check_lock(const async_condition *c, const async_task *t, const char *what)
{
    if (t && c->lock->owner == t)
        return 0;
    if (t)
        async__warn("task \"%s\" calls %s() without holding the condition's lock: acquire the lock "
                    "first, "
                    "for example with await_with",
                    async__task_label(t).text, what);
    else
        async__warn(
                "code outside of a task calls %s() without holding the condition's lock: only a task can hold "
                "it",
                what);
    return -EPERM;
}

/* Wait for the notification, then acquire the lock again, in a shield, because the caller owns the
 * lock afterwards even if it was cancelled. Returns whether the task was notified; *r is the result
 * of acquiring the lock. */
static bool wait_and_relock(async_condition *c, async_task *t, int *r)
{
    async_scope shield;
    async_lock_release(c->lock);
    t->node.flags |= TASK_WANTS_CONDITION;
    wait_is(t, WAITS_CONDITION);
    bool notified = wait_in(t, &c->waiters) != INTERRUPTED;
    t->node.flags &= (uint8_t)~TASK_WANTS_CONDITION;
    shield_enter(&shield, t);
    *r = async__lock_acquire(c->lock, t);
    shield_leave(&shield, t);
    return notified;
}

/* If the task was notified but is cancelled by now, it cannot act on the notification, so the next
 * waiter gets it. */
int await_condition_wait(async_condition *c)
{
    async_task *t;
    int r = await_begin(&t, "await_condition_wait");
    if (r == 0)
        r = check_lock(c, t, "await_condition_wait");
    if (r == 0)
        r = bind_condition(c);
    if (r < 0)
        return r;
    bool notified = wait_and_relock(c, t, &r);
    if (r < 0)
        return r;
    r = checkpoint(t);
    if (r < 0 && notified)
        async__wake_first(&c->waiters, 0);
    return r;
}

static int notify_waiters(async_condition *c, size_t n, const char *what)
{
    int r = check_lock(c, async_current_task(), what);
    if (r == 0)
        r = bind_condition(c);
    while (r == 0 && n > 0 && async__wake_first(&c->waiters, 0))
        n--;
    return r;
}

int async_condition_notify(async_condition *c, size_t n)
{
    return notify_waiters(c, n, "async_condition_notify");
}

int async_condition_notify_all(async_condition *c)
{
    return notify_waiters(c, SIZE_MAX, "async_condition_notify_all");
}
