/* SPDX-License-Identifier: MIT */
/* Tests of barriers: rounds, numbers, and what breaks them. */
#include "../frame/loop_test.h"

#include <limits.h>

ASYNC_DEF(meets, (async_barrier *)b, (const char *)word)
{
    int r = await_barrier_wait(b);
    log_event("%s=%s", word, result_text(r));
    return r;
}

ASYNC_DEF(meets_again, (async_barrier *)b, (const char *)word, (int)rounds)
{
    for (int i = 0; i < rounds; i++) {
        int r = await_meets(b, word);
        if (r < 0)
            return r;
    }
    return 0;
}

LOOP_TEST(barrier_numbers_tasks_in_order_of_arrival)
{
    async_barrier b = ASYNC_BARRIER(3);
    await_task_auto x = async_create_task(meets(&b, "x"));
    await_task_auto y = async_create_task(meets(&b, "y"));
    expect_ok(await_sleep(1));
    expect_events("");
    expect_int(async_barrier_waiting(&b), 2);
    expect_int(await_barrier_wait(&b), 2);
    expect_ok(async_barrier_waiting(&b));
    expect_ok(await_task(x));
    expect_int(await_task(y), 1);
    expect_events("x=0 y=1");
    return 0;
}

LOOP_TEST(task_that_comes_back_early_waits_for_next_round)
{
    async_barrier b = ASYNC_BARRIER(2);
    expect_ok(await_gather(NULL, meets_again(&b, "a", 3), meets_again(&b, "b", 3)));
    expect_events("b=1 a=0 a=1 b=0 b=1 a=0");
    return 0;
}

LOOP_TEST(barrier_of_one_never_waits_and_of_none_is_refused)
{
    async_barrier b = ASYNC_BARRIER(1), none = ASYNC_BARRIER(0);
    expect_ok(await_barrier_wait(&b));
    expect_ok(await_barrier_wait(&b));
    expect_int(await_barrier_wait(&none), -EINVAL);
    return 0;
}

/* Five tasks come to a barrier of two. Late tasks queue, and each round gives each number once. */
LOOP_TEST(late_task_waits_until_others_fill_next_round)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto x = async_create_task(meets(&b, "x"));
    expect_ok(await_sleep(1));
    expect_int(await_barrier_wait(&b), 1); /* x is released, and has not run */
    expect_int(await_wait_for(meets(&b, "me"), 1), -ETIMEDOUT);
    expect_events("x=0 me=-ECANCELED");
    clear_events();
    expect_ok(
            await_gather_all(NULL, meets(&b, "p"), meets(&b, "q"), meets(&b, "r"), meets(&b, "s")));
    expect_events("q=1 p=0 r=0 s=1");
    expect_ok(async_barrier_waiting(&b));
    return 0;
}

/* The numbers of the round have no gap afterwards. */
LOOP_TEST(cancel_while_round_fills_lowers_count)
{
    async_barrier b = ASYNC_BARRIER(3);
    await_task_auto x = async_create_task(meets(&b, "x"));
    await_task_auto y = async_create_task(meets(&b, "y"));
    expect_ok(await_sleep(1));
    async_task_cancel(x);
    expect_int(await_task(x), -ECANCELED);
    expect_int(async_barrier_waiting(&b), 1);
    await_task_auto z = async_create_task(meets(&b, "z"));
    expect_ok(await_sleep(1));
    expect_int(await_barrier_wait(&b), 2);
    expect_ok(await_task(y));
    expect_int(await_task(z), 1);
    return 0;
}

ASYNC_DEF(meets_then_sleeps, (async_barrier *)b)
{
    int r = await_barrier_wait(b);
    log_event("%s", result_text(r));
    return await_sleep(0);
}

/* The cancelled task has not run yet when another one comes, or when the barrier is reset. */
LOOP_TEST(task_cancelled_but_not_run_yet_is_not_counted)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto gone = async_create_task(meets(&b, "gone"));
    expect_ok(await_sleep(1));
    await_task_auto comes = async_create_task(meets(&b, "comes"));
    async_task_cancel(gone); /* "comes" is ready already, and runs before it */
    expect_ok(await_sleep(1));
    expect_events("gone=-ECANCELED");
    expect_int(async_barrier_waiting(&b), 1);
    expect_int(await_barrier_wait(&b), 1);
    expect_ok(await_task(comes));
    await_task_auto last = async_create_task(meets(&b, "last"));
    expect_ok(await_sleep(1));
    async_task_cancel(last);
    async_barrier_reset(&b);
    expect_int(await_task(last), -ECANCELED);
    expect_ok(async_barrier_waiting(&b));
    return 0;
}

/* The task keeps its number. Its next await_ fails. */
LOOP_TEST(cancel_after_release_returns_number)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto x = async_create_task(meets_then_sleeps(&b));
    expect_ok(await_sleep(1));
    expect_int(await_barrier_wait(&b), 1);
    async_task_cancel(x);
    expect_int(await_task(x), -ECANCELED);
    expect_events("0");
    return 0;
}

