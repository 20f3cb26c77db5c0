/* SPDX-License-Identifier: MIT */
/* Tests of sleeping and of timeouts. */
#include "../frame/loop_test.h"

#include <math.h>

ASYNC_DEF(sleeps, (double)seconds, (const char *)word)
{
    ASYNC_TRY(await_sleep(seconds));
    log_event("%s", word);
    return 0;
}

LOOP_TEST(sleep_advances_virtual_clock_at_once)
{
    expect_time(0);
    expect_ok(await_sleep(1.5));
    expect_time(1.5);
    expect_ok(await_sleep(86400));
    expect_time(86401.5);
    return 0;
}

LOOP_TEST(sleeps_end_in_order_of_time)
{
    int r[4];
    expect_ok(await_gather(r, sleeps(3, "c"), sleeps(1, "a"), sleeps(2, "b1"), sleeps(2, "b2")));
    expect_events("a b1 b2 c");
    expect_time(3);
    return 0;
}

static void log_word(void *word)
{
    log_event("%s", (const char *)word);
}

ASYNC_DEF(alternates, (const char *)word)
{
    for (int i = 0; i < 3; i++) {
        log_event("%s", word);
        ASYNC_TRY(await_sleep(i ? -1.0 : 0));
    }
    return 0;
}

/* Exactly one loop iteration passes. */
LOOP_TEST(sleep_zero_lets_others_run_once)
{
    async_callback cb = { 0 };
    async_call_soon(&cb, log_word, (void *)"callback");
    expect_ok(await_sleep(0));
    log_event("resumed");
    expect_events("callback resumed");
    clear_events();
    expect_ok(await_gather(NULL, alternates("a"), alternates("b")));
    expect_events("a b a b a b");
    expect_ok(await_sleep(NAN));
    expect_time(0);
    return 0;
}

ASYNC_DEF(adds_callback, (async_callback *)cb)
{
    async_call_soon(cb, log_word, (void *)"other");
    expect_ok(await_sleep(0));
    log_event("one");
    expect_ok(await_sleep(0));
    log_event("two");
    return 0;
}

LOOP_TEST(endless_sleep_can_be_cancelled)
{
    async_callback cb = { 0 };
    expect_int(await_wait_for(async_sleep(ASYNC_FOREVER), 5), -ETIMEDOUT);
    expect_time(5);
    expect_int(await_wait_for(async_sleep(1e300), 5), -ETIMEDOUT);
    expect_ok(await_adds_callback(&cb));
    expect_events("other one two");
    return 0;
}

ASYNC_DEF(value, (int)r, (double)after)
{
    ASYNC_TRY(await_sleep(after));
    return r;
}

LOOP_TEST(wait_for_returns_result_that_comes_in_time)
{
    expect_int(await_wait_for(value(5, 1), 2), 5);
    expect_time(1);
    expect_int(await_wait_for(value(-EIO, 1), 2), -EIO);
    expect_int(await_wait_for(value(5, 1), ASYNC_FOREVER), 5);
    expect_ok(await_sleep(10)); /* no timeout remains armed */
    return 0;
}

ASYNC_DEF(tidies, (double)seconds)
{
    int r = await_sleep(100), s;
    await_shield (s)
        expect_ok(await_sleep(seconds));
    expect_ok(s);
    log_event("tidied");
    return r;
}

LOOP_TEST(wait_for_cancels_and_awaits_cleanup_when_time_is_up)
{
    expect_int(await_wait_for(tidies(2), 1), -ETIMEDOUT);
    expect_events("tidied");
    expect_time(3);
    expect_ok(async_cancelling());
    expect_ok(await_sleep(1));
    return 0;
}

ASYNC_DEF(never, (bool *)ran)
{
    *ran = true;
    return 0;
}

LOOP_TEST(wait_for_without_time_never_starts_coroutine)
{
    bool ran = false;
    expect_int(await_wait_for(never(&ran), 0), -ETIMEDOUT);
    expect_int(await_wait_for(never(&ran), -1), -ETIMEDOUT);
    expect_false(ran);
    async_task_cancel(async_current_task());
    /* if cancel and expiry coincide, cancel wins */
    expect_int(await_wait_for(never(&ran), 0), -ECANCELED);
    async_uncancel();
    return 0;
}

ASYNC_DEF(answers, (int)r)
{
    expect_int(await_sleep(100), -ECANCELED);
    return r;
}

LOOP_TEST(wait_for_returns_value_of_coroutine_that_suppresses_cancel)
{
    expect_int(await_wait_for(answers(7), 1), 7);
    expect_ok(await_wait_for(answers(0), 1));
    expect_ok(await_sleep(0));
    return 0;
}

