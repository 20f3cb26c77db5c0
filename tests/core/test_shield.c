/* SPDX-License-Identifier: MIT */
/* Shields and context managers. */
#include "../frame/loop_test.h"

/* An outer cancelled scope, a shielded inner one: suspensions inside work; after its block the next one fails. */
LOOP_TEST(cancel_shielding)
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

/* Struck while inside the shield: undisturbed to its end. */
LOOP_TEST(cancelled_within_a_shield)
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

/* What is cancelled inside a shield is not shielded from itself. */
LOOP_TEST(shield_with_a_limit)
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

LOOP_TEST(task_cancelled_within_a_shield)
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

/* A cancellation that is travelling out already: a shield on its way must not swallow it. */
LOOP_TEST(unshield_while_cancel_propagating)
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

/* A group inside a shield: its children are as safe as its body. */
LOOP_TEST(group_within_a_shield)
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

/* A group that fails around a shielded body: the body is undisturbed until the shield's end. */
LOOP_TEST(shield_within_a_group)
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

/* uncancel within a shield: the request is withdrawn outside of it too. */
LOOP_TEST(uncancel_within_a_shield)
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

static async_hold hold(const char *word, int in, double seconds, int out)
{
    return (async_hold){ go_in(word, in), go_out(word, seconds, out) };
}

LOOP_TEST(with_enters_and_leaves)
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

LOOP_TEST(with_refused)
{
    int r;
    await_with (r, hold("a", -EIO, 1, 0))
        log_event("body");
    expect_int(r, -EIO);
    expect_events("+a");
    return 0;
}

/* The leave's error is the verdict if there is no other. */
LOOP_TEST(with_leave_fails)
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

/* Leaving is shielded: it may suspend although the task is being cancelled. */
LOOP_TEST(with_leaves_shielded)
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

LOOP_TEST(with_left_by_try_innermost_first)
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

/* A bare return runs every cleanup. */
LOOP_TEST(with_left_by_bare_return)
{
    expect_int(await_bare(), 7);
    expect_events("+a -a=0");
    return 0;
}

LOOP_TEST(with_left_by_break_and_continue)
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

SUITE("shield", cancel_shielding, cancelled_within_a_shield, shield_with_a_limit,
      task_cancelled_within_a_shield, unshield_while_cancel_propagating, group_within_a_shield,
      shield_within_a_group, uncancel_within_a_shield, with_enters_and_leaves, with_refused,
      with_leave_fails, with_leaves_shielded, with_left_by_try_innermost_first,
      with_left_by_bare_return, with_left_by_break_and_continue)
