/* SPDX-License-Identifier: MIT */
/* Tests of cancelling tasks, and of withdrawing the request. */
#include "../frame/loop_test.h"

ASYNC_DEF(value, (int)r, (double)after)
{
    ASYNC_TRY(await_sleep(after));
    return r;
}

/* The awaiting task receives -ECANCELED and is not cancelled itself. A further cancel returns
 * false. */
LOOP_TEST(cancel_of_sleeping_task_is_its_result)
{
    await_task_auto t = async_create_task(value(1, 100));
    expect_ok(await_sleep(1));
    expect_true(async_task_cancel(t));
    expect_false(async_task_done(t));
    expect_int(await_task(t), -ECANCELED);
    expect_true(async_task_done(t));
    expect_true(async_task_cancelled(t));
    expect_false(async_task_cancel(t));
    expect_int(async_task_result(t), -ECANCELED);
    expect_time(1);
    expect_ok(await_sleep(0)); /* the awaiter is not cancelled itself */
    return 0;
}

LOOP_TEST(cancel_of_finished_task_changes_nothing)
{
    await_task_auto t = async_create_task(value(1, 0));
    expect_int(await_task(t), 1);
    expect_false(async_task_cancel(t));
    expect_int(await_task(t), 1);
    expect_false(async_task_cancel(NULL));
    return 0;
}

ASYNC_DEF(cancels_itself)
{
    expect_true(async_task_cancel(async_current_task()));
    expect_int(await_sleep(100), -ECANCELED);
    expect_int(await_sleep(0), -ECANCELED); /* level-triggered */
    return -ECANCELED;
}

LOOP_TEST(task_that_cancels_itself_fails_at_next_await)
{
    await_task_auto t = async_create_task(cancels_itself());
    expect_int(await_task(t), -ECANCELED);
    expect_true(async_task_cancelled(t));
    expect_time(0);
    return 0;
}

ASYNC_DEF(cancels_itself_and_ends)
{
    async_task_cancel(async_current_task());
    return 5;
}

/* A cancellation is delivered only where the task suspends. */
LOOP_TEST(task_that_cancels_itself_and_returns_keeps_its_value)
{
    await_task_auto t = async_create_task(cancels_itself_and_ends());
    expect_int(await_task(t), 5);
    expect_false(async_task_cancelled(t));
    return 0;
}

ASYNC_DEF(catches)
{
    expect_int(await_sleep(100), -ECANCELED);
    return 42;
}

LOOP_TEST(task_that_handles_cancel_returns_its_value)
{
    await_task_auto t = async_create_task(catches());
    expect_ok(await_sleep(1));
    expect_true(async_task_cancel(t));
    expect_int(await_task(t), 42);
    expect_false(async_task_cancelled(t));
    expect_true(async_task_done(t));
    return 0;
}

ASYNC_DEF(never, (bool *)ran)
{
    *ran = true;
    return 0;
}

LOOP_TEST(task_cancelled_before_first_step_never_runs)
{
    bool ran = false;
    await_task_auto t = async_create_task(never(&ran));
    expect_true(async_task_cancel(t));
    expect_int(await_task(t), -ECANCELED);
    expect_true(async_task_cancelled(t));
    expect_false(ran);
    return 0;
}

/* The task is ready because it was woken: the cancel is not lost. */
ASYNC_DEF(sleeps_twice)
{
    int first = await_sleep(1), second = await_sleep(1);
    log_event("%s %s", result_text(first), result_text(second));
    return second;
}

ASYNC_DEF(cancels_at_one, (async_task **)t)
{
    expect_ok(await_sleep(1));
    expect_true(async_task_cancel(*t));
    return 0;
}

LOOP_TEST(cancel_of_task_already_woken_is_delivered_at_next_await)
{
    async_task *victim = NULL;
    /* its timer is the first */
    await_task_auto killer = async_create_task(cancels_at_one(&victim));
    await_task_auto sleeper = async_create_task(sleeps_twice());
    victim = sleeper;
    expect_ok(await_task(killer));
    expect_int(await_task(sleeper), -ECANCELED);
    /* the sleep had ended before the cancel came */
    expect_events("0 -ECANCELED");
    return 0;
}

ASYNC_DEF(uncancels)
{
    expect_int(await_sleep(100), -ECANCELED);
    expect_int(async_cancelling(), 1);
    expect_ok(async_uncancel());
    expect_ok(async_cancelling());
    expect_ok(await_sleep(1));
    log_event("waited");
    expect_int(await_sleep(100), -ECANCELED);
    expect_int(async_cancelling(), 1);
    return -ECANCELED;
}

LOOP_TEST(uncancel_lets_task_go_on_until_next_cancel)
{
    await_task_auto t = async_create_task(uncancels());
    expect_ok(await_sleep(1));
    expect_true(async_task_cancel(t));
    expect_ok(await_sleep(2));
    expect_events("waited");
    expect_false(async_task_done(t));
    expect_true(async_task_cancel(t));
    expect_int(await_task(t), -ECANCELED);
    expect_true(async_task_cancelled(t));
    expect_time(3);
    expect_ok(async_uncancel()); /* of nothing: nothing */
    expect_int(await_task(t), -ECANCELED);
    return 0;
}

ASYNC_DEF(counts)
{
    expect_int(await_sleep(100), -ECANCELED);
    expect_int(async_cancelling(), 2);
    expect_int(async_uncancel(), 1);
    expect_int(await_sleep(0), -ECANCELED); /* still cancelled */
    expect_ok(async_uncancel());
    expect_ok(await_sleep(0));
    return 0;
}