LOOP_TEST(wait_for_returns_error_of_coroutine_when_time_is_up)
{
    expect_int(await_wait_for(answers(-EIO), 1), -EIO);
    return 0;
}

ASYNC_DEF(limited, (double)limit)
{
    int r = await_wait_for(async_sleep(100), limit);
    log_event("%s", result_text(r));
    return r;
}

LOOP_TEST(wait_for_cancelled_from_outside_returns_ecanceled)
{
    await_task_auto t = async_create_task(limited(50));
    expect_ok(await_sleep(1));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    expect_events("-ECANCELED");
    return 0;
}

ASYNC_DEF(cancels_at, (async_task **)t, (double)seconds)
{
    expect_ok(await_sleep(seconds));
    expect_true(async_task_cancel(*t));
    return 0;
}

LOOP_TEST(timeout_before_cancel_in_same_iteration_is_reported)
{
    async_task *victim = NULL;
    await_task_auto early = async_create_task(cancels_at(&victim, 5));
    expect_ok(await_sleep(0));
    await_task_auto t = async_create_task(limited(5));
    victim = t;
    expect_int(await_task(t), -ETIMEDOUT); /* the timeout expired before the cancel came */
    expect_ok(await_task(early));
    return 0;
}

ASYNC_DEF(limited_twice)
{
    int first = await_wait_for(async_sleep(1), 50), second = await_sleep(0);
    log_event("%s %s", result_text(first), result_text(second));
    return second;
}

LOOP_TEST(cancel_after_wait_for_succeeded_fails_next_await)
{
    async_task *victim = NULL;
    await_task_auto killer = async_create_task(cancels_at(&victim, 1));
    expect_ok(await_sleep(0));
    await_task_auto t = async_create_task(limited_twice());
    victim = t;
    expect_int(await_task(t), -ECANCELED);
    expect_ok(await_task(killer));
    expect_events("0 -ECANCELED");
    return 0;
}

LOOP_TEST(timeout_interrupts_block_and_leaves_no_cancellation)
{
    int r;
    bool expired = false;
    await_timeout (r, 1) {
        expect_false(async_expired());
        r = await_sleep(100);
        expect_int(r, -ECANCELED);
        expired = async_expired();
    }
    expect_int(r, -ETIMEDOUT);
    expect_true(expired);
    expect_time(1);
    expect_ok(async_cancelling());
    expect_ok(await_sleep(1));
    return 0;
}

LOOP_TEST(block_that_ends_in_time_keeps_its_result)
{
    int r;
    await_timeout (r, 2) {
        expect_ok(await_sleep(1));
        r = 5;
    }
    expect_int(r, 5);
    expect_ok(await_sleep(10)); /* a deadline that passes after the block does nothing */
    await_timeout (r, 2)
        r = -EIO;
    expect_int(r, -EIO);
    await_timeout (r, ASYNC_FOREVER)
        r = await_sleep(1000);
    expect_ok(r);
    return 0;
}

LOOP_TEST(timeout_at_expires_at_deadline)
{
    int r;
    expect_ok(await_sleep(3));
    await_timeout_at (r, 5)
        r = await_sleep(100);
    expect_int(r, -ETIMEDOUT);
    expect_time(5);
    return 0;
}

/* If no await_ follows, nothing is interrupted, and the result of the body stays. */
LOOP_TEST(timeout_that_interrupts_no_await_is_not_reported)
{
    int r, tries = 0;
    await_timeout (r, 0) {
        r = 3;
        tries++;
    }
    expect_int(r, 3);
    await_timeout (r, -1) {
        expect_int(await_sleep(0), -ECANCELED); /* nothing is tried */
        expect_int(await_sleep(0), -ECANCELED);
        r = 3;
    }
    expect_int(r, -ETIMEDOUT);
    expect_int(tries, 1);
    await_timeout (r, 1) { /* it fired, but in a shield, and interrupted nothing */
        int s;
        await_shield (s)
            expect_ok(await_sleep(5));
        expect_true(async_expired());
        r = 3;
    }
    expect_int(r, 3);
    return 0;
}

LOOP_TEST(timeout_replaces_success_but_not_error_of_body)
{
    int r;
    await_timeout (r, 1) {
        async_ignore(await_sleep(100));
        r = 8;
    }
    expect_int(r, -ETIMEDOUT);
    await_timeout (r, 1) {
        async_ignore(await_sleep(100));
        r = -EIO;
    }
    expect_int(r, -EIO);
    await_timeout (r, 1) {
        if ((r = await_sleep(100)) < 0)
            break;
        log_event("not reached");
    }
    expect_int(r, -ETIMEDOUT);
    expect_events("");
    return 0;
}

