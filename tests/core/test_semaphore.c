/* SPDX-License-Identifier: MIT */
/* Semaphores: a unit belongs to its waiter from the grant on. */
#include "run.h"

ASYNC_DEF(takes, (async_semaphore *)s, (const char *)word)
{
    int r = await_semaphore_acquire(s);
    note("%s=%s", word, shown(r));
    return r;
}

ASYNC_DEF(works, (async_semaphore *)s, (int *)busy, (int *)most)
{
    ASYNC_TRY(await_semaphore_acquire(s));
    if (++*busy > *most)
        *most = *busy;
    int r = await_sleep(1);
    --*busy;
    ok(async_semaphore_release(s));
    return r;
}

CASE(three_at_a_time)
{
    int busy = 0, most = 0, r;
    async_semaphore s = ASYNC_SEMAPHORE(3);
    await_group (r, g)
        for (int i = 0; i < 10; i++)
            async_spawn(g, works(&s, &busy, &most));
    ok(r);
    is(most, 3);
    is(s.value, 3);
    is_time(4);
    return 0;
}

CASE(locked)
{
    async_semaphore s = ASYNC_SEMAPHORE(1);
    is_false(async_semaphore_locked(&s));
    ok(await_semaphore_acquire(&s));
    is_true(async_semaphore_locked(&s));
    await_task_auto a = async_create_task(takes(&s, "a"));
    ok(await_sleep(0));
    ok(async_semaphore_release(&s));
    is_true(async_semaphore_locked(&s)); /* the unit is a's */
    ok(await_task(a));
    ok(async_semaphore_release(&s));
    is_false(async_semaphore_locked(&s));
    return 0;
}

/* acquire_nowait_blocks_acquire, fifo_fairness: the releaser's immediate retry queues. */
CASE(no_barging)
{
    async_semaphore s = ASYNC_SEMAPHORE(1);
    ok(await_semaphore_acquire(&s));
    await_task_auto a = async_create_task(takes(&s, "a"));
    await_task_auto b = async_create_task(takes(&s, "b"));
    ok(await_sleep(0));
    ok(async_semaphore_release(&s));
    is(await_wait_for(takes(&s, "main"), 1), -ETIMEDOUT);
    is_trail("a=0 main=-ECANCELED");
    ok(async_semaphore_release(&s));
    ok(await_task(b));
    is(s.value, 0);
    return 0;
}

/* acquire_hang, cancel_before_awoken: the first waiters are cancelled; one unit: the first live one has it. */
CASE(first_waiters_cancelled)
{
    async_semaphore s = { 0 };
    await_task_auto a = async_create_task(takes(&s, "a"));
    await_task_auto b = async_create_task(takes(&s, "b"));
    await_task_auto c = async_create_task(takes(&s, "c"));
    await_task_auto d = async_create_task(takes(&s, "d"));
    ok(await_sleep(0));
    async_task_cancel(a);
    async_task_cancel(b);
    ok(async_semaphore_release(&s));
    ok(await_task(c));
    is_trail("a=-ECANCELED b=-ECANCELED c=0");
    is(s.value, 0);
    is_false(async_task_done(d));
    ok(async_semaphore_release(&s));
    ok(await_task(d));
    return 0;
}

/* A cancelled winner returns the unit and wakes the next. */
CASE(chosen_then_cancelled)
{
    async_semaphore s = { 0 };
    await_task_auto a = async_create_task(takes(&s, "a"));
    await_task_auto b = async_create_task(takes(&s, "b"));
    ok(await_sleep(0));
    ok(async_semaphore_release(&s));
    async_task_cancel(a);
    is(await_task(a), -ECANCELED);
    ok(await_task(b));
    is(s.value, 0);
    return 0;
}

CASE(last_chosen_then_cancelled)
{
    async_semaphore s = ASYNC_BOUNDED_SEMAPHORE(1);
    ok(await_semaphore_acquire(&s));
    await_task_auto a = async_create_task(takes(&s, "a"));
    ok(await_sleep(0));
    ok(async_semaphore_release(&s));
    async_task_cancel(a);
    is(await_task(a), -ECANCELED);
    is(s.value, 1);
    is(async_semaphore_release(&s), -EINVAL);
    return 0;
}

/* no_hang: a burst of releases wakes as many as there are units. */
CASE(burst)
{
    async_semaphore s = { 0 };
    await_task_auto a = async_create_task(takes(&s, "a"));
    await_task_auto b = async_create_task(takes(&s, "b"));
    await_task_auto c = async_create_task(takes(&s, "c"));
    ok(await_sleep(0));
    ok(async_semaphore_release(&s));
    ok(async_semaphore_release(&s));
    ok(await_sleep(0));
    is_trail("a=0 b=0");
    ok(async_semaphore_release(&s));
    ok(async_semaphore_release(&s));
    ok(await_task(c));
    is(s.value, 1);
    ok(await_task(a));
    return await_task(b);
}

/* All of a burst's winners are cancelled: nothing is leaked. */
CASE(burst_cancelled)
{
    async_semaphore s = { 0 };
    await_task_auto a = async_create_task(takes(&s, "a"));
    await_task_auto b = async_create_task(takes(&s, "b"));
    await_task_auto c = async_create_task(takes(&s, "c"));
    ok(await_sleep(0));
    ok(async_semaphore_release(&s));
    ok(async_semaphore_release(&s));
    async_task_cancel(a);
    async_task_cancel(b);
    ok(await_task(c));
    is(await_task(a), -ECANCELED);
    is(await_task(b), -ECANCELED);
    is(s.value, 1);
    return 0;
}

static void releases(void *s)
{
    ok(async_semaphore_release(s));
}

CASE(released_in_a_callback)
{
    async_semaphore s = { 0 };
    async_callback cb = { 0 };
    async_call_later(&cb, 2, releases, &s);
    ok(await_semaphore_acquire(&s));
    is_time(2);
    return 0;
}

CASE(bound)
{
    async_semaphore s = ASYNC_BOUNDED_SEMAPHORE(2);
    is(async_semaphore_release(&s), -EINVAL);
    ok(await_semaphore_acquire(&s));
    ok(async_semaphore_release(&s));
    is(async_semaphore_release(&s), -EINVAL);
    is(s.value, 2);
    return 0;
}

CASE(with)
{
    int r;
    async_semaphore s = ASYNC_SEMAPHORE(1);
    await_timeout (r, 1)
        await_with (r, &s) {
            is(s.value, 0);
            r = await_sleep(100);
        }
    is(r, -ETIMEDOUT);
    is(s.value, 1);
    return 0;
}

SUITE("semaphore", three_at_a_time, locked, no_barging, first_waiters_cancelled, chosen_then_cancelled,
      last_chosen_then_cancelled, burst, burst_cancelled, released_in_a_callback, bound, with)
