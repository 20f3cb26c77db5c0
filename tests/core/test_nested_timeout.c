/* SPDX-License-Identifier: MIT */
/* Tests of nested timeouts, of rescheduled ones, and of outer cancellations that pass through
 * them. */
#include "../frame/loop_test.h"

#include <math.h>

ASYNC_DEF(sleeps, (double)seconds, (const char *)word)
{
    ASYNC_TRY(await_sleep(seconds));
    log_event("%s", word);
    return 0;
}

LOOP_TEST(equal_deadlines_expire_outermost_first)
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

LOOP_TEST(inner_timeout_expires_alone)
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

LOOP_TEST(outer_timeout_passes_through_inner_block)
{
    int inner = 1, outer;
    await_timeout (outer, 1)
        await_timeout (inner, 5)
            inner = await_sleep(100);
    expect_int(inner, -ECANCELED);
    expect_int(outer, -ETIMEDOUT);
    return 0;
}

LOOP_TEST(outer_timeout_that_expires_while_inner_leaves_is_reported_later)
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

LOOP_TEST(timeout_that_expires_under_withdrawn_cancel_is_reported)
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

/* Without a withdrawal, the outer cancellation passes through. */
LOOP_TEST(timeout_that_expires_under_cancel_is_not_reported)
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

LOOP_TEST(rescheduled_timeout_expires_at_new_deadline)
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
    capture_stderr_begin();
    expect_int(async_reschedule(1), -EINVAL); /* no block */
    expect_contains(captured_stderr(), "async_reschedule() outside of an await_timeout block");
    capture_stderr_end();
    expect_false(async_expired());
    return 0;
}

LOOP_TEST(timeout_rescheduled_into_past_expires_at_next_await)
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

/* Through other blocks, too. */
LOOP_TEST(reschedule_moves_innermost_timeout)
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

/* The children of a group are under the timeouts around it. */
LOOP_TEST(rescheduled_timeout_applies_to_children_of_group)
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

LOOP_TEST(overdue_timeouts_expire_in_order_of_deadlines)
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

/* Both deadlines have passed when the task is cancelled, and no await_ has checked them. */
LOOP_TEST(equal_deadlines_passed_before_cancel_report_nothing_inside)
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

LOOP_TEST(timeouts_that_are_left_leave_nothing_behind)
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

SUITE("core-nested_timeout", equal_deadlines_expire_outermost_first, inner_timeout_expires_alone,
      outer_timeout_passes_through_inner_block,
      outer_timeout_that_expires_while_inner_leaves_is_reported_later,
      timeout_that_expires_under_withdrawn_cancel_is_reported,
      timeout_that_expires_under_cancel_is_not_reported,
      rescheduled_timeout_expires_at_new_deadline,
      timeout_rescheduled_into_past_expires_at_next_await, reschedule_moves_innermost_timeout,
      rescheduled_timeout_applies_to_children_of_group,
      overdue_timeouts_expire_in_order_of_deadlines,
      equal_deadlines_passed_before_cancel_report_nothing_inside,
      timeouts_that_are_left_leave_nothing_behind)