LOOP_TEST(two_cancels_need_two_uncancels)
{
    await_task_auto t = async_create_task(counts());
    expect_ok(await_sleep(1));
    expect_true(async_task_cancel(t));
    expect_true(async_task_cancel(t));
    expect_ok(await_task(t));
    return 0;
}

LOOP_TEST(uncancel_drops_an_undelivered_cancel)
{
    async_task_cancel(async_current_task());
    expect_int(async_cancelling(), 1);
    expect_ok(async_uncancel());
    expect_ok(await_sleep(1));
    expect_time(1);
    return 0;
}

/* Every await_ is a cancellation point. */
LOOP_TEST(cancelled_task_cannot_await_finished_task)
{
    await_task_auto t = async_create_task(value(3, 0));
    expect_int(await_task(t), 3);
    async_task_cancel(async_current_task());
    expect_int(await_task(t), -ECANCELED);
    expect_int(await_task(NULL), -ECANCELED);
    async_uncancel();
    expect_int(await_task(t), 3);
    return 0;
}

ASYNC_DEF(joins, (async_task *)t, (const char *)who)
{
    int r = await_task(t);
    log_event("%s=%s", who, result_text(r));
    return r;
}

/* The other joiners wake in their order. */
LOOP_TEST(cancelled_joiner_leaves_task_and_other_joiners_alone)
{
    await_task_auto t = async_create_task(value(3, 2));
    await_task_auto a = async_create_task(joins(t, "a"));
    await_task_auto b = async_create_task(joins(t, "b"));
    await_task_auto c = async_create_task(joins(t, "c"));
    expect_ok(await_sleep(1));
    expect_true(async_task_cancel(b));
    expect_int(await_task(c), 3);
    expect_int(await_task(a), 3);
    expect_events("b=-ECANCELED a=3 c=3");
    return 0;
}

/* A join takes nothing from other tasks, so its success stays if it is cancelled after that. The
 * next await_ fails. */
ASYNC_DEF(joins_twice, (async_task *)t)
{
    int first = await_task(t), second = await_task(t);
    log_event("%s %s", result_text(first), result_text(second));
    return 0;
}

LOOP_TEST(cancel_after_join_succeeded_fails_next_await)
{
    await_task_auto t = async_create_task(value(9, 1));
    await_task_auto j = async_create_task(joins_twice(t));
    await_task_auto k = async_create_task(cancels_at_one(&j)); /* wakes behind t in the same pass */
    expect_ok(await_task(k));
    expect_ok(await_task(j));
    expect_events("9 -ECANCELED");
    return 0;
}

ASYNC_DEF(slow_cleanup, (const char *)word)
{
    int r = await_sleep(100);
    int s;
    await_shield (s)
        expect_ok(await_sleep(1));
    expect_ok(s);
    log_event("%s=%s", word, result_text(r));
    return r;
}

LOOP_TEST(leaving_block_of_auto_handle_cancels_and_awaits_task)
{
    {
        await_task_auto t = async_create_task(slow_cleanup("t"));
        expect_ok(await_sleep(1));
        expect_events("");
        (void)t;
    }
    expect_events("t=-ECANCELED");
    expect_time(2);
    return 0;
}

LOOP_TEST(leaving_block_of_auto_handle_awaits_task_although_cancelled)
{
    {
        await_task_auto t = async_create_task(slow_cleanup("t"));
        expect_ok(await_sleep(1));
        async_task_cancel(async_current_task());
        (void)t;
    }
    expect_events("t=-ECANCELED");
    expect_time(2);
    expect_int(await_sleep(0), -ECANCELED);
    async_uncancel();
    return 0;
}

ASYNC_DEF(withdraws_its_own_cancellation)
{
    async_task_cancel(async_current_task());
    expect_ok(async_uncancel());
    expect_int(await_sleep(1), -ECANCELED);
    log_event("still cancelled");
    return 0;
}

ASYNC_DEF(waits_in_vain)
{
    expect_int(await_sleep(100), -ECANCELED);
    return await_withdraws_its_own_cancellation();
}

LOOP_TEST(uncancel_in_cancelled_group_leaves_task_cancelled)
{
    int r;
    await_group (r, g) {
        async_spawn(g, waits_in_vain());
        expect_ok(await_sleep(1));
        async_group_cancel(g);
    }
    expect_events("still cancelled");
    return r;
}

ASYNC_DEF(withdraws_and_sleeps)
{
    async_task_cancel(async_current_task());
    expect_ok(async_uncancel());
    return await_sleep(1);
}

LOOP_TEST(uncancel_in_shielded_group_ignores_cancel_outside)
{
    int r, s;
    async_task_cancel(async_current_task());
    await_shield (s) {
        await_group (r, g)
            async_spawn(g, withdraws_and_sleeps());
        s = r;
    }
    expect_ok(s);
    expect_time(1);
    return async_uncancel();
}

SUITE("core-cancel", cancel_of_sleeping_task_is_its_result, cancel_of_finished_task_changes_nothing,
      task_that_cancels_itself_fails_at_next_await,
      task_that_cancels_itself_and_returns_keeps_its_value,
      task_that_handles_cancel_returns_its_value, task_cancelled_before_first_step_never_runs,
      cancel_of_task_already_woken_is_delivered_at_next_await,
      uncancel_lets_task_go_on_until_next_cancel, two_cancels_need_two_uncancels,
      uncancel_drops_an_undelivered_cancel, cancelled_task_cannot_await_finished_task,
      cancelled_joiner_leaves_task_and_other_joiners_alone,
      cancel_after_join_succeeded_fails_next_await,
      leaving_block_of_auto_handle_cancels_and_awaits_task,
      leaving_block_of_auto_handle_awaits_task_although_cancelled,
      uncancel_in_cancelled_group_leaves_task_cancelled,
      uncancel_in_shielded_group_ignores_cancel_outside)
