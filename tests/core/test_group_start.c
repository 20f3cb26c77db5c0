/* SPDX-License-Identifier: MIT */
/* Tests of await_group_start(), which starts a child and waits until it is ready. */
#include "../frame/loop_test.h"

ASYNC_DEF(serves, (int)port, (double)seconds)
{
    ASYNC_TRY(await_sleep(1));
    ASYNC_TRY(async_started(port));
    log_event("ready");
    int r = await_sleep(seconds);
    log_event("served:%s", result_text(r));
    return r;
}

LOOP_TEST(start_returns_value_of_ready_child_which_goes_on)
{
    int r;
    await_group (r, g) {
        expect_int(await_group_start(g, serves(80, 5)), 80);
        expect_time(1);
        expect_events("ready");
    }
    expect_time(6);
    expect_events("ready served:0");
    return r;
}

ASYNC_DEF(fails_before_it_is_ready)
{
    ASYNC_TRY(await_sleep(1));
    return async_fail(-EADDRINUSE, "port 80 is taken");
}

LOOP_TEST(failure_before_child_is_ready_is_result_of_start)
{
    int r;
    await_group (r, g) {
        async_spawn(g, async_sleep(3));
        expect_int(await_group_start(g, fails_before_it_is_ready()), -EADDRINUSE);
        expect_text(async_fail_text(-EADDRINUSE), "port 80 is taken");
    }
    expect_time(3);
    return r;
}

ASYNC_DEF(is_never_ready)
{
    return await_sleep(1);
}

LOOP_TEST(child_that_ends_without_being_ready_is_an_error)
{
    int r;
    await_group (r, g) {
        expect_int(await_group_start(g, is_never_ready()), -EPROTO);
        expect_contains(async_fail_text(-EPROTO),
                        "\"is_never_ready\" has ended without calling async_started()");
    }
    return r;
}

ASYNC_DEF(fails_when_it_is_ready)
{
    ASYNC_TRY(async_started(1));
    ASYNC_TRY(await_sleep(1));
    return -EIO;
}

LOOP_TEST(failure_of_ready_child_is_error_of_group)
{
    int r;
    await_group (r, g) {
        expect_int(await_group_start(g, fails_when_it_is_ready()), 1);
        expect_int(await_sleep(10), -ECANCELED);
    }
    expect_int(r, -EIO);
    expect_time(1);
    return 0;
}

/* --- cancellation --- */

LOOP_TEST(timeout_of_caller_cancels_child_that_is_not_ready)
{
    int r, s;
    await_group (r, g) {
        async_spawn(g, async_sleep(3));
        await_timeout (s, 0.5)
            s = await_group_start(g, serves(80, 5));
        expect_int(s, -ETIMEDOUT);
        expect_events("");
    }
    expect_time(3);
    return r;
}

LOOP_TEST(timeout_of_caller_spares_ready_child)
{
    int r, s;
    await_group (r, g) {
        await_timeout (s, 2) {
            expect_int(await_group_start(g, serves(80, 5)), 80);
            expect_int(await_sleep(10), -ECANCELED);
        }
        expect_int(s, -ETIMEDOUT);
        expect_events("ready");
    }
    expect_events("ready served:0");
    expect_time(6);
    return r;
}

LOOP_TEST(deadline_of_group_applies_to_ready_child)
{
    int r, s;
    await_timeout (s, 3) {
        await_group (r, g)
            expect_int(await_group_start(g, serves(80, 100)), 80);
        s = r;
    }
    expect_int(s, -ETIMEDOUT);
    expect_time(3);
    expect_events("ready served:-ECANCELED");
    return 0;
}

ASYNC_DEF(starts_in, (async_group *)g)
{
    int r = await_group_start(g, serves(80, 5));
    log_event("started:%s", result_text(r));
    return r < 0 ? r : 0;
}

/* The waiting task does not belong to the group: only the ready child is cancelled. */
LOOP_TEST(child_that_becomes_ready_in_cancelled_group_is_cancelled)
{
    int r;
    await_task_auto starter = NULL;
    await_group (r, g) {
        starter = async_create_task(starts_in(g));
        expect_ok(await_sleep(0));
        async_group_cancel(g);
    }
    expect_ok(r);
    expect_ok(await_task(starter));
    expect_events("ready served:-ECANCELED started:80");
    expect_time(1);
    return 0;
}

LOOP_TEST(group_is_not_left_while_child_starts)
{
    int r;
    await_task_auto starter = NULL;
    await_group (r, g) {
        starter = async_create_task(starts_in(g));
        expect_ok(await_sleep(0));
    }
    expect_time(6);
    expect_ok(await_task(starter));
    expect_events("ready started:80 served:0");
    return r;
}

