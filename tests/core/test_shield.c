/* SPDX-License-Identifier: MIT */
/* Tests of shields and context managers. */
#include "../frame/loop_test.h"

/* After the shield, the next await_ fails. */
LOOP_TEST(awaits_in_shield_succeed_in_cancelled_scope)
{
    int r, s = 1;
    await_timeout (r, 1) {
        expect_int(await_sleep(100), -ECANCELED);
        await_shield (s)
            s = await_sleep(2);
        expect_int(await_sleep(0), -ECANCELED);
    }
    expect_ok(s);
    expect_int(r, -ETIMEDOUT);
    expect_time(3);
    return 0;
}

LOOP_TEST(timeout_that_expires_in_shield_interrupts_nothing_there)
{
    int r, s = 1;
    await_timeout (r, 1) {
        await_shield (s) {
            s = await_sleep(5);
            expect_ok(await_sleep(0));
        }
        r = await_sleep(100);
    }
    expect_ok(s);
    expect_int(r, -ETIMEDOUT);
    expect_time(5);
    return 0;
}

/* A scope inside a shield is not shielded from its own cancellation. */
LOOP_TEST(timeout_inside_shield_expires)
{
    int r, s = 1;
    async_task_cancel(async_current_task());
    await_shield (s) {
        await_timeout (r, 5)
            r = await_sleep(100);
        expect_int(r, -ETIMEDOUT);
        expect_ok(await_sleep(1)); /* the shield itself is untouched */
    }
    expect_time(6);
    expect_int(await_sleep(0), -ECANCELED);
    await_shield (r)
        await_timeout (r, 1)
            r = await_sleep(100);
    expect_int(r, -ETIMEDOUT);
    async_uncancel();
    return 0;
}

ASYNC_DEF(waits_shielded, (const char *)word)
{
    int s;
    await_shield (s)
        s = await_sleep(5);
    log_event("%s=%s", word, result_text(s));
    int r = await_sleep(0);
    log_event("then %s", result_text(r));
    return r;
}

LOOP_TEST(cancel_in_shield_is_delivered_after_it)
{
    await_task_auto t = async_create_task(waits_shielded("t"));
    expect_ok(await_sleep(1));
    async_task_cancel(t);
    async_task_cancel(t); /* a second one does not break it */
    expect_int(await_task(t), -ECANCELED);
    expect_events("t=0 then -ECANCELED");
    expect_time(5);
    return 0;
}

LOOP_TEST(shield_does_not_swallow_cancellation_that_passes_through)
{
    int outer, s = 0;
    await_timeout (outer, 1) {
        int r = await_sleep(100);
        await_shield (s)
            s = r;
        expect_int(s, -ECANCELED);
        outer = s;
    }
    expect_int(outer, -ETIMEDOUT);
    expect_ok(await_sleep(0));
    return 0;
}

ASYNC_DEF(child, (const char *)word, (double)seconds)
{
    int r = await_sleep(seconds);
    log_event("%s=%s", word, result_text(r));
    return r;
}

/* Its children are shielded like its body. */
LOOP_TEST(group_in_shield_is_not_cancelled_from_outside)
{
    int outer, s = 1, r = 1;
    await_timeout (outer, 1) {
        await_shield (s) {
            await_group (r, g) {
                async_spawn(g, child("a", 3));
                expect_ok(await_sleep(2));
            }
        }
        expect_int(await_sleep(0), -ECANCELED);
    }
    expect_ok(r);
    expect_ok(s);
    expect_int(outer, -ETIMEDOUT);
    expect_events("a=0");
    expect_time(3);
    return 0;
}

LOOP_TEST(shield_in_cancelled_group_runs_to_its_end)
{
    int r, s = 1, after = 1;
    await_group (r, g) {
        async_spawn(g, child("slow", 100));
        async_group_cancel(g);
        await_shield (s)
            s = await_sleep(2);
        after = await_sleep(0);
    }
    expect_ok(s);
    expect_int(after, -ECANCELED);
    expect_ok(r);
    expect_time(2);
    return 0;
}

