/* SPDX-License-Identifier: MIT */
/* Tests of the ways out of a group: break, error, cancellation, an early stop; and of groups inside
 * groups. */
#include "group.h"

LOOP_TEST(error_of_body_is_reported_with_error_of_child)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails(1, -EIO), .name = "first");
        expect_int(await_sleep(100), -ECANCELED);
        r = -EPROTO;
    }
    expect_int(r, -EIO);
    log_group_errors(g);
    expect_events("first:-EIO error_of_body_is_reported_with_error_of_child_case:-EPROTO");
    return 0;
}

LOOP_TEST(error_left_by_body_cancels_children)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("a", 100));
        expect_ok(await_sleep(1));
        r = -EIO;
    }
    expect_int(r, -EIO);
    expect_events("a=-ECANCELED");
    expect_time(1);
    return 0;
}

/* The body may leave -ECANCELED although its task was not cancelled. It is the result of the
 * group. */
LOOP_TEST(cancellation_left_by_body_cancels_children)
{
    int r;
    await_group (r, g) {
        async_task *t = async_group_create_task(g, child("a", 100));
        async_spawn(g, child("b", 100));
        expect_ok(await_sleep(1));
        async_task_cancel(t);
        r = await_task(t);
    }
    expect_int(r, -ECANCELED);
    expect_true(async_group_errors(g) == NULL);
    expect_events("a=-ECANCELED b=-ECANCELED");
    expect_ok(async_cancelling());
    expect_ok(await_sleep(1));
    return 0;
}

LOOP_TEST(cancelled_group_ends_with_success)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("a", 100));
        expect_ok(await_sleep(1));
        async_group_cancel(g);
        async_group_cancel(g); /* a second cancel changes nothing */
        r = await_sleep(100);
        expect_int(r, -ECANCELED);
    }
    expect_ok(r);
    expect_time(1);
    expect_events("a=-ECANCELED");
    expect_ok(await_sleep(0));
    return 0;
}

ASYNC_DEF(stops, (async_group *)g)
{
    expect_ok(await_sleep(1));
    async_group_cancel(g);
    return await_sleep(100);
}

LOOP_TEST(group_cancelled_by_child_ends_with_success)
{
    int r;
    await_group (r, g) {
        async_spawn(g, stops(g));
        async_spawn(g, child("a", 100));
    }
    expect_ok(r);
    expect_events("a=-ECANCELED");
    return 0;
}

ASYNC_DEF(tries_out, (int)how)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("a", how == 3 ? 2 : 100));
        expect_ok(await_sleep(1));
        if (how == 0)
            ASYNC_TRY(-EIO);
        if (how == 1) {
            async_group_cancel(g);
            ASYNC_TRY(await_sleep(1));
        }
        if (how == 2) {
            r = -EIO;
            break;
        }
        if (how == 3)
            return 5;
    }
    log_event("half-way");
    return r;
}

/* Out of a group that was stopped, ASYNC_TRY returns -ECANCELED, and the rest of the function does
 * not run. */
LOOP_TEST(try_out_of_group_cancels_and_awaits_children)
{
    expect_int(await_tries_out(0), -EIO);
    expect_events("a=-ECANCELED");
    expect_time(1);
    clear_events();
    expect_int(await_tries_out(1), -ECANCELED);
    expect_events("a=-ECANCELED");
    clear_events();
    expect_int(await_tries_out(2), -EIO); /* a negative r at a break is the body's failure */
    expect_events("a=-ECANCELED half-way");
    expect_ok(await_sleep(0));
    return 0;
}

LOOP_TEST(bare_return_out_of_group_awaits_children)
{
    expect_int(await_tries_out(3), 5);
    expect_events("a=0"); /* awaited, not cancelled */
    expect_time(2);
    return 0;
}

LOOP_TEST(break_and_continue_out_of_group_await_children)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("a", 1));
        break;
    }
    expect_ok(r);
    await_group (r, h) {
        async_spawn(h, child("b", 1));
        r = 6;
        continue;
    }
    expect_int(r, 6);
    expect_events("a=0 b=0");
    expect_time(2);
    return 0;
}

