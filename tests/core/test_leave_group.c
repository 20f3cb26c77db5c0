/* SPDX-License-Identifier: MIT */
/* How groups are left: by break, by error, by cancellation, early; groups in groups. */
#include "group.h"

CASE(body_cleanup_fails_too)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails(1, -EIO), .name = "first");
        is(await_sleep(100), -ECANCELED);
        r = -EPROTO;
    }
    is(r, -EIO);
    codes(g);
    is_trail("first:-EIO body_cleanup_fails_too_case:-EPROTO");
    return 0;
}

CASE(body_fails)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("a", 100));
        ok(await_sleep(1));
        r = -EIO;
    }
    is(r, -EIO);
    is_trail("a=-ECANCELED");
    is_time(1);
    return 0;
}

/* A body may leave -ECANCELED although nobody cancelled it: it is its verdict, and the children are cancelled. */
CASE(body_leaves_a_cancellation)
{
    int r;
    await_group (r, g) {
        async_task *t = async_group_create_task(g, child("a", 100));
        async_spawn(g, child("b", 100));
        ok(await_sleep(1));
        async_task_cancel(t);
        r = await_task(t);
    }
    is(r, -ECANCELED);
    is_true(async_group_errors(g) == NULL);
    is_trail("a=-ECANCELED b=-ECANCELED");
    is(async_cancelling(), 0);
    ok(await_sleep(1));
    return 0;
}

CASE(early_stop)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("a", 100));
        ok(await_sleep(1));
        async_group_cancel(g);
        async_group_cancel(g); /* twice is as once */
        r = await_sleep(100);
        is(r, -ECANCELED);
    }
    ok(r);
    is_time(1);
    is_trail("a=-ECANCELED");
    ok(await_sleep(0));
    return 0;
}

ASYNC_DEF(stops, (async_group *)g)
{
    ok(await_sleep(1));
    async_group_cancel(g);
    return await_sleep(100);
}

CASE(early_stop_by_a_child)
{
    int r;
    await_group (r, g) {
        async_spawn(g, stops(g));
        async_spawn(g, child("a", 100));
    }
    ok(r);
    is_trail("a=-ECANCELED");
    return 0;
}

ASYNC_DEF(tries_out, (int)how)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("a", how == 3 ? 2 : 100));
        ok(await_sleep(1));
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
    note("half-way");
    return r;
}

/* ASYNC_TRY cancels and awaits; out of a group that was stopped it is -ECANCELED, the function is left half-way. */
CASE(left_by_try)
{
    is(await_tries_out(0), -EIO);
    is_trail("a=-ECANCELED");
    is_time(1);
    forget_trail();
    is(await_tries_out(1), -ECANCELED);
    is_trail("a=-ECANCELED");
    forget_trail();
    is(await_tries_out(2), -EIO); /* a negative r at a break is the body's failure */
    is_trail("a=-ECANCELED half-way");
    ok(await_sleep(0));
    return 0;
}

CASE(left_by_bare_return)
{
    is(await_tries_out(3), 5);
    is_trail("a=0"); /* awaited, not cancelled */
    is_time(2);
    return 0;
}

CASE(left_by_break_and_continue)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("a", 1));
        break;
    }
    ok(r);
    await_group (r, h) {
        async_spawn(h, child("b", 1));
        r = 6;
        continue;
    }
    is(r, 6);
    is_trail("a=0 b=0");
    is_time(2);
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

CASE(cancelled_body_cancels_children)
{
    await_task_auto t = async_create_task(body_cancelled());
    ok(await_sleep(1));
    async_task_cancel(t);
    is(await_task(t), -ECANCELED);
    is_trail("a=-ECANCELED");
    is_time(1);
    return 0;
}

CASE(group_in_a_timeout)
{
    int r, inner = 1;
    await_timeout (r, 1) {
        await_group (inner, g) {
            async_spawn(g, child("a", 100));
            async_spawn(g, fails_late(2, 0));
        }
    }
    is(inner, -ECANCELED);
    is(r, -ETIMEDOUT);
    is_trail("a=-ECANCELED");
    is_time(3);
    return 0;
}

/* A child cannot clear its group's cancellation. */
ASYNC_DEF(stubborn)
{
    is(await_sleep(100), -ECANCELED);
    is(async_cancelling(), 0);
    is(async_uncancel(), 0);
    is(await_sleep(1), -ECANCELED);
    note("gave up");
    return 0;
}

CASE(uncancel_is_not_for_groups)
{
    int r;
    await_group (r, g) {
        async_spawn(g, stubborn());
        ok(await_sleep(1));
        async_group_cancel(g);
    }
    ok(r);
    is_trail("gave up");
    return 0;
}

ASYNC_DEF(inner_group)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("deep", 100));
        async_spawn(g, child("deeper", 200));
    }
    note("inner=%s", shown(r));
    return r;
}

/* Nested groups: the parent's cancel reaches the grandchildren, and is not swallowed on its way (#116720). */
CASE(nested_groups)
{
    int r;
    await_group (r, g) {
        async_spawn(g, inner_group());
        async_spawn(g, fails(1, -EIO));
    }
    is(r, -EIO);
    is_trail("deep=-ECANCELED deeper=-ECANCELED inner=-ECANCELED");
    return 0;
}

CASE(nested_in_one_task)
{
    int outer, inner = 1, after = 1;
    await_group (outer, g) {
        async_spawn(g, fails(1, -EIO));
        await_group (inner, h) {
            async_spawn(h, fails(1, -EPROTO));
        }
        after = await_sleep(0);
    }
    is(inner, -EPROTO); /* its child had been woken before: errors outrank the outer cancel, which stays pending */
    is(after, -ECANCELED);
    is(outer, -EIO);
    ok(await_sleep(0));
    return 0;
}

SUITE("leave-group", body_cleanup_fails_too, body_fails, body_leaves_a_cancellation, early_stop,
      early_stop_by_a_child, left_by_try, left_by_bare_return, left_by_break_and_continue,
      cancelled_body_cancels_children, group_in_a_timeout, uncancel_is_not_for_groups,
      nested_groups, nested_in_one_task)