LOOP_TEST(uncancel_in_shield_withdraws_request_outside)
{
    int s;
    async_task_cancel(async_current_task());
    await_shield (s) {
        expect_int(async_cancelling(), 1);
        expect_ok(async_uncancel());
    }
    expect_ok(await_sleep(1));
    return 0;
}

/* --- context managers --- */

ASYNC_DEF(go_in, (const char *)word, (int)result)
{
    log_event("+%s", word);
    return result;
}

ASYNC_DEF(go_out, (const char *)word, (double)seconds, (int)result)
{
    int r = await_sleep(seconds);
    log_event("-%s=%s", word, result_text(r));
    return result;
}

static async_context_manager hold(const char *word, int in, double seconds, int out)
{
    return (async_context_manager){ go_in(word, in), go_out(word, seconds, out) };
}

LOOP_TEST(with_enters_and_leaves_context_manager)
{
    int r;
    await_with (r, hold("a", 0, 1, 0)) {
        log_event("body");
        r = 3;
    }
    expect_int(r, 3);
    expect_events("+a body -a=0");
    return 0;
}

LOOP_TEST(with_skips_block_if_enter_fails)
{
    int r;
    await_with (r, hold("a", -EIO, 1, 0))
        log_event("body");
    expect_int(r, -EIO);
    expect_events("+a");
    return 0;
}

LOOP_TEST(with_returns_error_of_leave_unless_body_failed)
{
    int r;
    await_with (r, hold("a", 0, 0, -EIO))
        r = 0;
    expect_int(r, -EIO);
    await_with (r, hold("a", 0, 0, -EIO))
        r = -EPROTO;
    expect_int(r, -EPROTO);
    return 0;
}

/* Leaving may suspend. */
LOOP_TEST(with_leaves_in_shield_although_cancelled)
{
    int r, w = 1;
    await_timeout (r, 1) {
        await_with (w, hold("a", 0, 3, 0))
            w = await_sleep(100);
        expect_int(await_sleep(0), -ECANCELED);
    }
    expect_int(w, -ECANCELED);
    expect_int(r, -ETIMEDOUT);
    expect_events("+a -a=0");
    expect_time(4);
    return 0;
}

ASYNC_DEF(three_deep)
{
    int r;
    await_with (r, hold("a", 0, 1, 0))
        await_timeout (r, 2)
            await_with (r, hold("b", 0, 1, 0))
                ASYNC_TRY(await_sleep(100));
    log_event("not reached");
    return r;
}

LOOP_TEST(try_leaves_with_blocks_innermost_first)
{
    expect_int(await_three_deep(), -ETIMEDOUT);
    expect_events("+a +b -b=0 -a=0");
    expect_time(4);
    return 0;
}

ASYNC_DEF(bare)
{
    int r;
    await_with (r, hold("a", 0, 0, 0)) {
        return 7;
    }
    return r;
}

LOOP_TEST(bare_return_leaves_with_block)
{
    expect_int(await_bare(), 7);
    expect_events("+a -a=0");
    return 0;
}

LOOP_TEST(break_and_continue_leave_with_block)
{
    int r;
    await_with (r, hold("a", 0, 0, 0)) {
        r = -EIO;
        break;
    }
    expect_int(r, -EIO);
    await_with (r, hold("b", 0, 0, 0)) {
        r = 2;
        continue;
    }
    expect_int(r, 2);
    expect_events("+a -a=0 +b -b=0");
    return 0;
}

SUITE("core-shield", awaits_in_shield_succeed_in_cancelled_scope,
      timeout_that_expires_in_shield_interrupts_nothing_there, timeout_inside_shield_expires,
      cancel_in_shield_is_delivered_after_it,
      shield_does_not_swallow_cancellation_that_passes_through,
      group_in_shield_is_not_cancelled_from_outside, shield_in_cancelled_group_runs_to_its_end,
      uncancel_in_shield_withdraws_request_outside, with_enters_and_leaves_context_manager,
      with_skips_block_if_enter_fails, with_returns_error_of_leave_unless_body_failed,
      with_leaves_in_shield_although_cancelled, try_leaves_with_blocks_innermost_first,
      bare_return_leaves_with_block, break_and_continue_leave_with_block)
