/* SPDX-License-Identifier: MIT */
/* Several at once: gather, gather_all. */
#include "gather.h"

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

SUITE("gather", gather_in_the_order_of_the_calls, gather_nothing, one_exception, child_cancelled,
      errors_as_results, cancel_gather_2, gather_cancelled, gather_done_then_cancelled,
      duplicate_coroutines, gather_of_joins_cancelled, many)