ASYNC_DEF(body_cancelled)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("a", 100));
        r = await_sleep(100);
    }
    return r;
}

LOOP_TEST(cancelled_body_cancels_children)
{
    await_task_auto t = async_create_task(body_cancelled());
    expect_ok(await_sleep(1));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    expect_events("a=-ECANCELED");
    expect_time(1);
    return 0;
}

LOOP_TEST(timeout_around_group_cancels_and_awaits_children)
{
    int r, inner = 1;
    await_timeout (r, 1) {
        await_group (inner, g) {
            async_spawn(g, child("a", 100));
            async_spawn(g, fails_late(2, 0));
        }
    }
    expect_int(inner, -ECANCELED);
    expect_int(r, -ETIMEDOUT);
    expect_events("a=-ECANCELED");
    expect_time(3);
    return 0;
}

/* A child cannot clear its group's cancellation. */
ASYNC_DEF(stubborn)
{
    expect_int(await_sleep(100), -ECANCELED);
    expect_ok(async_cancelling());
    expect_ok(async_uncancel());
    expect_int(await_sleep(1), -ECANCELED);
    log_event("gave up");
    return 0;
}

LOOP_TEST(child_cannot_withdraw_cancellation_of_group)
{
    int r;
    await_group (r, g) {
        async_spawn(g, stubborn());
        expect_ok(await_sleep(1));
        async_group_cancel(g);
    }
    expect_ok(r);
    expect_events("gave up");
    return 0;
}

ASYNC_DEF(inner_group)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("deep", 100));
        async_spawn(g, child("deeper", 200));
    }
    log_event("inner=%s", result_text(r));
    return r;
}

/* The cancellation is not swallowed on its way (CPython issue 116720). */
LOOP_TEST(cancelled_group_cancels_grandchildren)
{
    int r;
    await_group (r, g) {
        async_spawn(g, inner_group());
        async_spawn(g, fails(1, -EIO));
    }
    expect_int(r, -EIO);
    expect_events("deep=-ECANCELED deeper=-ECANCELED inner=-ECANCELED");
    return 0;
}

LOOP_TEST(inner_group_returns_its_error_while_outer_cancel_stays_pending)
{
    int outer, inner = 1, after = 1;
    await_group (outer, g) {
        async_spawn(g, fails(1, -EIO));
        await_group (inner, h) {
            async_spawn(h, fails(1, -EPROTO));
        }
        after = await_sleep(0);
    }
    /* its child had been woken before; an error is stronger than the outer cancel, which stays
     * pending */
    expect_int(inner, -EPROTO);
    expect_int(after, -ECANCELED);
    expect_int(outer, -EIO);
    expect_ok(await_sleep(0));
    return 0;
}

ASYNC_DEF(tries_in_a_cancelled_group)
{
    int outer, inner;
    await_group (outer, g) {
        async_spawn(g, child("a", 100));
        expect_ok(await_sleep(1));
        await_group (inner, h) {
            async_group_cancel(h);
            ASYNC_TRY(await_sleep(1));
        }
    }
    return 0;
}

/* The inner group ends with success, but its error still leaves the function. */
LOOP_TEST(try_out_of_cancelled_inner_group_cancels_children_of_outer)
{
    expect_int(await_tries_in_a_cancelled_group(), -ECANCELED);
    expect_events("a=-ECANCELED");
    expect_time(1);
    return await_sleep(1);
}

SUITE("core-leave_group", error_of_body_is_reported_with_error_of_child,
      error_left_by_body_cancels_children, cancellation_left_by_body_cancels_children,
      cancelled_group_ends_with_success, group_cancelled_by_child_ends_with_success,
      try_out_of_group_cancels_and_awaits_children, bare_return_out_of_group_awaits_children,
      break_and_continue_out_of_group_await_children, cancelled_body_cancels_children,
      timeout_around_group_cancels_and_awaits_children, child_cannot_withdraw_cancellation_of_group,
      cancelled_group_cancels_grandchildren,
      inner_group_returns_its_error_while_outer_cancel_stays_pending,
      try_out_of_cancelled_inner_group_cancels_children_of_outer)
