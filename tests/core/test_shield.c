/* SPDX-License-Identifier: MIT */
/* Shields and context managers. */
#include "run.h"

/* An outer cancelled scope, a shielded inner one: suspensions inside work; after its block the next one fails. */
CASE(cancel_shielding)
{
    int r, s = 1;
    await_timeout (r, 1) {
        is(await_sleep(100), -ECANCELED);
        await_shield (s)
            s = await_sleep(2);
        is(await_sleep(0), -ECANCELED);
    }
    ok(s);
    is(r, -ETIMEDOUT);
    is_time(3);
    return 0;
}

/* Struck while inside the shield: undisturbed to its end. */
CASE(cancelled_within_a_shield)
{
    int r, s = 1;
    await_timeout (r, 1) {
        await_shield (s) {
            s = await_sleep(5);
            ok(await_sleep(0));
        }
        r = await_sleep(100);
    }
    ok(s);
    is(r, -ETIMEDOUT);
    is_time(5);
    return 0;
}

/* What is cancelled inside a shield is not shielded from itself. */
CASE(shield_with_a_limit)
{
    int r, s = 1;
    async_task_cancel(async_current_task());
    await_shield (s) {
        await_timeout (r, 5)
            r = await_sleep(100);
        is(r, -ETIMEDOUT);
        ok(await_sleep(1)); /* the shield itself is untouched */
    }
    is_time(6);
    is(await_sleep(0), -ECANCELED);
    await_shield (r)
        await_timeout (r, 1)
            r = await_sleep(100);
    is(r, -ETIMEDOUT);
    async_uncancel();
    return 0;
}

ASYNC_DEF(waits_shielded, (const char *)word)
{
    int s;
    await_shield (s)
        s = await_sleep(5);
    note("%s=%s", word, shown(s));
    int r = await_sleep(0);
    note("then %s", shown(r));
    return r;
}

CASE(task_cancelled_within_a_shield)
{
    await_task_auto t = async_create_task(waits_shielded("t"));
    ok(await_sleep(1));
    async_task_cancel(t);
    async_task_cancel(t); /* a second one does not break it */
    is(await_task(t), -ECANCELED);
    is_trail("t=0 then -ECANCELED");
    is_time(5);
    return 0;
}

/* A cancellation that is travelling out already: a shield on its way must not swallow it. */
CASE(unshield_while_cancel_propagating)
{
    int outer, s = 0;
    await_timeout (outer, 1) {
        int r = await_sleep(100);
        await_shield (s)
            s = r;
        is(s, -ECANCELED);
        outer = s;
    }
    is(outer, -ETIMEDOUT);
    ok(await_sleep(0));
    return 0;
}

ASYNC_DEF(child, (const char *)word, (double)seconds)
{
    int r = await_sleep(seconds);
    note("%s=%s", word, shown(r));
    return r;
}

/* A group inside a shield: its children are as safe as its body. */
CASE(group_within_a_shield)
{
    int outer, s = 1, r = 1;
    await_timeout (outer, 1) {
        await_shield (s) {
            await_group (r, g) {
                async_spawn(g, child("a", 3));
                ok(await_sleep(2));
            }
        }
        is(await_sleep(0), -ECANCELED);
    }
    ok(r);
    ok(s);
    is(outer, -ETIMEDOUT);
    is_trail("a=0");
    is_time(3);
    return 0;
}

/* A group that fails around a shielded body: the body is undisturbed until the shield's end. */
CASE(shield_within_a_group)
{
    int r, s = 1, after = 1;
    await_group (r, g) {
        async_spawn(g, child("slow", 100));
        async_group_cancel(g);
        await_shield (s)
            s = await_sleep(2);
        after = await_sleep(0);
    }
    ok(s);
    is(after, -ECANCELED);
    ok(r);
    is_time(2);
    return 0;
}

/* uncancel within a shield: the request is withdrawn outside of it too. */
CASE(uncancel_within_a_shield)
{
    int s;
    async_task_cancel(async_current_task());
    await_shield (s) {
        is(async_cancelling(), 1);
        is(async_uncancel(), 0);
    }
    ok(await_sleep(1));
    return 0;
}

/* --- context managers --- */

ASYNC_DEF(go_in, (const char *)word, (int)result)
{
    note("+%s", word);
    return result;
}

ASYNC_DEF(go_out, (const char *)word, (double)seconds, (int)result)
{
    int r = await_sleep(seconds);
    note("-%s=%s", word, shown(r));
    return result;
}

static async_hold hold(const char *word, int in, double seconds, int out)
{
    return (async_hold){ go_in(word, in), go_out(word, seconds, out) };
}

CASE(with_enters_and_leaves)
{
    int r;
    await_with (r, hold("a", 0, 1, 0)) {
        note("body");
        r = 3;
    }
    is(r, 3);
    is_trail("+a body -a=0");
    return 0;
}

CASE(with_refused)
{
    int r;
    await_with (r, hold("a", -EIO, 1, 0))
        note("body");
    is(r, -EIO);
    is_trail("+a");
    return 0;
}

/* The leave's error is the verdict if there is no other. */
CASE(with_leave_fails)
{
    int r;
    await_with (r, hold("a", 0, 0, -EIO))
        r = 0;
    is(r, -EIO);
    await_with (r, hold("a", 0, 0, -EIO))
        r = -EPROTO;
    is(r, -EPROTO);
    return 0;
}

/* Leaving is shielded: it may suspend although the task is being cancelled. */
CASE(with_leaves_shielded)
{
    int r, w = 1;
    await_timeout (r, 1) {
        await_with (w, hold("a", 0, 3, 0))
            w = await_sleep(100);
        is(await_sleep(0), -ECANCELED);
    }
    is(w, -ECANCELED);
    is(r, -ETIMEDOUT);
    is_trail("+a -a=0");
    is_time(4);
    return 0;
}

ASYNC_DEF(three_deep)
{
    int r;
    await_with (r, hold("a", 0, 1, 0))
        await_timeout (r, 2)
            await_with (r, hold("b", 0, 1, 0))
                ASYNC_TRY(await_sleep(100));
    note("not reached");
    return r;
}

CASE(with_left_by_try_innermost_first)
{
    is(await_three_deep(), -ETIMEDOUT);
    is_trail("+a +b -b=0 -a=0");
    is_time(4);
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
CASE(with_left_by_bare_return)
{
    is(await_bare(), 7);
    is_trail("+a -a=0");
    return 0;
}

CASE(with_left_by_break_and_continue)
{
    int r;
    await_with (r, hold("a", 0, 0, 0)) {
        r = -EIO;
        break;
    }
    is(r, -EIO);
    await_with (r, hold("b", 0, 0, 0)) {
        r = 2;
        continue;
    }
    is(r, 2);
    is_trail("+a -a=0 +b -b=0");
    return 0;
}

SUITE("shield", cancel_shielding, cancelled_within_a_shield, shield_with_a_limit,
      task_cancelled_within_a_shield, unshield_while_cancel_propagating, group_within_a_shield,
      shield_within_a_group, uncancel_within_a_shield, with_enters_and_leaves, with_refused,
      with_leave_fails, with_leaves_shielded, with_left_by_try_innermost_first,
      with_left_by_bare_return, with_left_by_break_and_continue)