LOOP_TEST(cancelled_task_does_not_enter_barrier)
{
    async_barrier b = ASYNC_BARRIER(1);
    async_task_cancel(async_current_task());
    expect_int(await_barrier_wait(&b), -ECANCELED);
    async_uncancel();
    expect_ok(await_barrier_wait(&b));
    return 0;
}

LOOP_TEST(reset_while_round_fills_fails_waiters)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto x = async_create_task(meets(&b, "x"));
    expect_ok(await_sleep(1));
    async_barrier_reset(&b);
    expect_false(async_barrier_broken(&b));
    expect_ok(async_barrier_waiting(&b));
    await_task_auto y = async_create_task(meets(&b, "y"));
    expect_ok(await_sleep(1));
    expect_events("x=-EPIPE");
    expect_int(await_barrier_wait(&b), 1);
    expect_int(await_task(x), -EPIPE);
    expect_ok(await_task(y));
    return 0;
}

/* A task that was released but has not run fails, too. Late tasks go on to a complete round. */
LOOP_TEST(reset_while_round_drains_fails_released_task)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto x = async_create_task(meets(&b, "x"));
    expect_ok(await_sleep(1));
    await_task_auto y = async_create_task(meets(&b, "y"));
    await_task_auto z = async_create_task(meets(&b, "z"));
    expect_int(await_barrier_wait(&b), 1);
    async_barrier_reset(&b);
    expect_int(await_task(x), -EPIPE);
    expect_ok(await_task(y));
    expect_int(await_task(z), 1);
    expect_events("x=-EPIPE y=0 z=1");
    return 0;
}

LOOP_TEST(abort_fails_all_until_reset)
{
    async_barrier b = ASYNC_BARRIER(3);
    await_task_auto x = async_create_task(meets(&b, "x"));
    await_task_auto y = async_create_task(meets(&b, "y"));
    expect_ok(await_sleep(1));
    async_barrier_abort(&b);
    expect_true(async_barrier_broken(&b));
    expect_int(await_barrier_wait(&b), -EPIPE);
    expect_int(await_task(x), -EPIPE);
    expect_int(await_task(y), -EPIPE);
    async_barrier_reset(&b);
    expect_false(async_barrier_broken(&b));
    expect_ok(await_gather_all(NULL, meets(&b, "p"), meets(&b, "q"), meets(&b, "r")));
    return 0;
}

LOOP_TEST(abort_while_round_drains_fails_late_task)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto x = async_create_task(meets(&b, "x"));
    expect_ok(await_sleep(1));
    await_task_auto late = async_create_task(meets(&b, "late"));
    expect_int(await_barrier_wait(&b), 1);
    expect_ok(await_sleep(0)); /* late is queued, x has returned */
    expect_events("x=0");
    expect_int(await_barrier_wait(&b), 1);
    async_barrier_abort(&b);
    expect_int(await_task(late), -EPIPE);
    expect_int(await_barrier_wait(&b), -EPIPE);
    return 0;
}

static void aborts(void *b)
{
    async_barrier_abort(b);
}

LOOP_TEST(abort_fails_late_task_that_is_still_queued)
{
    async_barrier b = ASYNC_BARRIER(2);
    async_callback cb = { 0 };
    await_task_auto x = async_create_task(meets(&b, "x"));
    expect_ok(await_sleep(1));
    await_task_auto late = async_create_task(meets(&b, "late"));
    async_call_soon(&cb, aborts, &b);
    expect_int(await_barrier_wait(&b), 1);
    expect_int(await_task(late), -EPIPE);
    expect_int(await_task(x), -EPIPE);
    expect_events("x=-EPIPE late=-EPIPE");
    return 0;
}

/* Rounds are told apart by a number, which starts again some day. */
LOOP_TEST(round_number_wraps_around)
{
    async_barrier b = ASYNC_BARRIER(2);
    b.mark = INT_MAX - 1;
    for (int i = 0; i < 4; i++) {
        await_task_auto t = async_create_task(meets(&b, "x"));
        expect_ok(await_sleep(1));
        expect_int(await_barrier_wait(&b), 1);
        expect_ok(await_task(t));
    }
    return 0;
}

SUITE("core-barrier", round_number_wraps_around, barrier_numbers_tasks_in_order_of_arrival,
      task_that_comes_back_early_waits_for_next_round,
      barrier_of_one_never_waits_and_of_none_is_refused,
      late_task_waits_until_others_fill_next_round, cancel_while_round_fills_lowers_count,
      task_cancelled_but_not_run_yet_is_not_counted, cancel_after_release_returns_number,
      cancelled_task_does_not_enter_barrier, reset_while_round_fills_fails_waiters,
      reset_while_round_drains_fails_released_task, abort_fails_all_until_reset,
      abort_while_round_drains_fails_late_task, abort_fails_late_task_that_is_still_queued)
