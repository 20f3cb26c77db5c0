/* SPDX-License-Identifier: MIT */
/* Conditions: always back with the lock, and no notification lost. */
#include "run.h"

ASYNC_DEF(holds, (async_lock *)l, (const char *)word, (double)seconds)
{
    int r = await_lock_acquire(l);
    note("%s=%s", word, shown(r));
    if (r < 0)
        return r;
    int s = await_sleep(seconds);
    ok(async_lock_release(l));
    return s;
}

ASYNC_DEF(waits, (async_event *)e, (const char *)word)
{
    int r = await_event_wait(e);
    note("%s=%s", word, shown(r));
    return r;
}

struct shop {
    async_lock lock;
    async_condition changed;
    int items;
};

ASYNC_DEF(consumes, (struct shop *)s, (const char *)word)
{
    int r;
    await_with (r, &s->changed) {
        r = await_condition_wait_for(&s->changed, s->items > 0);
        is_true(s->lock.owner == async_current_task()); /* also when it was cancelled */
        if (r == 0)
            s->items--;
    }
    note("%s=%s", word, shown(r));
    return r;
}

#define SHOP(name)                                                                                 \
    struct shop name = { 0 };                                                                      \
    name.changed.lock = &name.lock

static void deliver(struct shop *s, int n)
{
    ok(await_lock_acquire(&s->lock));
    s->items += n;
    ok(async_condition_notify(&s->changed, (size_t)n));
    ok(async_lock_release(&s->lock));
}

CASE(condition_in_order)
{
    SHOP(s);
    await_task_auto a = async_create_task(consumes(&s, "a"));
    await_task_auto b = async_create_task(consumes(&s, "b"));
    await_task_auto c = async_create_task(consumes(&s, "c"));
    ok(await_sleep(1));
    deliver(&s, 1);
    ok(await_sleep(1));
    is_trail("a=0");
    deliver(&s, 2);
    ok(await_task(b));
    ok(await_task(c));
    is_trail("a=0 b=0 c=0");
    is_false(async_lock_locked(&s.lock));
    return 0;
}

CASE(condition_notify_all)
{
    SHOP(s);
    await_task_auto a = async_create_task(consumes(&s, "a"));
    await_task_auto b = async_create_task(consumes(&s, "b"));
    ok(await_sleep(1));
    ok(await_lock_acquire(&s.lock));
    s.items = 2;
    ok(async_condition_notify_all(&s.changed));
    ok(async_lock_release(&s.lock));
    ok(await_task(b));
    ok(await_task(a));
    is_trail("a=0 b=0");
    return 0;
}

CASE(condition_without_its_lock)
{
    SHOP(s);
    is(async_condition_notify(&s.changed, 1), -EPERM);
    has_text(heard(), "without holding");
    is(async_condition_notify_all(&s.changed), -EPERM);
    has_text(heard(), "without holding");
    is(await_condition_wait(&s.changed), -EPERM);
    has_text(heard(), "without holding");
    return 0;
}

/* cancelled_wakeup: two consumers, one notify; the notified one is cancelled before it ran: the other has the item. */
CASE(condition_cancelled_wakeup)
{
    SHOP(s);
    await_task_auto a = async_create_task(consumes(&s, "a"));
    await_task_auto b = async_create_task(consumes(&s, "b"));
    ok(await_sleep(1));
    deliver(&s, 1);
    async_task_cancel(a);
    is(await_task(a), -ECANCELED);
    ok(await_task(b));
    is_trail("a=-ECANCELED b=0");
    is(s.items, 0);
    is_false(async_lock_locked(&s.lock));
    return 0;
}

/* cancelled_wakeup_relock: ...while it takes the lock again, which somebody else holds. */
CASE(condition_cancelled_wakeup_relock)
{
    SHOP(s);
    await_task_auto a = async_create_task(consumes(&s, "a"));
    await_task_auto b = async_create_task(consumes(&s, "b"));
    ok(await_sleep(1));
    ok(await_lock_acquire(&s.lock));
    s.items = 1;
    ok(async_condition_notify(&s.changed, 1));
    ok(await_sleep(1)); /* a stands in the lock's line */
    async_task_cancel(a);
    async_task_cancel(a); /* several cancels may hit it */
    ok(await_sleep(1));
    is_false(async_task_done(a));
    ok(async_lock_release(&s.lock));
    is(await_task(a), -ECANCELED);
    ok(await_task(b));
    is_trail("a=-ECANCELED b=0");
    is_false(async_lock_locked(&s.lock));
    return 0;
}

/* Cancelled while it waits: it returns with the lock held all the same; no notification is lost. */
CASE(condition_cancelled)
{
    SHOP(s);
    await_task_auto a = async_create_task(consumes(&s, "a"));
    await_task_auto b = async_create_task(consumes(&s, "b"));
    ok(await_sleep(1));
    async_task_cancel(a);
    deliver(&s, 1);
    is(await_task(a), -ECANCELED);
    ok(await_task(b));
    is_true(s.items == 0 && !async_lock_locked(&s.lock));
    return 0;
}

CASE(condition_with_a_limit)
{
    SHOP(s);
    is(await_wait_for(consumes(&s, "a"), 1), -ETIMEDOUT);
    is_trail("a=-ECANCELED");
    is_false(async_lock_locked(&s.lock));
    ok(await_lock_acquire(&s.lock));
    async_task_cancel(async_current_task());
    is(await_condition_wait(&s.changed), -ECANCELED);
    is_true(s.lock.owner == async_current_task());
    async_uncancel();
    return async_lock_release(&s.lock);
}

ASYNC_DEF(notifies_twice, (async_condition *)c)
{
    for (int i = 0; i < 2; i++) {
        ASYNC_TRY(await_lock_acquire(c->lock));
        ok(async_condition_notify(c, 1));
        ok(async_lock_release(c->lock));
        ASYNC_TRY(await_sleep(1));
    }
    return 0;
}

CASE(condition_is_evaluated_once)
{
    async_lock l = { 0 };
    async_condition cs[] = { ASYNC_CONDITION(&l), ASYNC_CONDITION(NULL) }, *at = cs;
    ok(await_lock_acquire(&l));
    int left = 2;
    await_task_auto a = async_create_task(notifies_twice(cs));
    ok(await_condition_wait_for(at++, left-- == 0));
    is(at - cs, 1);
    ok(async_lock_release(&l));
    return await_task(a);
}

SUITE("condition", condition_is_evaluated_once, condition_in_order, condition_notify_all,
      condition_without_its_lock, condition_cancelled_wakeup, condition_cancelled_wakeup_relock,
      condition_cancelled, condition_with_a_limit)
