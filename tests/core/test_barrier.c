/* SPDX-License-Identifier: MIT */
/* Barriers: rounds, numbers, and what breaks them. */
#include "run.h"

#include <limits.h>

ASYNC_DEF(meets, (async_barrier *)b, (const char *)word)
{
    int r = await_barrier_wait(b);
    note("%s=%s", word, shown(r));
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

CASE(numbers_in_the_order_of_arrival)
{
    async_barrier b = ASYNC_BARRIER(3);
    await_task_auto x = async_create_task(meets(&b, "x"));
    await_task_auto y = async_create_task(meets(&b, "y"));
    ok(await_sleep(1));
    is_trail("");
    is(async_barrier_waiting(&b), 2);
    is(await_barrier_wait(&b), 2);
    is(async_barrier_waiting(&b), 0);
    is(await_task(x), 0);
    is(await_task(y), 1);
    is_trail("x=0 y=1");
    return 0;
}

CASE(rounds_do_not_mix)
{
    async_barrier b = ASYNC_BARRIER(2);
    ok(await_gather(NULL, meets_again(&b, "a", 3), meets_again(&b, "b", 3)));
    is_trail("b=1 a=0 a=1 b=0 b=1 a=0");
    return 0;
}

CASE(one_party)
{
    async_barrier b = ASYNC_BARRIER(1), none = ASYNC_BARRIER(0);
    ok(await_barrier_wait(&b));
    ok(await_barrier_wait(&b));
    is(await_barrier_wait(&none), -EINVAL);
    return 0;
}

/* Five come to a barrier of two: the late ones stand in line, and each round has its numbers once. */
CASE(late_comers_wait_for_the_next_round)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto x = async_create_task(meets(&b, "x"));
    ok(await_sleep(1));
    is(await_barrier_wait(&b), 1); /* x is released, and has not run */
    is(await_wait_for(meets(&b, "me"), 1), -ETIMEDOUT);
    is_trail("x=0 me=-ECANCELED");
    forget_trail();
    ok(await_gather_all(NULL, meets(&b, "p"), meets(&b, "q"), meets(&b, "r"), meets(&b, "s")));
    is_trail("q=1 p=0 r=0 s=1");
    is(async_barrier_waiting(&b), 0);
    return 0;
}

/* Cancelling one while the round fills just lowers the count; the numbers have no gap. */
CASE(cancelled_while_filling)
{
    async_barrier b = ASYNC_BARRIER(3);
    await_task_auto x = async_create_task(meets(&b, "x"));
    await_task_auto y = async_create_task(meets(&b, "y"));
    ok(await_sleep(1));
    async_task_cancel(x);
    is(await_task(x), -ECANCELED);
    is(async_barrier_waiting(&b), 1);
    await_task_auto z = async_create_task(meets(&b, "z"));
    ok(await_sleep(1));
    is(await_barrier_wait(&b), 2);
    is(await_task(y), 0);
    is(await_task(z), 1);
    return 0;
}

ASYNC_DEF(meets_then_sleeps, (async_barrier *)b)
{
    int r = await_barrier_wait(b);
    note("%s", shown(r));
    return await_sleep(0);
}

/* The one who is cancelled has not run yet when another one comes, or when the barrier is reset. */
CASE(cancelled_a_moment_before)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto gone = async_create_task(meets(&b, "gone"));
    ok(await_sleep(1));
    await_task_auto comes = async_create_task(meets(&b, "comes"));
    async_task_cancel(gone); /* "comes" is ready already, and runs before it */
    ok(await_sleep(1));
    is_trail("gone=-ECANCELED");
    is(async_barrier_waiting(&b), 1);
    is(await_barrier_wait(&b), 1);
    is(await_task(comes), 0);
    await_task_auto last = async_create_task(meets(&b, "last"));
    ok(await_sleep(1));
    async_task_cancel(last);
    async_barrier_reset(&b);
    is(await_task(last), -ECANCELED);
    is(async_barrier_waiting(&b), 0);
    return 0;
}

/* It was released: it has its number, and the next await_ fails. */
CASE(released_then_cancelled)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto x = async_create_task(meets_then_sleeps(&b));
    ok(await_sleep(1));
    is(await_barrier_wait(&b), 1);
    async_task_cancel(x);
    is(await_task(x), -ECANCELED);
    is_trail("0");
    return 0;
}

