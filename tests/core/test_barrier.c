/* SPDX-License-Identifier: MIT */
/* Barriers: rounds, numbers, and what breaks them. */

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

LOOP_TEST(numbers_in_the_order_of_arrival)
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

LOOP_TEST(rounds_do_not_mix)
{
    async_barrier b = ASYNC_BARRIER(2);
    expect_ok(await_gather(NULL, meets_again(&b, "a", 3), meets_again(&b, "b", 3)));
    expect_events("b=1 a=0 a=1 b=0 b=1 a=0");
    return 0;
}

LOOP_TEST(one_party)
{
    async_barrier b = ASYNC_BARRIER(1), none = ASYNC_BARRIER(0);
    expect_ok(await_barrier_wait(&b));
    expect_ok(await_barrier_wait(&b));
    expect_int(await_barrier_wait(&none), -EINVAL);
    return 0;
}

/* Five come to a barrier of two: the late ones stand in line, and each round has its numbers once. */
LOOP_TEST(late_comers_wait_for_the_next_round)
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

/* Cancelling one while the round fills just lowers the count; the numbers have no gap. */
LOOP_TEST(cancelled_while_filling)
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

/* The one who is cancelled has not run yet when another one comes, or when the barrier is reset. */
LOOP_TEST(cancelled_a_moment_before)
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

/* It was released: it has its number, and the next await_ fails. */
LOOP_TEST(released_then_cancelled)
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

LOOP_TEST(comes_cancelled)
{
    async_barrier b = ASYNC_BARRIER(1);
    async_task_cancel(async_current_task());
    expect_int(await_barrier_wait(&b), -ECANCELED);
    async_uncancel();
    expect_ok(await_barrier_wait(&b));
    return 0;
}

LOOP_TEST(reset_while_filling)
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

/* Who is released and not back is reached too; who came late goes on into a round that is whole. */
LOOP_TEST(reset_while_draining)
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

LOOP_TEST(abort_breaks_it_for_all)
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

LOOP_TEST(abort_while_draining)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto x = async_create_task(meets(&b, "x"));
    expect_ok(await_sleep(1));
    await_task_auto late = async_create_task(meets(&b, "late"));
    expect_int(await_barrier_wait(&b), 1);
    expect_ok(await_sleep(0)); /* late stands in line, x is back */
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

/* Who came late is reached while it still stands apart. */
LOOP_TEST(abort_reaches_late_comers)
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

/* Rounds are told apart by a number that begins anew some day. */
LOOP_TEST(round_after_a_very_long_time)
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

SUITE("barrier", round_after_a_very_long_time, numbers_in_the_order_of_arrival, rounds_do_not_mix,
      one_party, late_comers_wait_for_the_next_round, cancelled_while_filling,
      cancelled_a_moment_before, released_then_cancelled, comes_cancelled, reset_while_filling,
      reset_while_draining, abort_breaks_it_for_all, abort_while_draining,
      abort_reaches_late_comers)