LOOP_TEST(cancelled_or_closed_group_refuses_start)
{
    int r;
    await_group (r, g) {
        async_group_cancel(g);
        expect_int(await_group_start(g, serves(80, 5)), -ECANCELED);
    }
    expect_int(await_group_start(g, serves(80, 5)), -ECANCELED);
    expect_events("");
    return r;
}

LOOP_TEST(child_started_in_background_goes_on_after_caller)
{
    expect_int(await_group_start(async_background(), serves(80, 5)), 80);
    expect_ok(await_sleep(10));
    expect_events("ready served:0");
    return 0;
}

/* --- tasks of the child --- */

ASYNC_DEF(serves_with_children)
{
    int r, q;
    await_group (r, g) {
        async_spawn(g, async_sleep(100));
        ASYNC_TRY(await_sleep(1));
        await_timeout (q, 50) {
            ASYNC_TRY(async_started(7));
            q = await_sleep(100);
        }
        log_event("%s", result_text(q));
    }
    return r;
}

LOOP_TEST(tasks_of_child_move_into_group_with_it)
{
    int r;
    await_group (r, g) {
        expect_int(await_group_start(g, serves_with_children()), 7);
        expect_ok(await_sleep(1));
        async_group_cancel(g);
    }
    expect_time(2);
    expect_events("-ECANCELED");
    return r;
}

/* --- misuse --- */

ASYNC_DEF(is_ready_twice)
{
    expect_ok(async_started(5));
    expect_int(async_started(6), -EPERM);
    return 0;
}

LOOP_TEST(started_without_waiting_caller_is_refused_with_message)
{
    int r;
    expect_int(async_started(1), -EPERM);
    expect_contains(captured_stderr(),
                    "calls async_started(), but was not started by await_group_start()");
    await_group (r, g) {
        expect_int(await_group_start(g, is_ready_twice()), 5);
    }
    expect_contains(captured_stderr(), "or is ready already");
    return r;
}

ASYNC_DEF(is_ready_with_an_error)
{
    expect_int(async_started(-1), -EINVAL);
    return async_started(0);
}

LOOP_TEST(negative_started_value_is_refused)
{
    int r;
    await_group (r, g)
        expect_ok(await_group_start(g, is_ready_with_an_error()));
    return r;
}

static void drop(void *arg)
{
    log_event("dropped");
    ++*(int *)arg;
}

LOOP_TEST(refused_start_drops_owned_argument)
{
    int r, dropped = 0;
    await_group (r, g) {
        expect_int(await_group_start(g, serves(80, 0), .owned = &dropped, .drop = drop), 80);
        expect_ok(await_sleep(1));
        expect_int(dropped, 1);
        async_group_cancel(g);
        expect_int(await_group_start(g, serves(80, 0), .owned = &dropped, .drop = drop),
                   -ECANCELED);
        expect_int(dropped, 2);
    }
    return r;
}

ASYNC_DEF(is_ready_too_late)
{
    expect_int(await_sleep(10), -ECANCELED);
    expect_int(async_started(80), -ECANCELED);
    log_event("refused");
    return -ECANCELED;
}

LOOP_TEST(started_after_caller_was_cancelled_is_refused)
{
    int r, s;
    await_group (r, g) {
        await_timeout (s, 1)
            s = await_group_start(g, is_ready_too_late());
        expect_int(s, -ETIMEDOUT);
        expect_events("refused");
    }
    return r;
}

ASYNC_DEF(is_ready_although_cancelled)
{
    expect_true(async_task_cancel(async_current_task()));
    expect_ok(async_started(80));
    return await_sleep(1);
}

LOOP_TEST(child_cancelled_before_it_is_ready_stays_cancelled)
{
    int r;
    await_group (r, g)
        expect_int(await_group_start(g, is_ready_although_cancelled()), 80);
    expect_time(0);
    return r;
}

SUITE("core-group_start", start_returns_value_of_ready_child_which_goes_on,
      failure_before_child_is_ready_is_result_of_start,
      child_that_ends_without_being_ready_is_an_error, failure_of_ready_child_is_error_of_group,
      timeout_of_caller_cancels_child_that_is_not_ready, timeout_of_caller_spares_ready_child,
      deadline_of_group_applies_to_ready_child,
      child_that_becomes_ready_in_cancelled_group_is_cancelled,
      group_is_not_left_while_child_starts, cancelled_or_closed_group_refuses_start,
      child_started_in_background_goes_on_after_caller, tasks_of_child_move_into_group_with_it,
      started_without_waiting_caller_is_refused_with_message, negative_started_value_is_refused,
      refused_start_drops_owned_argument, started_after_caller_was_cancelled_is_refused,
      child_cancelled_before_it_is_ready_stays_cancelled)
