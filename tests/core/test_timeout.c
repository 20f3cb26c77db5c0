/* SPDX-License-Identifier: MIT */
/* Sleeps and limits. */
#include "run.h"

#include <math.h>

ASYNC_DEF(sleeps, (double)seconds, (const char *)word)
{
    ASYNC_TRY(await_sleep(seconds));
    note("%s", word);
    return 0;
}

CASE(sleep_jumps)
{
    is_time(0);
    ok(await_sleep(1.5));
    is_time(1.5);
    ok(await_sleep(86400));
    is_time(86401.5);
    return 0;
}

CASE(sleeps_end_in_order)
{
    int r[4];
    ok(await_gather(r, sleeps(3, "c"), sleeps(1, "a"), sleeps(2, "b1"), sleeps(2, "b2")));
    is_trail("a b1 b2 c");
    is_time(3);
    return 0;
}

static void says(void *word)
{
    note("%s", (const char *)word);
}

ASYNC_DEF(alternates, (const char *)word)
{
    for (int i = 0; i < 3; i++) {
        note("%s", word);
        ASYNC_TRY(await_sleep(i ? -1.0 : 0));
    }
    return 0;
}

/* sleep_zero: exactly one turn passes, the callback has run; two such tasks alternate. */
CASE(sleep_zero)
{
    async_callback cb = { 0 };
    async_call_soon(&cb, says, (void *)"callback");
    ok(await_sleep(0));
    note("resumed");
    is_trail("callback resumed");
    forget_trail();
    ok(await_gather(NULL, alternates("a"), alternates("b")));
    is_trail("a b a b a b");
    ok(await_sleep(NAN));
    is_time(0);
    return 0;
}

ASYNC_DEF(adds_callback, (async_callback *)cb)
{
    async_call_soon(cb, says, (void *)"other");
    ok(await_sleep(0));
    note("one");
    ok(await_sleep(0));
    note("two");
    return 0;
}

CASE(sleep_for_ever_can_be_cancelled)
{
    async_callback cb = { 0 };
    is(await_wait_for(async_sleep(ASYNC_FOREVER), 5), -ETIMEDOUT);
    is_time(5);
    is(await_wait_for(async_sleep(1e300), 5), -ETIMEDOUT);
    ok(await_adds_callback(&cb));
    is_trail("other one two");
    return 0;
}

ASYNC_DEF(value, (int)r, (double)after)
{
    ASYNC_TRY(await_sleep(after));
    return r;
}

CASE(wait_for_in_time)
{
    is(await_wait_for(value(5, 1), 2), 5);
    is_time(1);
    is(await_wait_for(value(-EIO, 1), 2), -EIO);
    is(await_wait_for(value(5, 1), ASYNC_FOREVER), 5);
    ok(await_sleep(10)); /* no limit is left behind */
    return 0;
}

ASYNC_DEF(tidies, (double)seconds)
{
    int r = await_sleep(100), s;
    await_shield (s)
        ok(await_sleep(seconds));
    ok(s);
    note("tidied");
    return r;
}

/* On expiry: cancelled, its cleanup awaited, then the report. */
CASE(wait_for_too_late)
{
    is(await_wait_for(tidies(2), 1), -ETIMEDOUT);
    is_trail("tidied");
    is_time(3);
    is(async_cancelling(), 0);
    ok(await_sleep(1));
    return 0;
}

ASYNC_DEF(never, (bool *)ran)
{
    *ran = true;
    return 0;
}

CASE(wait_for_without_time)
{
    bool ran = false;
    is(await_wait_for(never(&ran), 0), -ETIMEDOUT);
    is(await_wait_for(never(&ran), -1), -ETIMEDOUT);
    is_false(ran);
    async_task_cancel(async_current_task());
    is(await_wait_for(never(&ran), 0), -ECANCELED); /* if cancel and expiry coincide, cancel wins */
    async_uncancel();
    return 0;
}

ASYNC_DEF(answers, (int)r)
{
    is(await_sleep(100), -ECANCELED);
    return r;
}

CASE(wait_for_cancel_suppressed)
{
    is(await_wait_for(answers(7), 1), 7);
    is(await_wait_for(answers(0), 1), 0);
    ok(await_sleep(0));
    return 0;
}

CASE(wait_for_reraises_exception)
{
    is(await_wait_for(answers(-EIO), 1), -EIO);
    return 0;
}

ASYNC_DEF(limited, (double)limit)
{
    int r = await_wait_for(async_sleep(100), limit);
    note("%s", shown(r));
    return r;
}

CASE(wait_for_cancelled_from_outside)
{
    await_task_auto t = async_create_task(limited(50));
    ok(await_sleep(1));
    async_task_cancel(t);
    is(await_task(t), -ECANCELED);
    is_trail("-ECANCELED");
    return 0;
}

ASYNC_DEF(cancels_at, (async_task **)t, (double)seconds)
{
    ok(await_sleep(seconds));
    is_true(async_task_cancel(*t));
    return 0;
}

/* If cancel and expiry coincide, cancel wins; whichever comes first in its pass. */
CASE(cancel_and_expiry_in_one_pass)
{
    async_task *victim = NULL;
    await_task_auto early = async_create_task(cancels_at(&victim, 5));
    ok(await_sleep(0));
    await_task_auto t = async_create_task(limited(5));
    victim = t;
    is(await_task(t), -ETIMEDOUT); /* its limit fired, then the request came */
    ok(await_task(early));
    return 0;
}

