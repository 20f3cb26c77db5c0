/* SPDX-License-Identifier: MIT */
/* as_completed: results as they come, and whose they are. */
#include "run.h"

ASYNC_DEF(value, (int)r, (double)after)
{
    int e = await_sleep(after);
    if (e < 0)
        note("%d!", r);
    return e < 0 ? e : r;
}

CASE(in_the_order_of_the_ends)
{
    int r;
    await_for_each (r, d, async_as_completed(value(1, 3), value(2, 1), value(-EIO, 2))) {
        note("%zu:%s", d.index, shown(d.result));
        is_time(async_time() < 1.5 ? 1 : async_time() < 2.5 ? 2 : 3);
    }
    ok(r);
    is_trail("1:2 2:-EIO 0:1");
    is_time(3);
    return 0;
}

/* Those that have ended before they are asked for come in the order of their ends too. */
CASE(a_slow_consumer)
{
    int r;
    await_for_each (r, d, async_as_completed(value(1, 3), value(2, 1), value(3, 1), value(4, 2))) {
        note("%zu", d.index);
        ok(await_sleep(10));
    }
    ok(r);
    is_trail("1 2 3 0");
    is_time(41);
    return 0;
}

ASYNC_DEF(leaves_it, (int)how)
{
    int r;
    await_for_each (r, d, async_as_completed(value(1, 1), value(2, 5), value(3, 6))) {
        is(d.index, 0);
        if (how == 0)
            break;
        if (how == 1)
            return d.result;
        ASYNC_TRY(await_sleep(how == 2 ? 1 : 100));
        return -EIO;
    }
    return r;
}

/* However it is left, the others are cancelled and awaited. */
CASE(left_early)
{
    ok(await_leaves_it(0));
    is_trail("2! 3!");
    is_time(1);
    is(await_leaves_it(1), 1);
    is(await_leaves_it(2), -EIO);
    is(await_wait_for(leaves_it(3), 2), -ETIMEDOUT);
    is_trail("2! 3! 2! 3! 2! 3! 2! 3!");
    is_time(6);
    return 0;
}

ASYNC_DEF(fails, (double)after, (const char *)message)
{
    ASYNC_TRY(await_sleep(after));
    return async_fail(-EIO, "%s", message);
}

CASE(failure_that_a_loop_left_early_has_not_received_is_reported)
{
    int r;
    await_for_each (r, d, async_as_completed(fails(1, "received"), fails(2, "not received"), value(1, 3))) {
        if (d.index == 0)
            ok(await_sleep(5)); /* meanwhile the second one fails */
        break;
    }
    ok(r);
    const char *said = heard();
    has_text(said, "task error was never retrieved:\nfails-");
    has_text(said, "not received");
    is_true(!strstr(said, ": received"));
    return 0;
}

/* A limit applies to the whole iteration. */
CASE(with_a_limit)
{
    int r;
    await_timeout (r, 2.5)
        await_for_each (r, d, async_as_completed(value(1, 1), value(2, 2), value(3, 3)))
            note("%d", d.result);
    is(r, -ETIMEDOUT);
    is_trail("1 2 3!");
    is_time(2.5);
    return 0;
}

CASE(cancelled_ones_are_results)
{
    int r, n = 0;
    await_task_auto t = async_create_task(value(1, 9));
    await_for_each (r, d, async_as_completed(async_joining(t), value(2, 1))) {
        note("%zu:%s", d.index, shown(d.result));
        if (n++ == 0)
            async_task_cancel(t);
    }
    ok(r);
    is_trail("1:2 1! 0:-ECANCELED");
    return 0;
}

CASE(none)
{
    int r;
    await_for_each (r, d, async_as_completed_n(NULL, 0))
        note("%zu", d.index);
    ok(r);
    is_trail("");
    return 0;
}

/* Ten thousand: each is told once. */
CASE(many)
{
    enum { N = 10000 };
    static async_co cos[N];
    static unsigned char told[N];
    int r, last = 0;
    size_t n = 0;
    for (int i = 0; i < N; i++)
        cos[i] = value(i, 1 + (i * 7919 % N) / 100);
    await_for_each (r, d, async_as_completed_n(cos, N)) {
        is(d.result, d.index);
        is(told[d.index]++, 0);
        is_true(1 + ((int)d.index * 7919 % N) / 100 >= last);
        last = 1 + ((int)d.index * 7919 % N) / 100;
        n++;
    }
    ok(r);
    is(n, N);
    return 0;
}

SUITE("completed", failure_that_a_loop_left_early_has_not_received_is_reported,
      in_the_order_of_the_ends, a_slow_consumer, left_early, with_a_limit,
      cancelled_ones_are_results, none, many)