ASYNC_DEF(tries)
{
    int r;
    await_timeout (r, 1)
        ASYNC_TRY(await_sleep(100));
    log_event("not reached");
    return r;
}

LOOP_TEST(try_out_of_timeout_returns_etimedout)
{
    expect_int(await_tries(), -ETIMEDOUT);
    expect_events("");
    expect_ok(await_sleep(10));
    return 0;
}

/* Code after the block runs normally. */
LOOP_TEST(every_await_fails_until_expired_block_is_left)
{
    int r;
    await_timeout (r, 1) {
        for (int i = 0; i < 5; i++)
            expect_int(await_sleep(i ? 1 : 100), -ECANCELED);
        async_task *t = async_create_task(async_sleep(1));
        expect_int(await_task(t), -ECANCELED);
        await_task_drop(&t);
    }
    expect_int(r, -ETIMEDOUT);
    expect_ok(await_sleep(1));
    return 0;
}

/* The real clock must be read here, because the coarse one may be ahead of it. */
ASYNC_DEF(has_no_time)
{
    for (int i = 0; i < 10000; i++) {
        int r, inner = 0;
        await_timeout (r, 0)
            inner = await_sleep(0);
        expect_int(inner, -ECANCELED);
        expect_int(r, -ETIMEDOUT);
    }
    return 0;
}

TEST(timeout_of_zero_has_expired_at_first_await)
{
    expect_ok(async_run(has_no_time()));
}

ASYNC_DEF(sleeps_three_times)
{
    for (int i = 0; i < 3; i++)
        ASYNC_TRY(await_sleep(1));
    log_event("slept");
    return 0;
}

LOOP_TEST(deadline_moved_to_later_time_spares_children)
{
    int r, s;
    await_timeout (r, 1.5) {
        await_group (s, g) {
            async_spawn(g, sleeps_three_times());
            expect_ok(await_sleep(0));
            expect_ok(async_reschedule(10));
        }
        r = s;
    }
    expect_events("slept");
    expect_time(3);
    return r;
}

LOOP_TEST(deadline_of_block_not_entered_cannot_be_moved)
{
    async_scope s = async_scope_timeout(1, NULL, ASYNC_HERE);
    expect_int(async_scope_reschedule(&s, 5), -EINVAL);
    return 0;
}

/* The block was entered in a cancelled group, so the group's cancellation came first. */
LOOP_TEST(timeout_entered_in_cancelled_group_is_not_reported)
{
    int r, s;
    await_group (r, g) {
        async_group_cancel(g);
        await_timeout (s, 0) {
            expect_true(async_task_cancel(async_current_task()));
            s = await_sleep(1);
        }
        expect_int(s, -ECANCELED);
    }
    expect_ok(r);
    return async_uncancel();
}

LOOP_TEST(timeout_without_location_has_no_message)
{
    expect_int(await_wait_for_at(async_sleep(5), 1, NULL), -ETIMEDOUT);
    expect_text(async_fail_text(-ETIMEDOUT), "");
    return 0;
}

SUITE("core-timeout", sleep_advances_virtual_clock_at_once, sleeps_end_in_order_of_time,
      sleep_zero_lets_others_run_once, endless_sleep_can_be_cancelled,
      wait_for_returns_result_that_comes_in_time,
      wait_for_cancels_and_awaits_cleanup_when_time_is_up,
      wait_for_without_time_never_starts_coroutine,
      wait_for_returns_value_of_coroutine_that_suppresses_cancel,
      wait_for_returns_error_of_coroutine_when_time_is_up,
      wait_for_cancelled_from_outside_returns_ecanceled,
      timeout_before_cancel_in_same_iteration_is_reported,
      cancel_after_wait_for_succeeded_fails_next_await,
      timeout_interrupts_block_and_leaves_no_cancellation, block_that_ends_in_time_keeps_its_result,
      timeout_at_expires_at_deadline, timeout_that_interrupts_no_await_is_not_reported,
      timeout_replaces_success_but_not_error_of_body, try_out_of_timeout_returns_etimedout,
      every_await_fails_until_expired_block_is_left, timeout_of_zero_has_expired_at_first_await,
      deadline_moved_to_later_time_spares_children, deadline_of_block_not_entered_cannot_be_moved,
      timeout_entered_in_cancelled_group_is_not_reported, timeout_without_location_has_no_message)
