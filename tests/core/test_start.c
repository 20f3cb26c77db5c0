/* SPDX-License-Identifier: MIT */
/* Tests of starting a child and waiting until it is ready. */
#include "run.h"

ASYNC_DEF(serves, (int)port, (double)seconds)
{
    ASYNC_TRY(await_sleep(1));
    ASYNC_TRY(async_started(port));
    note("ready");
    int r = await_sleep(seconds);
    note("served:%s", shown(r));
    return r;
}

CASE(call_returns_the_value_of_the_ready_child_which_goes_on)
{
    int r;
    await_group (r, g) {
        is(await_group_start(g, serves(80, 5)), 80);
        is_time(1);
        is_trail("ready");
    }
    is_time(6);
    is_trail("ready served:0");
    return r;
}

ASYNC_DEF(fails_before_it_is_ready)
{
    ASYNC_TRY(await_sleep(1));
    return async_fail(-EADDRINUSE, "port 80 is taken");
}

CASE(failure_before_it_is_ready_is_the_result_and_not_the_groups)
{
    int r;
    await_group (r, g) {
        async_spawn(g, async_sleep(3));
        is(await_group_start(g, fails_before_it_is_ready()), -EADDRINUSE);
        is_text(async_fail_text(-EADDRINUSE), "port 80 is taken");
    }
    is_time(3);
    return r;
}

ASYNC_DEF(is_never_ready)
{
    return await_sleep(1);
}

CASE(child_that_ends_without_being_ready_is_an_error)
{
    int r;
    await_group (r, g) {
        is(await_group_start(g, is_never_ready()), -EPROTO);
        has_text(async_fail_text(-EPROTO), "\"is_never_ready\" has ended without calling async_started()");
    }
    return r;
}

ASYNC_DEF(fails_when_it_is_ready)
{
    ASYNC_TRY(async_started(1));
    ASYNC_TRY(await_sleep(1));
    return -EIO;
}

CASE(failure_of_a_ready_child_is_the_groups)
{
    int r;
    await_group (r, g) {
        is(await_group_start(g, fails_when_it_is_ready()), 1);
        is(await_sleep(10), -ECANCELED);
    }
    is(r, -EIO);
    is_time(1);
    return 0;
}

/* --- cancellation --- */

CASE(timeout_of_the_caller_cancels_a_child_that_is_not_ready)
{
    int r, s;
    await_group (r, g) {
        async_spawn(g, async_sleep(3));
        await_timeout (s, 0.5) s = await_group_start(g, serves(80, 5));
        is(s, -ETIMEDOUT);
        is_trail("");
    }
    is_time(3);
    return r;
}

CASE(timeout_of_the_caller_does_not_concern_a_ready_child)
{
    int r, s;
    await_group (r, g) {
        await_timeout (s, 2) {
            is(await_group_start(g, serves(80, 5)), 80);
            is(await_sleep(10), -ECANCELED);
        }
        is(s, -ETIMEDOUT);
        is_trail("ready");
    }
    is_trail("ready served:0");
    is_time(6);
    return r;
}

CASE(deadline_of_the_group_applies_to_a_child_when_it_is_ready)
{
    int r, s;
    await_timeout (s, 3) {
        await_group (r, g)
            is(await_group_start(g, serves(80, 100)), 80);
        s = r;
    }
    is(s, -ETIMEDOUT);
    is_time(3);
    is_trail("ready served:-ECANCELED");
    return 0;
}

ASYNC_DEF(starts_in, (async_group *)g)
{
    int r = await_group_start(g, serves(80, 5));
    note("started:%s", shown(r));
    return r < 0 ? r : 0;
}

/* The task that waits is not one of the group: only the ready child is cancelled with it. */
CASE(child_that_becomes_ready_in_a_cancelled_group_is_cancelled)
{
    int r;
    await_task_auto starter = NULL;
    await_group (r, g) {
        starter = async_create_task(starts_in(g));
        ok(await_sleep(0));
        async_group_cancel(g);
    }
    ok(r);
    ok(await_task(starter));
    is_trail("ready served:-ECANCELED started:80");
    is_time(1);
    return 0;
}

CASE(group_is_not_left_while_a_child_starts)
{
    int r;
    await_task_auto starter = NULL;
    await_group (r, g) {
        starter = async_create_task(starts_in(g));
        ok(await_sleep(0));
    }
    is_time(6);
    ok(await_task(starter));
    is_trail("ready started:80 served:0");
    return r;
}

CASE(cancelled_or_closed_group_refuses_a_start)
{
    int r;
    await_group (r, g) {
        async_group_cancel(g);
        is(await_group_start(g, serves(80, 5)), -ECANCELED);
    }
    is(await_group_start(g, serves(80, 5)), -ECANCELED);
    is_trail("");
    return r;
}

CASE(child_started_in_the_background_goes_on_after_the_caller)
{
    is(await_group_start(async_background(), serves(80, 5)), 80);
    ok(await_sleep(10));
    is_trail("ready served:0");
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
        note("%s", shown(q));
    }
    return r;
}

CASE(everything_inside_the_child_moves_with_it)
{
    int r;
    await_group (r, g) {
        is(await_group_start(g, serves_with_children()), 7);
        ok(await_sleep(1));
        async_group_cancel(g);
    }
    is_time(2);
    is_trail("-ECANCELED");
    return r;
}

/* --- misuse --- */

ASYNC_DEF(is_ready_twice)
{
    ok(async_started(5));
    is(async_started(6), -EPERM);
    return 0;
}

CASE(task_that_no_task_waits_for_is_refused_with_a_message)
{
    int r;
    is(async_started(1), -EPERM);
    has_text(heard(), "calls async_started(), but was not started by await_group_start()");
    await_group (r, g) {
        is(await_group_start(g, is_ready_twice()), 5);
    }
    has_text(heard(), "or is ready already");
    return r;
}

ASYNC_DEF(is_ready_with_an_error)
{
    is(async_started(-1), -EINVAL);
    return async_started(0);
}

CASE(negative_value_is_refused)
{
    int r;
    await_group (r, g)
        ok(await_group_start(g, is_ready_with_an_error()));
    return r;
}

static void drop(void *arg)
{
    note("dropped");
    ++*(int *)arg;
}

CASE(refused_child_drops_what_it_owns)
{
    int r, dropped = 0;
    await_group (r, g) {
        is(await_group_start(g, serves(80, 0), .owned = &dropped, .drop = drop), 80);
        ok(await_sleep(1));
        is(dropped, 1);
        async_group_cancel(g);
        is(await_group_start(g, serves(80, 0), .owned = &dropped, .drop = drop), -ECANCELED);
        is(dropped, 2);
    }
    return r;
}

SUITE("core-start", call_returns_the_value_of_the_ready_child_which_goes_on,
      failure_before_it_is_ready_is_the_result_and_not_the_groups,
      child_that_ends_without_being_ready_is_an_error, failure_of_a_ready_child_is_the_groups,
      timeout_of_the_caller_cancels_a_child_that_is_not_ready,
      timeout_of_the_caller_does_not_concern_a_ready_child,
      deadline_of_the_group_applies_to_a_child_when_it_is_ready,
      child_that_becomes_ready_in_a_cancelled_group_is_cancelled,
      group_is_not_left_while_a_child_starts, cancelled_or_closed_group_refuses_a_start,
      child_started_in_the_background_goes_on_after_the_caller,
      everything_inside_the_child_moves_with_it,
      task_that_no_task_waits_for_is_refused_with_a_message, negative_value_is_refused,
      refused_child_drops_what_it_owns)
