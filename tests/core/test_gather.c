/* SPDX-License-Identifier: MIT */
/* Several at once: gather, gather_all, race. */
#include "run.h"

ASYNC_DEF(value, (int)r, (double)after)
{
    int e = await_sleep(after);
    note("%d%s", r, e < 0 ? "!" : "");
    return e < 0 ? e : r;
}

ASYNC_DEF(fails_late, (int)error)
{
    int r = await_sleep(100), s;
    is(r, -ECANCELED);
    await_shield (s)
        ok(await_sleep(2));
    note("late");
    return error;
}

CASE(gather_in_the_order_of_the_calls)
{
    int r[3] = { 0 };
    ok(await_gather(r, value(1, 3), value(2, 1), value(3, 2)));
    is(r[0], 1);
    is(r[1], 2);
    is(r[2], 3);
    is_time(3);
    ok(await_gather(NULL, value(4, 0)));
    return 0;
}

CASE(gather_nothing)
{
    ok(await_gather_n(NULL, 0, NULL));
    ok(await_gather_all_n(NULL, 0, NULL));
    is(await_race_n(NULL, 0, NULL), -EINVAL);
    async_task_cancel(async_current_task());
    is(await_gather_n(NULL, 0, NULL), -ECANCELED);
    is(await_gather_all_n(NULL, 0, NULL), -ECANCELED);
    is(await_race_n(NULL, 0, NULL), -ECANCELED);
    async_uncancel();
    return 0;
}

/* one_exception: five children, the second fails: the others are cancelled and awaited, no result is written. */
CASE(one_exception)
{
    int r[5] = { 7, 7, 7, 7, 7 };
    is(await_gather(r, value(1, 1), value(-EIO, 2), value(3, 3), value(4, 4), fails_late(-EPROTO)),
       -EIO);
    is_trail("1 -5 3! 4! late");
    is_time(4);
    for (size_t i = 0; i < countof(r); i++)
        is(r[i], 7);
    ok(await_sleep(0));
    return 0;
}

ASYNC_DEF(cancels_itself)
{
    async_task_cancel(async_current_task());
    return await_sleep(1);
}

/* A child's own cancellation is a first failure of a gather. */
CASE(child_cancelled)
{
    is(await_gather(NULL, value(1, 5), cancels_itself()), -ECANCELED);
    is_trail("1!");
    is_time(0);
    ok(await_sleep(0));
    return 0;
}

/* result_exception_one_cancellation */
CASE(errors_as_results)
{
    int r[4] = { 0 };
    is(await_gather_all(r, value(1, 3), value(-EIO, 1), cancels_itself(), value(4, 2)), 2);
    is(r[0], 1);
    is(r[1], -EIO);
    is(r[2], -ECANCELED);
    is(r[3], 4);
    is_time(3);
    return 0;
}

ASYNC_DEF(loops_around_gather, (int *)rounds)
{
    for (;;) {
        int r[2] = { 7, 7 };
        ++*rounds;
        int n = await_gather_all(r, value(1, 1), value(2, 3));
        if (n < 0) {
            is_text(async_cancel_cause().why, "over");
            is(r[0], 1); /* the results are written: all have ended */
            is(r[1], -ECANCELED);
            return n;
        }
    }
}

/* cancel_gather_2: the loop does not continue, the cancel comes out with its reason. */
CASE(cancel_gather_2)
{
    int rounds = 0;
    await_task_auto t = async_create_task(loops_around_gather(&rounds));
    ok(await_sleep(5));
    async_task_cancel(t, .reason = "over");
    is(await_task(t), -ECANCELED);
    is(rounds, 2);
    return 0;
}

ASYNC_DEF(gathers, (int *)results)
{
    int r = await_gather_n((const async_co[]){ value(1, 1), fails_late(-EIO) }, 2, results);
    note("gather=%s", shown(r));
    return r;
}

/* Cancelled: so are the children, and all have ended; a child's error then outranks it (SEMANTICS 11). */
CASE(gather_cancelled)
{
    int r[2] = { 7, 7 };
    await_task_auto t = async_create_task(gathers(r));
    ok(await_sleep(2));
    async_task_cancel(t);
    is(await_task(t), -EIO);
    is_trail("1 late gather=-EIO");
    is(r[0], 7);
    is_time(4);
    return 0;
}

