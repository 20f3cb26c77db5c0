/* SPDX-License-Identifier: MIT */
/* How groups are left: by break, by error, by cancellation, early; groups in groups. */
#include "group.h"

LOOP_TEST(body_cleanup_fails_too)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails(1, -EIO), .name = "first");
        expect_int(await_sleep(100), -ECANCELED);
        r = -EPROTO;
    }
    expect_int(r, -EIO);
    codes(g);
    expect_events("first:-EIO body_cleanup_fails_too_case:-EPROTO");
    return 0;
}

LOOP_TEST(body_fails)
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

/* A body may leave -ECANCELED although nobody cancelled it: it is its verdict, and the children are cancelled. */
LOOP_TEST(body_leaves_a_cancellation)
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

LOOP_TEST(early_stop)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("a", 100));
        expect_ok(await_sleep(1));
        async_group_cancel(g);
        async_group_cancel(g); /* twice is as once */
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

LOOP_TEST(early_stop_by_a_child)
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

/* ASYNC_TRY cancels and awaits; out of a group that was stopped it is -ECANCELED, the function is left half-way. */
LOOP_TEST(left_by_try)
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

LOOP_TEST(left_by_bare_return)
{
    expect_int(await_tries_out(3), 5);
    expect_events("a=0"); /* awaited, not cancelled */
    expect_time(2);
    return 0;
}

LOOP_TEST(left_by_break_and_continue)
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

LOOP_TEST(group_in_a_timeout)
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

LOOP_TEST(uncancel_is_not_for_groups)
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

/* Nested groups: the parent's cancel reaches the grandchildren, and is not swallowed on its way (#116720). */
LOOP_TEST(nested_groups)
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

LOOP_TEST(nested_in_one_task)
{
    int outer, inner = 1, after = 1;
    await_group (outer, g) {
        async_spawn(g, fails(1, -EIO));
        await_group (inner, h) {
            async_spawn(h, fails(1, -EPROTO));
        }
        after = await_sleep(0);
    }
    /* its child had been woken before: errors outrank the outer cancel, which stays pending */
    expect_int(inner, -EPROTO);
    expect_int(after, -ECANCELED);
    expect_int(outer, -EIO);
    expect_ok(await_sleep(0));
    return 0;
}

SUITE("leave-group", body_cleanup_fails_too, body_fails, body_leaves_a_cancellation, early_stop,
      early_stop_by_a_child, left_by_try, left_by_bare_return, left_by_break_and_continue,
      cancelled_body_cancels_children, group_in_a_timeout, uncancel_is_not_for_groups,
      nested_groups, nested_in_one_task)
