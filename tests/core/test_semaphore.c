/* SPDX-License-Identifier: MIT */
/* Tests of semaphores: a permit belongs to its waiter from the moment it is granted. */
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

LOOP_TEST(semaphore_admits_as_many_tasks_as_permits)
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

LOOP_TEST(semaphore_is_locked_while_permit_is_owed)
{
    async_semaphore s = ASYNC_SEMAPHORE(1);
    expect_false(async_semaphore_locked(&s));
    expect_ok(await_semaphore_acquire(&s));
    expect_true(async_semaphore_locked(&s));
    await_task_auto a = async_create_task(takes(&s, "a"));
    expect_ok(await_sleep(0));
    expect_ok(async_semaphore_release(&s));
    expect_true(async_semaphore_locked(&s)); /* the permit belongs to a */
    expect_ok(await_task(a));
    expect_ok(async_semaphore_release(&s));
    expect_false(async_semaphore_locked(&s));
    return 0;
}

/* A retry of the releasing task queues behind it. */
LOOP_TEST(released_permit_belongs_to_first_waiter)
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

LOOP_TEST(permit_goes_to_first_waiter_that_is_not_cancelled)
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

LOOP_TEST(waiter_cancelled_after_grant_passes_permit_on)
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

LOOP_TEST(last_waiter_cancelled_after_grant_returns_permit)
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

LOOP_TEST(burst_of_releases_wakes_as_many_waiters_as_permits)
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

LOOP_TEST(burst_of_releases_to_cancelled_waiters_loses_no_permit)
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

LOOP_TEST(permit_released_in_callback_wakes_waiter)
{
    async_semaphore s = { 0 };
    async_callback cb = { 0 };
    async_call_later(&cb, 2, releases, &s);
    expect_ok(await_semaphore_acquire(&s));
    expect_time(2);
    return 0;
}

LOOP_TEST(bounded_semaphore_refuses_surplus_release)
{
    async_semaphore s = ASYNC_BOUNDED_SEMAPHORE(2);
    expect_int(async_semaphore_release(&s), -EINVAL);
    expect_ok(await_semaphore_acquire(&s));
    expect_ok(async_semaphore_release(&s));
    expect_int(async_semaphore_release(&s), -EINVAL);
    expect_int(s.value, 2);
    return 0;
}

LOOP_TEST(timeout_inside_with_releases_permit)
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

SUITE("core-semaphore", semaphore_admits_as_many_tasks_as_permits,
      semaphore_is_locked_while_permit_is_owed, released_permit_belongs_to_first_waiter,
      permit_goes_to_first_waiter_that_is_not_cancelled,
      waiter_cancelled_after_grant_passes_permit_on,
      last_waiter_cancelled_after_grant_returns_permit,
      burst_of_releases_wakes_as_many_waiters_as_permits,
      burst_of_releases_to_cancelled_waiters_loses_no_permit,
      permit_released_in_callback_wakes_waiter, bounded_semaphore_refuses_surplus_release,
      timeout_inside_with_releases_permit)
