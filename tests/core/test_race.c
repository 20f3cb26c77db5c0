/* SPDX-License-Identifier: MIT */
/* Tests of await_race(), also as a select. */
#include "gather.h"

LOOP_TEST(race_returns_first_and_awaits_cancelled_losers)
{
    int result = 0;
    expect_int(await_race(&result, value(1, 3), value(2, 1), fails_late(-EIO)), 1);
    expect_int(result, 2);
    expect_events("2 1! late");
    expect_time(3); /* the losers have ended */
    expect_ok(await_sleep(0));
    return 0;
}

LOOP_TEST(race_may_be_won_by_error)
{
    int result = 0;
    expect_int(await_race(&result, value(1, 3), value(-EIO, 1)), 1);
    expect_int(result, -EIO);
    return 0;
}

LOOP_TEST(race_of_two_that_end_together_has_one_winner)
{
    int result = 0;
    expect_int(await_race(&result, value(1, 2), value(2, 1), value(3, 1)), 1);
    expect_int(result, 2);
    expect_ok(await_race(NULL, value(1, 0), value(2, 0)));
    return 0;
}

ASYNC_DEF(races, (int *)result)
{
    return await_race(result, value(1, 100), fails_late(-EIO));
}

LOOP_TEST(cancelled_race_cancels_and_awaits_all)
{
    int result = 7;
    await_task_auto t = async_create_task(races(&result));
    expect_ok(await_sleep(1));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    expect_int(result, 7);
    expect_events("1! late");
    expect_time(3);
    return 0;
}

/* The cancel comes while the losers end. */
LOOP_TEST(race_won_before_cancel_returns_winner)
{
    int result = 0, r;
    await_timeout (r, 2) {
        r = await_race(&result, value(3, 1), fails_late(0));
        expect_ok(r);
        expect_int(result, 3);
    }
    expect_time(3);
    expect_ok(await_sleep(0));
    return 0;
}

/* --- race as a select over unlike awaitables --- */

typedef async_queue_of(int, 4) int_queue;

ASYNC_DEF(gets, (int_queue *)q, (int *)ret)
{
    return await_queue_get(q, ret);
}

ASYNC_CO(future, (async_future *)f)
ASYNC_CO(event_wait, (async_event *)e)

LOOP_TEST(race_selects_over_different_awaitables)
{
    int r = 0, item = 0;
    int_queue q = ASYNC_QUEUE(q);
    async_future f = { 0 };
    async_event e = { 0 };
    await_task_auto t = async_create_task(value(4, 4));
    await_task_auto put = async_create_task(value(0, 2));
#define SELECT()                                                                                   \
    await_race(&r, gets(&q, &item), future(&f), event_wait(&e), async_joining(t), async_sleep(3))
    expect_int(SELECT(), 4);
    expect_time(3);
    expect_int(SELECT(), 3);
    expect_int(r, 4);
    expect_time(4);
    await_task_drop(&t);
    t = async_create_task(value(0, 9));
    expect_ok(async_queue_put_nowait(&q, 5));
    expect_ok(SELECT());
    expect_int(item, 5);
    expect_ok(async_future_set_result(&f, 6));
    expect_int(SELECT(), 1);
    expect_int(r, 6);
    async_queue_shutdown(&q, false);
    r = 0;
    async_future pending = { 0 };
    /* a closed queue is ready, too */
    expect_int(await_race(&r, future(&pending), gets(&q, &item)), 1);
    expect_int(r, -EPIPE);
    return 0;
}

ASYNC_DEF(puts_both, (int_queue *)first, (int_queue *)second)
{
    expect_ok(await_sleep(1));
    expect_ok(async_queue_put_nowait(first, 1));
    expect_ok(async_queue_put_nowait(second, 2));
    return 0;
}

/* Both queues become ready in one iteration. The item of the loser stays in its queue. */
LOOP_TEST(race_over_two_queues_takes_one_item)
{
    int r, got[2] = { 0 };
    int_queue q[2] = { ASYNC_QUEUE(q[0]), ASYNC_QUEUE(q[1]) };
    for (int first = 0; first < 2; first++) {
        await_task_auto t = async_create_task(puts_both(&q[first], &q[!first]));
        got[0] = got[1] = 0;
        expect_int(await_race(&r, gets(&q[0], &got[0]), gets(&q[1], &got[1])), first);
        expect_ok(r);
        expect_int(got[first], 1);
        expect_ok(got[!first]);
        expect_ok(async_queue_count(&q[first]));
        expect_ok(async_queue_get_nowait(&q[!first], &r));
        expect_int(r, 2);
        expect_ok(await_task(t));
    }
    /* no coroutine is ready, and the timeout is 0 */
    expect_int(await_wait_for(gets(&q[0], &r), 0), -ETIMEDOUT);
    return 0;
}

LOOP_TEST(race_over_ready_queues_starves_none)
{
    int won[3] = { 0 }, item;
    int_queue q[3] = { ASYNC_QUEUE(q[0]), ASYNC_QUEUE(q[1]), ASYNC_QUEUE(q[2]) };
    for (int i = 0; i < 300; i++) {
        for (int k = 0; k < 3; k++)
            async_ignore(async_queue_put_nowait(&q[k], k));
        int k = await_race(NULL, gets(&q[0], &item), gets(&q[1], &item), gets(&q[2], &item));
        expect_int(item, k);
        expect_true(i > 0 || k == 0);
        won[k]++;
        k = await_race(NULL, gets(&q[0], &item), async_sleep(0)); /* another race in between */
        expect_true(k == 0 || k == 1);
    }
    for (int k = 0; k < 3; k++)
        expect_that(won[k] > 30, "%d won %d of 300", k, won[k]);
    return 0;
}

ASYNC_GEN(int, counts, (int)n)
{
    for (int i = 0; i < n; i++) {
        ASYNC_TRY(await_sleep(1));
        ASYNC_TRY(await_yield(i));
    }
    return 0;
}

ASYNC_DEF(next, (counts_gen_ *)g, (int *)ret)
{
    return await_gen_next(&g->gen, ret, sizeof *ret);
}

/* Both have an item in the same iteration. The loser's item is its next one. */
LOOP_TEST(race_over_generators_loses_no_item)
{
    int a = -1, b = -1, r, sum = 0, rounds = 0;
    counts_gen_ g = counts(3), h = counts(3);
    for (; rounds < 6; rounds++) {
        int k = await_race(&r, next(&g, &a), next(&h, &b));
        expect_int(r, 1);
        sum += k == 0 ? a : b;
    }
    expect_int(sum, 6);
    expect_ok(await_next(&g, &a));
    expect_ok(await_next(&h, &a));
    await_gen_drop(&g.gen);
    await_gen_drop(&h.gen);
    return 0;
}

SUITE("core-race", race_returns_first_and_awaits_cancelled_losers, race_may_be_won_by_error,
      race_of_two_that_end_together_has_one_winner, cancelled_race_cancels_and_awaits_all,
      race_won_before_cancel_returns_winner, race_selects_over_different_awaitables,
      race_over_two_queues_takes_one_item, race_over_ready_queues_starves_none,
      race_over_generators_loses_no_item)