ASYNC_DEF(cancels_at, (async_task **)t, (double)seconds)
{
    ok(await_sleep(seconds));
    ok(await_sleep(0));
    note("cancel");
    is_true(async_task_cancel(*t));
    return 0;
}

ASYNC_DEF(gathers_twice, (int *)results)
{
    int first = await_gather(results, value(1, 1), value(2, 1)), second = await_sleep(0);
    note("%s %s", shown(first), shown(second));
    return 0;
}

/* All are done when the cancel comes: the results are delivered; the next await_ fails. */
CASE(gather_done_then_cancelled)
{
    int r[2] = { 0 };
    async_task *victim = NULL;
    await_task_auto t = async_create_task(gathers_twice(r));
    await_task_auto k = async_create_task(cancels_at(&victim, 1));
    victim = t;
    ok(await_task(k));
    ok(await_task(t));
    is(r[0], 1);
    is(r[1], 2);
    has_text(trail, "0 -ECANCELED");
    return 0;
}

ASYNC_DEF(hands_over, (async_task *)t)
{
    return await_task(t);
}

/* duplicate_coroutines: one task, three slots; the same object three times is three calls, as objects are values. */
CASE(duplicate_coroutines)
{
    int r[3] = { 0 };
    await_task_auto t = async_create_task(value(5, 1));
    ok(await_gather(r, async_joining(t), async_joining(t), hands_over(t)));
    is_trail("5");
    is(r[0], 5);
    is(r[1], 5);
    is(r[2], 5);
    async_co co = value(6, 0);
    ok(await_gather(r, co, co));
    is_trail("5 6 6");
    return 0;
}

/* The gather was limited: the joined task is not ours to cancel. */
CASE(gather_of_joins_cancelled)
{
    int r;
    await_task_auto t = async_create_task(value(5, 3));
    await_timeout (r, 1)
        r = await_gather(NULL, async_joining(t), value(6, 2));
    is(r, -ETIMEDOUT);
    is_false(async_task_done(t));
    is(await_task(t), 5);
    is_time(3);
    return 0;
}

CASE(many)
{
    enum { N = 1000 };
    static async_co cos[N];
    static int results[N];
    for (int i = 0; i < N; i++)
        cos[i] = value(i, (N - i) % 10);
    ok(await_gather_n(cos, 100, results));
    for (int i = 0; i < 100; i++)
        is(results[i], i);
    for (int i = 0; i < N; i++)
        cos[i] = async_sleep(i % 10);
    ok(await_gather_n(cos, N, results));
    return 0;
}

/* --- race --- */

CASE(race_first_wins)
{
    int result = 0;
    is(await_race(&result, value(1, 3), value(2, 1), fails_late(-EIO)), 1);
    is(result, 2);
    is_trail("2 1! late");
    is_time(3); /* the losers have ended */
    ok(await_sleep(0));
    return 0;
}

CASE(race_error_wins)
{
    int result = 0;
    is(await_race(&result, value(1, 3), value(-EIO, 1)), 1);
    is(result, -EIO);
    return 0;
}

CASE(race_two_in_one_pass)
{
    int result = 0;
    is(await_race(&result, value(1, 2), value(2, 1), value(3, 1)), 1);
    is(result, 2);
    is(await_race(NULL, value(1, 0), value(2, 0)), 0);
    return 0;
}

ASYNC_DEF(races, (int *)result)
{
    return await_race(result, value(1, 100), fails_late(-EIO));
}

CASE(race_cancelled)
{
    int result = 7;
    await_task_auto t = async_create_task(races(&result));
    ok(await_sleep(1));
    async_task_cancel(t);
    is(await_task(t), -ECANCELED);
    is(result, 7);
    is_trail("1! late");
    is_time(3);
    return 0;
}

