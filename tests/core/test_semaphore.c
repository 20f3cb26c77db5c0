/* SPDX-License-Identifier: MIT */
/* Semaphores: a unit belongs to its waiter from the grant on. */
#include "../frame/loop_test.h"

ASYNC_DEF(takes, (async_semaphore *)s, (const char *)word)
{
    int r = await_semaphore_acquire(s);
    log_event("%s=%s", word, result_text(r));
    return r;
}

ASYNC_DEF(works, (async_semaphore *)s, (int *)busy, (int *)most)
{
    ASYNC_TRY(await_semaphore_acquire(s));
    if (++*busy > *most)
        *most = *busy;
    int r = await_sleep(1);
    --*busy;
    expect_ok(async_semaphore_release(s));
    return r;
}

LOOP_TEST(three_at_a_time)
{
    int busy = 0, most = 0, r;
    async_semaphore s = ASYNC_SEMAPHORE(3);
    await_group (r, g)
        for (int i = 0; i < 10; i++)
            async_spawn(g, works(&s, &busy, &most));
    expect_ok(r);
    expect_int(most, 3);
    expect_int(s.value, 3);
    expect_time(4);
    return 0;
}

LOOP_TEST(locked)
{
    async_semaphore s = ASYNC_SEMAPHORE(1);
    expect_false(async_semaphore_locked(&s));
    expect_ok(await_semaphore_acquire(&s));
    expect_true(async_semaphore_locked(&s));
    await_task_auto a = async_create_task(takes(&s, "a"));
    expect_ok(await_sleep(0));
    expect_ok(async_semaphore_release(&s));
    expect_true(async_semaphore_locked(&s)); /* the unit is a's */
    expect_ok(await_task(a));
    expect_ok(async_semaphore_release(&s));
    expect_false(async_semaphore_locked(&s));
    return 0;
}

/* acquire_nowait_blocks_acquire, fifo_fairness: the releaser's immediate retry queues. */
LOOP_TEST(no_barging)
{
    async_semaphore s = ASYNC_SEMAPHORE(1);
    expect_ok(await_semaphore_acquire(&s));
    await_task_auto a = async_create_task(takes(&s, "a"));
    await_task_auto b = async_create_task(takes(&s, "b"));
    expect_ok(await_sleep(0));
    expect_ok(async_semaphore_release(&s));
    expect_int(await_wait_for(takes(&s, "main"), 1), -ETIMEDOUT);
    expect_events("a=0 main=-ECANCELED");
    expect_ok(async_semaphore_release(&s));
    expect_ok(await_task(b));
    expect_ok(s.value);
    return 0;
}

/* acquire_hang, cancel_before_awoken: the first waiters are cancelled; one unit: the first live one has it. */
LOOP_TEST(first_waiters_cancelled)
{
    async_semaphore s = { 0 };
    await_task_auto a = async_create_task(takes(&s, "a"));
    await_task_auto b = async_create_task(takes(&s, "b"));
    await_task_auto c = async_create_task(takes(&s, "c"));
    await_task_auto d = async_create_task(takes(&s, "d"));
    expect_ok(await_sleep(0));
    async_task_cancel(a);
    async_task_cancel(b);
    expect_ok(async_semaphore_release(&s));
    expect_ok(await_task(c));
    expect_events("a=-ECANCELED b=-ECANCELED c=0");
    expect_ok(s.value);
    expect_false(async_task_done(d));
    expect_ok(async_semaphore_release(&s));
    expect_ok(await_task(d));
    return 0;
}

/* A cancelled winner returns the unit and wakes the next. */
LOOP_TEST(chosen_then_cancelled)
{
    async_semaphore s = { 0 };
    await_task_auto a = async_create_task(takes(&s, "a"));
    await_task_auto b = async_create_task(takes(&s, "b"));
    expect_ok(await_sleep(0));
    expect_ok(async_semaphore_release(&s));
    async_task_cancel(a);
    expect_int(await_task(a), -ECANCELED);
    expect_ok(await_task(b));
    expect_ok(s.value);
    return 0;
}

LOOP_TEST(last_chosen_then_cancelled)
{
    async_semaphore s = ASYNC_BOUNDED_SEMAPHORE(1);
    expect_ok(await_semaphore_acquire(&s));
    await_task_auto a = async_create_task(takes(&s, "a"));
    expect_ok(await_sleep(0));
    expect_ok(async_semaphore_release(&s));
    async_task_cancel(a);
    expect_int(await_task(a), -ECANCELED);
    expect_int(s.value, 1);
    expect_int(async_semaphore_release(&s), -EINVAL);
    return 0;
}

/* no_hang: a burst of releases wakes as many as there are units. */
LOOP_TEST(burst)
{
    async_semaphore s = { 0 };
    await_task_auto a = async_create_task(takes(&s, "a"));
    await_task_auto b = async_create_task(takes(&s, "b"));
    await_task_auto c = async_create_task(takes(&s, "c"));
    expect_ok(await_sleep(0));
    expect_ok(async_semaphore_release(&s));
    expect_ok(async_semaphore_release(&s));
    expect_ok(await_sleep(0));
    expect_events("a=0 b=0");
    expect_ok(async_semaphore_release(&s));
    expect_ok(async_semaphore_release(&s));
    expect_ok(await_task(c));
    expect_int(s.value, 1);
    expect_ok(await_task(a));
    return await_task(b);
}

/* All of a burst's winners are cancelled: nothing is leaked. */
LOOP_TEST(burst_cancelled)
{
    async_semaphore s = { 0 };
    await_task_auto a = async_create_task(takes(&s, "a"));
    await_task_auto b = async_create_task(takes(&s, "b"));
    await_task_auto c = async_create_task(takes(&s, "c"));
    expect_ok(await_sleep(0));
    expect_ok(async_semaphore_release(&s));
    expect_ok(async_semaphore_release(&s));
    async_task_cancel(a);
    async_task_cancel(b);
    expect_ok(await_task(c));
    expect_int(await_task(a), -ECANCELED);
    expect_int(await_task(b), -ECANCELED);
    expect_int(s.value, 1);
    return 0;
}

static void releases(void *s)
{
    expect_ok(async_semaphore_release(s));
}

LOOP_TEST(released_in_a_callback)
{
    async_semaphore s = { 0 };
    async_callback cb = { 0 };
    async_call_later(&cb, 2, releases, &s);
    expect_ok(await_semaphore_acquire(&s));
    expect_time(2);
    return 0;
}

LOOP_TEST(bound)
{
    async_semaphore s = ASYNC_BOUNDED_SEMAPHORE(2);
    expect_int(async_semaphore_release(&s), -EINVAL);
    expect_ok(await_semaphore_acquire(&s));
    expect_ok(async_semaphore_release(&s));
    expect_int(async_semaphore_release(&s), -EINVAL);
    expect_int(s.value, 2);
    return 0;
}

LOOP_TEST(with)
{
    int r;
    async_semaphore s = ASYNC_SEMAPHORE(1);
    await_timeout (r, 1)
        await_with (r, &s) {
            expect_ok(s.value);
            r = await_sleep(100);
        }
    expect_int(r, -ETIMEDOUT);
    expect_int(s.value, 1);
    return 0;
}

SUITE("semaphore", three_at_a_time, locked, no_barging, first_waiters_cancelled,
      chosen_then_cancelled, last_chosen_then_cancelled, burst, burst_cancelled,
      released_in_a_callback, bound, with)