ASYNC_DEF(limited_twice)
{
    int first = await_wait_for(async_sleep(1), 50), second = await_sleep(0);
    note("%s %s", shown(first), shown(second));
    return second;
}

/* An outer cancel in the same pass as the inner success must not vanish. */
CASE(wait_for_success_then_cancel)
{
    async_task *victim = NULL;
    await_task_auto killer = async_create_task(cancels_at(&victim, 1));
    ok(await_sleep(0));
    await_task_auto t = async_create_task(limited_twice());
    victim = t;
    is(await_task(t), -ECANCELED);
    ok(await_task(killer));
    is_trail("0 -ECANCELED");
    return 0;
}

/* timeout_basic, outer_task_is_not_cancelled */
CASE(timeout_basic)
{
    int r;
    bool expired = false;
    await_timeout (r, 1) {
        is_false(async_expired());
        r = await_sleep(100);
        is(r, -ECANCELED);
        expired = async_expired();
    }
    is(r, -ETIMEDOUT);
    is_true(expired);
    is_time(1);
    is(async_cancelling(), 0);
    ok(await_sleep(1));
    return 0;
}

CASE(timeout_in_time)
{
    int r;
    await_timeout (r, 2) {
        ok(await_sleep(1));
        r = 5;
    }
    is(r, 5);
    ok(await_sleep(10)); /* a deadline that passes after the block does nothing */
    await_timeout (r, 2)
        r = -EIO;
    is(r, -EIO);
    await_timeout (r, ASYNC_FOREVER)
        r = await_sleep(1000);
    ok(r);
    return 0;
}

CASE(timeout_at)
{
    int r;
    ok(await_sleep(3));
    await_timeout_at (r, 5)
        r = await_sleep(100);
    is(r, -ETIMEDOUT);
    is_time(5);
    return 0;
}

/* Nothing is awaited after the limit: nothing is interrupted, the body's value stays. */
CASE(timeout_unnoticed)
{
    int r, tries = 0;
    await_timeout (r, 0) {
        r = 3;
        tries++;
    }
    is(r, 3);
    await_timeout (r, -1) {
        is(await_sleep(0), -ECANCELED); /* nothing is tried */
        is(await_sleep(0), -ECANCELED);
        r = 3;
    }
    is(r, -ETIMEDOUT);
    is(tries, 1);
    await_timeout (r, 1) { /* it fired, but in a shield, and interrupted nothing */
        int s;
        await_shield (s)
            ok(await_sleep(5));
        is_true(async_expired());
        r = 3;
    }
    is(r, 3);
    return 0;
}

/* The verdict: whatever r >= 0 the body left; an error of its own wins. */
CASE(timeout_result)
{
    int r;
    await_timeout (r, 1) {
        async_ignore(await_sleep(100));
        r = 8;
    }
    is(r, -ETIMEDOUT);
    await_timeout (r, 1) {
        async_ignore(await_sleep(100));
        r = -EIO;
    }
    is(r, -EIO);
    await_timeout (r, 1) {
        if ((r = await_sleep(100)) < 0)
            break;
        note("not reached");
    }
    is(r, -ETIMEDOUT);
    is_trail("");
    return 0;
}

ASYNC_DEF(tries)
{
    int r;
    await_timeout (r, 1)
        ASYNC_TRY(await_sleep(100));
    note("not reached");
    return r;
}

CASE(timeout_left_by_try)
{
    is(await_tries(), -ETIMEDOUT);
    is_trail("");
    ok(await_sleep(10));
    return 0;
}

/* Every suspension inside fails until it is left; code after it runs normally. */
CASE(cancel_edge_cases)
{
    int r;
    await_timeout (r, 1) {
        for (int i = 0; i < 5; i++)
            is(await_sleep(i ? 1 : 100), -ECANCELED);
        async_task *t = async_create_task(async_sleep(1));
        is(await_task(t), -ECANCELED);
        await_task_drop(&t);
    }
    is(r, -ETIMEDOUT);
    ok(await_sleep(1));
    return 0;
}

/* The clock is asked then: what a delay counts from otherwise is a bound on it, and may lie ahead. */
ASYNC_DEF(has_no_time)
{
    for (int i = 0; i < 10000; i++) {
        int r, inner = 0;
        await_timeout (r, 0)
            inner = await_sleep(0);
        is(inner, -ECANCELED);
        is(r, -ETIMEDOUT);
    }
    return 0;
}

START_TEST(no_time_is_over_at_once)
{
    ok(async_run(has_no_time()));
}
END_TEST

SUITE("timeout", sleep_jumps, sleeps_end_in_order, sleep_zero, sleep_for_ever_can_be_cancelled,
      wait_for_in_time, wait_for_too_late, wait_for_without_time, wait_for_cancel_suppressed,
      wait_for_reraises_exception, wait_for_cancelled_from_outside, cancel_and_expiry_in_one_pass,
      wait_for_success_then_cancel, timeout_basic, timeout_in_time, timeout_at, timeout_unnoticed,
      timeout_result, timeout_left_by_try, cancel_edge_cases, no_time_is_over_at_once)
