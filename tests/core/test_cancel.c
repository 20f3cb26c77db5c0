/* SPDX-License-Identifier: MIT */
/* Cancelling tasks, and withdrawing it. */
#include "run.h"

ASYNC_DEF(value, (int)r, (double)after)
{
    ASYNC_TRY(await_sleep(after));
    return r;
}

/* cancel: the awaiter sees it, the task is done and cancelled, a further cancel returns false. */
CASE(cancel)
{
    await_task_auto t = async_create_task(value(1, 100));
    ok(await_sleep(1));
    is_true(async_task_cancel(t));
    is_false(async_task_done(t));
    is(await_task(t), -ECANCELED);
    is_true(async_task_done(t));
    is_true(async_task_cancelled(t));
    is_false(async_task_cancel(t));
    is(async_task_result(t), -ECANCELED);
    is_time(1);
    ok(await_sleep(0)); /* the awaiter is not cancelled itself */
    return 0;
}

CASE(cancel_finished)
{
    await_task_auto t = async_create_task(value(1, 0));
    is(await_task(t), 1);
    is_false(async_task_cancel(t));
    is(await_task(t), 1);
    is_false(async_task_cancel(NULL));
    return 0;
}

ASYNC_DEF(cancels_itself)
{
    is_true(async_task_cancel(async_current_task()));
    is(await_sleep(100), -ECANCELED);
    is(await_sleep(0), -ECANCELED); /* level-triggered */
    return -ECANCELED;
}

CASE(cancel_current_task)
{
    await_task_auto t = async_create_task(cancels_itself());
    is(await_task(t), -ECANCELED);
    is_true(async_task_cancelled(t));
    is_time(0);
    return 0;
}

ASYNC_DEF(cancels_itself_and_ends)
{
    async_task_cancel(async_current_task());
    return 5;
}

/* A cancel is delivered at suspensions only. */
CASE(value_after_cancelling_itself)
{
    await_task_auto t = async_create_task(cancels_itself_and_ends());
    is(await_task(t), 5);
    is_false(async_task_cancelled(t));
    return 0;
}

ASYNC_DEF(catches)
{
    is(await_sleep(100), -ECANCELED);
    return 42;
}

CASE(cancel_task_catching)
{
    await_task_auto t = async_create_task(catches());
    ok(await_sleep(1));
    is_true(async_task_cancel(t));
    is(await_task(t), 42);
    is_false(async_task_cancelled(t));
    is_true(async_task_done(t));
    return 0;
}

ASYNC_DEF(never, (bool *)ran)
{
    *ran = true;
    return 0;
}

CASE(cancelled_before_first_step)
{
    bool ran = false;
    await_task_auto t = async_create_task(never(&ran));
    is_true(async_task_cancel(t));
    is(await_task(t), -ECANCELED);
    is_true(async_task_cancelled(t));
    is_false(ran);
    return 0;
}

/* A runnable task, woken already: the cancel is not lost. */
ASYNC_DEF(sleeps_twice)
{
    int first = await_sleep(1), second = await_sleep(1);
    note("%s %s", shown(first), shown(second));
    return second;
}

ASYNC_DEF(cancels_at_one, (async_task **)t)
{
    ok(await_sleep(1));
    is_true(async_task_cancel(*t));
    return 0;
}

CASE(cancel_of_a_runnable_task)
{
    async_task *victim = NULL;
    await_task_auto killer = async_create_task(cancels_at_one(&victim)); /* its timer is the first */
    await_task_auto sleeper = async_create_task(sleeps_twice());
    victim = sleeper;
    ok(await_task(killer));
    is(await_task(sleeper), -ECANCELED);
    is_trail("0 -ECANCELED"); /* its sleep had ended: success beats the cancel that came after */
    return 0;
}

ASYNC_DEF(uncancels)
{
    is(await_sleep(100), -ECANCELED);
    is(async_cancelling(), 1);
    is(async_uncancel(), 0);
    is(async_cancelling(), 0);
    ok(await_sleep(1));
    note("waited");
    is(await_sleep(100), -ECANCELED);
    is(async_cancelling(), 1);
    return -ECANCELED;
}

CASE(uncancel_basic)
{
    await_task_auto t = async_create_task(uncancels());
    ok(await_sleep(1));
    is_true(async_task_cancel(t));
    ok(await_sleep(2));
    is_trail("waited");
    is_false(async_task_done(t));
    is_true(async_task_cancel(t));
    is(await_task(t), -ECANCELED);
    is_true(async_task_cancelled(t));
    is_time(3);
    is(async_uncancel(), 0); /* of nothing: nothing */
    is(await_task(t), -ECANCELED);
    return 0;
}

