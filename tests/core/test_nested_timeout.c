/* SPDX-License-Identifier: MIT */
/* Limits in limits, limits that move, and foreign cancellations on their way through. */

#include "../frame/loop_test.h"

#include <math.h>

ASYNC_DEF(sleeps, (double)seconds, (const char *)word)
{
    ASYNC_TRY(await_sleep(seconds));
    log_event("%s", word);
    return 0;
}

LOOP_TEST(nested_timeouts)
{
    int inner = 1, outer;
    bool both = false;
    await_timeout_at (outer, 1) {
        await_timeout_at (inner, 1) {
            inner = await_sleep(100);
            both = async_expired();
        }
        both = both && async_expired();
    }
    expect_int(outer, -ETIMEDOUT);
    expect_int(inner, -ECANCELED);
    expect_true(both);
    return 0;
}

LOOP_TEST(inner_first)
{
    int inner = 1, outer, after = 1;
    await_timeout (outer, 5) {
        await_timeout (inner, 1)
            inner = await_sleep(100);
        after = await_sleep(1);
    }
    expect_int(inner, -ETIMEDOUT);
    expect_ok(after);
    expect_ok(outer);
    expect_time(2);
    return 0;
}

LOOP_TEST(outer_first)
{
    int inner = 1, outer;
    await_timeout (outer, 1)
        await_timeout (inner, 5)
            inner = await_sleep(100);
    expect_int(inner, -ECANCELED);
    expect_int(outer, -ETIMEDOUT);
    return 0;
}

/* The outer limit fires while the inner one, fired first, is still leaving. */
LOOP_TEST(outer_fires_while_inner_leaves)
{
    int inner = 1, outer, s, after = 1;
    await_timeout (outer, 2) {
        await_timeout (inner, 1) {
            inner = await_sleep(100);
            await_shield (s)
                expect_ok(await_sleep(5));
        }
        after = await_sleep(0);
    }
    expect_int(inner, -ETIMEDOUT);
    expect_int(after, -ECANCELED);
    expect_int(outer, -ETIMEDOUT);
    expect_time(6);
    return 0;
}

/* A limit fires while a request to the task is pending; the task withdraws the request. */
LOOP_TEST(limit_fires_under_a_request)
{
    int r, s;
    await_timeout (r, 2) {
        async_task_cancel(async_current_task());
        expect_int(await_sleep(100), -ECANCELED);
        await_shield (s)
            expect_ok(await_sleep(5));
        async_uncancel();
        expect_int(await_sleep(100), -ECANCELED);
    }
    expect_int(r, -ETIMEDOUT);
    expect_ok(await_sleep(1));
    return 0;
}

/* ...and without a withdrawal the foreign cancellation passes. */
LOOP_TEST(foreign_cancellation_passes)
{
    int r, s;
    await_timeout (r, 2) {
        async_task_cancel(async_current_task());
        r = await_sleep(100);
        await_shield (s)
            expect_ok(await_sleep(5));
        expect_int(await_sleep(0), -ECANCELED);
    }
    expect_int(r, -ECANCELED);
    expect_int(await_sleep(0), -ECANCELED);
    async_uncancel();
    return 0;
}

LOOP_TEST(reschedule)
{
    int r;
    await_timeout (r, 1) {
        expect_ok(async_reschedule(5));
        expect_ok(await_sleep(3));
        expect_ok(async_reschedule(ASYNC_FOREVER));
        expect_ok(await_sleep(1000));
        expect_ok(async_reschedule_at(async_time() + 2));
        r = await_sleep(100);
        expect_int(async_reschedule(5), -EINVAL); /* it has fired */
    }
    expect_int(r, -ETIMEDOUT);
    expect_time(1005);
    expect_int(async_reschedule(1), -EINVAL); /* no block */
    expect_false(async_expired());
    return 0;
}

LOOP_TEST(reschedule_into_the_past)
{
    int r;
    await_timeout (r, 100) {
        expect_ok(await_sleep(5));
        expect_ok(async_reschedule_at(4));
        expect_int(await_sleep(1), -ECANCELED);
        r = 1;
    }
    expect_int(r, -ETIMEDOUT);
    expect_time(5);
    return 0;
}

/* It is the innermost timeout that the line stands in which moves, through other blocks too. */
LOOP_TEST(reschedule_from_inside)
{
    int outer, inner, s;
    await_timeout (outer, 10) {
        await_timeout (inner, 1) {
            await_shield (s) {
                expect_ok(async_reschedule(3));
            }
            inner = await_sleep(100);
        }
        expect_int(inner, -ETIMEDOUT);
        expect_time(3);
        outer = await_sleep(100);
    }
    expect_int(outer, -ETIMEDOUT);
    expect_time(10);
    return 0;
}

/* A group's children are under the limits around it: also when these move. */
LOOP_TEST(reschedule_reaches_children)
{
    int r, g_r = 0;
    await_timeout (r, 1) {
        await_group (g_r, g) {
            async_spawn(g, sleeps(3, "child"));
            expect_ok(await_sleep(0));
            expect_ok(async_reschedule(2));
        }
    }
    expect_int(r, -ETIMEDOUT);
    expect_int(g_r, -ECANCELED);
    expect_time(2);
    expect_events("");
    return 0;
}

/* Of two limits overdue in one pass, the earlier deadline fires first. */
LOOP_TEST(overdue_in_the_order_of_deadlines)
{
    int inner = 1, outer, s;
    await_timeout_at (outer, 2) {
        await_timeout_at (inner, 1) {
            await_shield (s)
                expect_ok(await_sleep(5));
            inner = await_sleep(1);
        }
        expect_int(await_sleep(0), -ECANCELED);
    }
    expect_int(inner, -ETIMEDOUT);
    expect_int(outer, -ETIMEDOUT);
    inner = 1;
    await_timeout_at (outer, 6) {
        await_timeout_at (inner, 7) {
            await_shield (s)
                expect_ok(await_sleep(5));
            inner = await_sleep(1);
        }
    }
    expect_int(inner, -ECANCELED);
    expect_int(outer, -ETIMEDOUT);
    return 0;
}

/* Two equal limits have passed when the task is cancelled, and nobody had looked: the inner one does not report. */
LOOP_TEST(equal_limits_under_a_request)
{
    int inner = 1, outer;
    expect_ok(await_sleep(5));
    await_timeout_at (outer, 1) {
        await_timeout_at (inner, 1) {
            async_task_cancel(async_current_task());
            inner = await_sleep(1);
        }
    }
    expect_int(inner, -ECANCELED);
    async_ignore(outer);
    expect_int(await_sleep(0), -ECANCELED);
    async_uncancel();
    return 0;
}

LOOP_TEST(limits_are_all_left)
{
    for (int i = 0; i < 20000; i++) {
        int r;
        await_timeout (r, 1000)
            r = await_sleep(i % 2);
        expect_ok(r);
    }
    expect_time(10000);
    return 0;
}

SUITE("nested-timeout", nested_timeouts, inner_first, outer_first, outer_fires_while_inner_leaves,
      limit_fires_under_a_request, foreign_cancellation_passes, reschedule,
      reschedule_into_the_past, reschedule_from_inside, reschedule_reaches_children,
      overdue_in_the_order_of_deadlines, equal_limits_under_a_request, limits_are_all_left)