CASE(comes_cancelled)
{
    async_barrier b = ASYNC_BARRIER(1);
    async_task_cancel(async_current_task());
    is(await_barrier_wait(&b), -ECANCELED);
    async_uncancel();
    ok(await_barrier_wait(&b));
    return 0;
}

CASE(reset_while_filling)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto x = async_create_task(meets(&b, "x"));
    ok(await_sleep(1));
    async_barrier_reset(&b);
    is_false(async_barrier_broken(&b));
    is(async_barrier_waiting(&b), 0);
    await_task_auto y = async_create_task(meets(&b, "y"));
    ok(await_sleep(1));
    is_trail("x=-EPIPE");
    is(await_barrier_wait(&b), 1);
    is(await_task(x), -EPIPE);
    ok(await_task(y));
    return 0;
}

/* Who is released and not back is reached too; who came late goes on into a round that is whole. */
CASE(reset_while_draining)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto x = async_create_task(meets(&b, "x"));
    ok(await_sleep(1));
    await_task_auto y = async_create_task(meets(&b, "y"));
    await_task_auto z = async_create_task(meets(&b, "z"));
    is(await_barrier_wait(&b), 1);
    async_barrier_reset(&b);
    is(await_task(x), -EPIPE);
    ok(await_task(y));
    is(await_task(z), 1);
    is_trail("x=-EPIPE y=0 z=1");
    return 0;
}

CASE(abort_breaks_it_for_all)
{
    async_barrier b = ASYNC_BARRIER(3);
    await_task_auto x = async_create_task(meets(&b, "x"));
    await_task_auto y = async_create_task(meets(&b, "y"));
    ok(await_sleep(1));
    async_barrier_abort(&b);
    is_true(async_barrier_broken(&b));
    is(await_barrier_wait(&b), -EPIPE);
    is(await_task(x), -EPIPE);
    is(await_task(y), -EPIPE);
    async_barrier_reset(&b);
    is_false(async_barrier_broken(&b));
    ok(await_gather_all(NULL, meets(&b, "p"), meets(&b, "q"), meets(&b, "r")));
    return 0;
}

CASE(abort_while_draining)
{
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto x = async_create_task(meets(&b, "x"));
    ok(await_sleep(1));
    await_task_auto late = async_create_task(meets(&b, "late"));
    is(await_barrier_wait(&b), 1);
    ok(await_sleep(0)); /* late stands in line, x is back */
    is_trail("x=0");
    is(await_barrier_wait(&b), 1);
    async_barrier_abort(&b);
    is(await_task(late), -EPIPE);
    is(await_barrier_wait(&b), -EPIPE);
    return 0;
}

static void aborts(void *b)
{
    async_barrier_abort(b);
}

/* Who came late is reached while it still stands apart. */
CASE(abort_reaches_late_comers)
{
    async_barrier b = ASYNC_BARRIER(2);
    async_callback cb = { 0 };
    await_task_auto x = async_create_task(meets(&b, "x"));
    ok(await_sleep(1));
    await_task_auto late = async_create_task(meets(&b, "late"));
    async_call_soon(&cb, aborts, &b);
    is(await_barrier_wait(&b), 1);
    is(await_task(late), -EPIPE);
    is(await_task(x), -EPIPE);
    is_trail("x=-EPIPE late=-EPIPE");
    return 0;
}

/* Rounds are told apart by a number that begins anew some day. */
CASE(round_after_a_very_long_time)
{
    async_barrier b = ASYNC_BARRIER(2);
    b.mark = INT_MAX - 1;
    for (int i = 0; i < 4; i++) {
        await_task_auto t = async_create_task(meets(&b, "x"));
        ok(await_sleep(1));
        is(await_barrier_wait(&b), 1);
        ok(await_task(t));
    }
    return 0;
}

SUITE("barrier", round_after_a_very_long_time, numbers_in_the_order_of_arrival, rounds_do_not_mix,
      one_party, late_comers_wait_for_the_next_round, cancelled_while_filling,
      cancelled_a_moment_before, released_then_cancelled, comes_cancelled, reset_while_filling,
      reset_while_draining, abort_breaks_it_for_all, abort_while_draining, abort_reaches_late_comers)