ASYNC_DEF(counts)
{
    is(await_sleep(100), -ECANCELED);
    is(async_cancelling(), 2);
    is(async_uncancel(), 1);
    is(await_sleep(0), -ECANCELED); /* still cancelled */
    is(async_uncancel(), 0);
    ok(await_sleep(0));
    return 0;
}

/* Two cancels make 2, one uncancel leaves it cancelled. */
CASE(two_requests)
{
    await_task_auto t = async_create_task(counts());
    ok(await_sleep(1));
    is_true(async_task_cancel(t));
    is_true(async_task_cancel(t));
    ok(await_task(t));
    return 0;
}

CASE(uncancel_drops_an_undelivered_cancel)
{
    async_task_cancel(async_current_task());
    is(async_cancelling(), 1);
    is(async_uncancel(), 0);
    ok(await_sleep(1));
    is_time(1);
    return 0;
}

/* A cancelled task's await of a finished task fails too: every await_ is a cancellation point. */
CASE(await_finished_when_cancelled)
{
    await_task_auto t = async_create_task(value(3, 0));
    is(await_task(t), 3);
    async_task_cancel(async_current_task());
    is(await_task(t), -ECANCELED);
    is(await_task(NULL), -ECANCELED);
    async_uncancel();
    is(await_task(t), 3);
    return 0;
}

ASYNC_DEF(joins, (async_task *)t, (const char *)who)
{
    int r = await_task(t);
    note("%s=%s", who, shown(r));
    return r;
}

/* Cancelling the waiter does not cancel the task; joiners wake in their order. */
CASE(several_joiners)
{
    await_task_auto t = async_create_task(value(3, 2));
    await_task_auto a = async_create_task(joins(t, "a"));
    await_task_auto b = async_create_task(joins(t, "b"));
    await_task_auto c = async_create_task(joins(t, "c"));
    ok(await_sleep(1));
    is_true(async_task_cancel(b));
    is(await_task(c), 3);
    is(await_task(a), 3);
    is_trail("b=-ECANCELED a=3 c=3");
    return 0;
}

/* A join takes nothing from others: chosen, then cancelled, it returns its success; the next await_ fails. */
ASYNC_DEF(joins_twice, (async_task *)t)
{
    int first = await_task(t), second = await_task(t);
    note("%s %s", shown(first), shown(second));
    return 0;
}

CASE(join_chosen_then_cancelled)
{
    await_task_auto t = async_create_task(value(9, 1));
    await_task_auto j = async_create_task(joins_twice(t));
    await_task_auto k = async_create_task(cancels_at_one(&j)); /* wakes behind t in the same pass */
    ok(await_task(k));
    ok(await_task(j));
    is_trail("9 -ECANCELED");
    return 0;
}

ASYNC_DEF(slow_cleanup, (const char *)word)
{
    int r = await_sleep(100);
    int s;
    await_shield (s)
        ok(await_sleep(1));
    ok(s);
    note("%s=%s", word, shown(r));
    return r;
}

/* A handle's block is left: its task is cancelled and awaited. */
CASE(left_block_cancels_and_awaits)
{
    {
        await_task_auto t = async_create_task(slow_cleanup("t"));
        ok(await_sleep(1));
        is_trail("");
        (void)t;
    }
    is_trail("t=-ECANCELED");
    is_time(2);
    return 0;
}

/* ...shielded: also if we are cancelled ourselves. */
CASE(left_block_awaits_when_cancelled)
{
    {
        await_task_auto t = async_create_task(slow_cleanup("t"));
        ok(await_sleep(1));
        async_task_cancel(async_current_task());
        (void)t;
    }
    is_trail("t=-ECANCELED");
    is_time(2);
    is(await_sleep(0), -ECANCELED);
    async_uncancel();
    return 0;
}

SUITE("cancel", cancel, cancel_finished, cancel_current_task, value_after_cancelling_itself,
      cancel_task_catching, cancelled_before_first_step, cancel_of_a_runnable_task, uncancel_basic,
      two_requests, uncancel_drops_an_undelivered_cancel, await_finished_when_cancelled,
      several_joiners, join_chosen_then_cancelled, left_block_cancels_and_awaits,
      left_block_awaits_when_cancelled)
