/* SPDX-License-Identifier: MIT */
/* Tests of conditions: a wait always returns with the lock held, and no notification is lost. */
#include "../frame/loop_test.h"

ASYNC_DEF(holds, (async_lock *)l, (const char *)word, (double)seconds)
{
    int r = await_lock_acquire(l);
    log_event("%s=%s", word, result_text(r));
    if (r < 0)
        return r;
    int s = await_sleep(seconds);
    expect_ok(async_lock_release(l));
    return s;
}

ASYNC_DEF(waits, (async_event *)e, (const char *)word)
{
    int r = await_event_wait(e);
    log_event("%s=%s", word, result_text(r));
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
        expect_true(s->lock.owner == async_current_task()); /* also when it was cancelled */
        if (r == 0)
            s->items--;
    }
    log_event("%s=%s", word, result_text(r));
    return r;
}

#define SHOP(name)                                                                                 \
    struct shop name = { 0 };                                                                      \
    name.changed.lock = &name.lock

static void deliver(struct shop *s, int n)
{
    expect_ok(await_lock_acquire(&s->lock));
    s->items += n;
    expect_ok(async_condition_notify(&s->changed, (size_t)n));
    expect_ok(async_lock_release(&s->lock));
}

LOOP_TEST(notify_wakes_waiters_in_order)
{
    SHOP(s);
    await_task_auto a = async_create_task(consumes(&s, "a"));
    await_task_auto b = async_create_task(consumes(&s, "b"));
    await_task_auto c = async_create_task(consumes(&s, "c"));
    expect_ok(await_sleep(1));
    deliver(&s, 1);
    expect_ok(await_sleep(1));
    expect_events("a=0");
    deliver(&s, 2);
    expect_ok(await_task(b));
    expect_ok(await_task(c));
    expect_events("a=0 b=0 c=0");
    expect_false(async_lock_locked(&s.lock));
    return 0;
}

LOOP_TEST(notify_all_wakes_all_waiters_in_order)
{
    SHOP(s);
    await_task_auto a = async_create_task(consumes(&s, "a"));
    await_task_auto b = async_create_task(consumes(&s, "b"));
    expect_ok(await_sleep(1));
    expect_ok(await_lock_acquire(&s.lock));
    s.items = 2;
    expect_ok(async_condition_notify_all(&s.changed));
    expect_ok(async_lock_release(&s.lock));
    expect_ok(await_task(b));
    expect_ok(await_task(a));
    expect_events("a=0 b=0");
    return 0;
}

LOOP_TEST(condition_without_its_lock_is_refused_with_message)
{
    SHOP(s);
    expect_int(async_condition_notify(&s.changed, 1), -EPERM);
    expect_contains(captured_stderr(), "without holding");
    expect_int(async_condition_notify_all(&s.changed), -EPERM);
    expect_contains(captured_stderr(), "without holding");
    expect_int(await_condition_wait(&s.changed), -EPERM);
    expect_contains(captured_stderr(), "without holding");
    return 0;
}

/* Two consumers and one notification: the other consumer receives the item. */
LOOP_TEST(notified_waiter_cancelled_before_it_runs_passes_notification_on)
{
    SHOP(s);
    await_task_auto a = async_create_task(consumes(&s, "a"));
    await_task_auto b = async_create_task(consumes(&s, "b"));
    expect_ok(await_sleep(1));
    deliver(&s, 1);
    async_task_cancel(a);
    expect_int(await_task(a), -ECANCELED);
    expect_ok(await_task(b));
    expect_events("a=-ECANCELED b=0");
    expect_ok(s.items);
    expect_false(async_lock_locked(&s.lock));
    return 0;
}

/* Another task holds the lock meanwhile. */
LOOP_TEST(notified_waiter_cancelled_while_it_relocks_passes_notification_on)
{
    SHOP(s);
    await_task_auto a = async_create_task(consumes(&s, "a"));
    await_task_auto b = async_create_task(consumes(&s, "b"));
    expect_ok(await_sleep(1));
    expect_ok(await_lock_acquire(&s.lock));
    s.items = 1;
    expect_ok(async_condition_notify(&s.changed, 1));
    expect_ok(await_sleep(1)); /* a stands in the lock's line */
    async_task_cancel(a);
    async_task_cancel(a); /* several cancels may hit it */
    expect_ok(await_sleep(1));
    expect_false(async_task_done(a));
    expect_ok(async_lock_release(&s.lock));
    expect_int(await_task(a), -ECANCELED);
    expect_ok(await_task(b));
    expect_events("a=-ECANCELED b=0");
    expect_false(async_lock_locked(&s.lock));
    return 0;
}

/* No notification is lost. */
LOOP_TEST(cancelled_waiter_returns_with_lock_held)
{
    SHOP(s);
    await_task_auto a = async_create_task(consumes(&s, "a"));
    await_task_auto b = async_create_task(consumes(&s, "b"));
    expect_ok(await_sleep(1));
    async_task_cancel(a);
    deliver(&s, 1);
    expect_int(await_task(a), -ECANCELED);
    expect_ok(await_task(b));
    expect_true(s.items == 0 && !async_lock_locked(&s.lock));
    return 0;
}

LOOP_TEST(wait_that_times_out_returns_with_lock_held)
{
    SHOP(s);
    expect_int(await_wait_for(consumes(&s, "a"), 1), -ETIMEDOUT);
    expect_events("a=-ECANCELED");
    expect_false(async_lock_locked(&s.lock));
    expect_ok(await_lock_acquire(&s.lock));
    async_task_cancel(async_current_task());
    expect_int(await_condition_wait(&s.changed), -ECANCELED);
    expect_true(s.lock.owner == async_current_task());
    async_uncancel();
    return async_lock_release(&s.lock);
}

ASYNC_DEF(notifies_twice, (async_condition *)c)
{
    for (int i = 0; i < 2; i++) {
        ASYNC_TRY(await_lock_acquire(c->lock));
        expect_ok(async_condition_notify(c, 1));
        expect_ok(async_lock_release(c->lock));
        ASYNC_TRY(await_sleep(1));
    }
    return 0;
}

LOOP_TEST(wait_for_evaluates_condition_argument_once)
{
    async_lock l = { 0 };
    async_condition cs[] = { ASYNC_CONDITION(&l), ASYNC_CONDITION(NULL) }, *at = cs;
    expect_ok(await_lock_acquire(&l));
    int left = 2;
    await_task_auto a = async_create_task(notifies_twice(cs));
    expect_ok(await_condition_wait_for(at++, left-- == 0));
    expect_int(at - cs, 1);
    expect_ok(async_lock_release(&l));
    return await_task(a);
}

SUITE("core-condition", wait_for_evaluates_condition_argument_once, notify_wakes_waiters_in_order,
      notify_all_wakes_all_waiters_in_order, condition_without_its_lock_is_refused_with_message,
      notified_waiter_cancelled_before_it_runs_passes_notification_on,
      notified_waiter_cancelled_while_it_relocks_passes_notification_on,
      cancelled_waiter_returns_with_lock_held, wait_that_times_out_returns_with_lock_held)
