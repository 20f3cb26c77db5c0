/* SPDX-License-Identifier: MIT */
/* Tests of events. */
#include "../frame/loop_test.h"

ASYNC_DEF(waits, (async_event *)e, (const char *)word)
{
    int r = await_event_wait(e);
    log_event("%s=%s", word, result_text(r));
    return r;
}

LOOP_TEST(set_event_releases_all_waiters)
{
    async_event e = { 0 };
    await_task_auto a = async_create_task(waits(&e, "a"));
    await_task_auto b = async_create_task(waits(&e, "b"));
    expect_ok(await_sleep(1));
    expect_events("");
    expect_false(async_event_is_set(&e));
    async_event_set(&e);
    expect_true(async_event_is_set(&e));
    expect_ok(await_event_wait(&e));
    expect_ok(await_task(a));
    expect_ok(await_task(b));
    expect_events("a=0 b=0");
    return 0;
}

/* Later tasks wait again. */
LOOP_TEST(event_set_and_cleared_at_once_releases_waiters)
{
    async_event e = { 0 };
    await_task_auto a = async_create_task(waits(&e, "a"));
    await_task_auto b = async_create_task(waits(&e, "b"));
    expect_ok(await_sleep(1));
    async_event_set(&e);
    async_event_clear(&e);
    await_task_auto c = async_create_task(waits(&e, "c"));
    expect_ok(await_sleep(1));
    expect_events("a=0 b=0");
    async_event_set(&e);
    expect_ok(await_task(c));
    return 0;
}

ASYNC_DEF(waits_twice, (async_event *)e)
{
    int first = await_event_wait(e), second = await_sleep(0);
    log_event("%s %s", result_text(first), result_text(second));
    return 0;
}

/* A wait for an event takes nothing from other tasks, so its success stays. */
LOOP_TEST(cancel_after_event_was_set_fails_next_await)
{
    async_event e = { 0 };
    await_task_auto a = async_create_task(waits_twice(&e));
    expect_ok(await_sleep(1));
    async_event_set(&e);
    async_task_cancel(a);
    expect_ok(await_task(a));
    expect_events("0 -ECANCELED");
    return 0;
}

LOOP_TEST(event_set_after_cancel_does_not_hide_it)
{
    async_event e = { 0 };
    await_task_auto a = async_create_task(waits_twice(&e));
    expect_ok(await_sleep(1));
    async_task_cancel(a);
    async_event_set(&e);
    expect_ok(await_task(a));
    expect_events("-ECANCELED -ECANCELED");
    return 0;
}

SUITE("core-event", set_event_releases_all_waiters, event_set_and_cleared_at_once_releases_waiters,
      cancel_after_event_was_set_fails_next_await, event_set_after_cancel_does_not_hide_it)