/* A success that has happened beats the cancel that comes while the losers end. */
CASE(race_won_then_cancelled)
{
    int result = 0, r;
    await_timeout (r, 2) {
        r = await_race(&result, value(3, 1), fails_late(0));
        is(r, 0);
        is(result, 3);
    }
    is_time(3);
    ok(await_sleep(0));
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

CASE(select_over_unlike_awaitables)
{
    int r = 0, item = 0;
    int_queue q = ASYNC_QUEUE(q);
    async_future f = { 0 };
    async_event e = { 0 };
    await_task_auto t = async_create_task(value(4, 4));
    await_task_auto put = async_create_task(value(0, 2));
#define SELECT()                                                                                   \
    await_race(&r, gets(&q, &item), future(&f), event_wait(&e), async_joining(t), async_sleep(3))
    is(SELECT(), 4);
    is_time(3);
    is(SELECT(), 3);
    is(r, 4);
    is_time(4);
    await_task_drop(&t);
    t = async_create_task(value(0, 9));
    ok(async_queue_put_nowait(&q, 5));
    is(SELECT(), 0);
    is(item, 5);
    ok(async_future_set_result(&f, 6));
    is(SELECT(), 1);
    is(r, 6);
    async_queue_shutdown(&q, false);
    r = 0;
    async_future pending = { 0 };
    is(await_race(&r, future(&pending), gets(&q, &item)), 1); /* closed is ready */
    is(r, -EPIPE);
    return 0;
}

ASYNC_DEF(puts_both, (int_queue *)first, (int_queue *)second)
{
    ok(await_sleep(1));
    ok(async_queue_put_nowait(first, 1));
    ok(async_queue_put_nowait(second, 2));
    return 0;
}

/* choose: two are chosen in one turn: exactly one commits, the other's item stays where it was. */
CASE(choose)
{
    int r, got[2] = { 0 };
    int_queue q[2] = { ASYNC_QUEUE(q[0]), ASYNC_QUEUE(q[1]) };
    for (int first = 0; first < 2; first++) {
        await_task_auto t = async_create_task(puts_both(&q[first], &q[!first]));
        got[0] = got[1] = 0;
        is(await_race(&r, gets(&q[0], &got[0]), gets(&q[1], &got[1])), first);
        ok(r);
        is(got[first], 1);
        is(got[!first], 0);
        is(async_queue_count(&q[first]), 0);
        ok(async_queue_get_nowait(&q[!first], &r));
        is(r, 2);
        ok(await_task(t));
    }
    is(await_wait_for(gets(&q[0], &r), 0), -ETIMEDOUT); /* no clause, limit 0 */
    return 0;
}

/* All are ready all the time: nobody is passed over. */
CASE(select_is_fair)
{
    int won[3] = { 0 }, item;
    int_queue q[3] = { ASYNC_QUEUE(q[0]), ASYNC_QUEUE(q[1]), ASYNC_QUEUE(q[2]) };
    for (int i = 0; i < 300; i++) {
        for (int k = 0; k < 3; k++)
            async_ignore(async_queue_put_nowait(&q[k], k));
        int k = await_race(NULL, gets(&q[0], &item), gets(&q[1], &item), gets(&q[2], &item));
        is(item, k);
        is_true(i > 0 || k == 0);
        won[k]++;
        k = await_race(NULL, gets(&q[0], &item), async_sleep(0)); /* another select between */
        is_true(k == 0 || k == 1);
    }
    for (int k = 0; k < 3; k++)
        ck_assert_msg(won[k] > 30, "%d won %d of 300", k, won[k]);
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

/* Two generators have an item in one turn: the loser's is its next. */
CASE(select_loses_no_item_of_a_generator)
{
    int a = -1, b = -1, r, sum = 0, rounds = 0;
    counts_gen_ g = counts(3), h = counts(3);
    for (; rounds < 6; rounds++) {
        int k = await_race(&r, next(&g, &a), next(&h, &b));
        is(r, 1);
        sum += k == 0 ? a : b;
    }
    is(sum, 6);
    ok(await_next(&g, &a));
    ok(await_next(&h, &a));
    await_gen_drop(&g.gen);
    await_gen_drop(&h.gen);
    return 0;
}

SUITE("gather", gather_in_the_order_of_the_calls, gather_nothing, one_exception, child_cancelled,
      errors_as_results, cancel_gather_2, gather_cancelled, gather_done_then_cancelled,
      duplicate_coroutines, gather_of_joins_cancelled, many, race_first_wins, race_error_wins,
      race_two_in_one_pass, race_cancelled, race_won_then_cancelled, select_over_unlike_awaitables,
      choose, select_is_fair, select_loses_no_item_of_a_generator)
