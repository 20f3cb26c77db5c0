/* SPDX-License-Identifier: MIT */
/* Generators: how items are handed over, and what a cancelled consumer finds afterwards. */
#include "run.h"

ASYNC_GEN(int, count, (int)n, (int)end)
{
    for (int i = 0; i < n; i++) {
        ASYNC_TRY(await_sleep(1));
        int r = await_yield(i);
        if (r < 0) {
            note("left:%d", i);
            return r;
        }
    }
    ASYNC_TRY(await_sleep(1));
    return end;
}

/* The call behind the loop, for who goes on after it was cancelled. */
ASYNC_DEF(next, (count_gen_ *)g, (int *)ret)
{
    return await_gen_next(&g->gen, ret, sizeof *ret);
}

CASE(items_in_order)
{
    int r;
    await_for_each (r, x, count(3, 0))
        note("%d", x);
    ok(r);
    await_for_each (r, x, count(2, -EIO))
        note("%d", x);
    is(r, -EIO);
    is_trail("0 1 2 0 1");
    is_time(7);
    return 0;
}

CASE(left_early)
{
    int r;
    await_for_each (r, x, count(3, 0)) {
        if (x == 1)
            break;
    }
    ok(r);
    is_trail("left:1");
    return 0;
}

CASE(cancelled_before_the_item)
{
    int x = -1;
    count_gen_ g = count(2, 0);
    is(await_wait_for(next(&g, &x), 0.5), -ETIMEDOUT);
    is(await_next(&g, &x), 1);
    is(x, 0);
    is_time(1);
    await_gen_drop(&g.gen);
    return 0;
}

/* It came when nobody asked: it waits for who asks next. */
CASE(no_item_is_lost)
{
    int x = -1;
    count_gen_ g = count(3, 0);
    is(await_wait_for(next(&g, &x), 0.5), -ETIMEDOUT);
    ok(await_sleep(10));
    is(x, -1);
    for (int i = 0; i < 3; i++) {
        is(await_next(&g, &x), 1);
        is(x, i);
    }
    is(await_next(&g, &x), 0);
    is(await_next(&g, &x), 0);
    await_gen_drop(&g.gen);
    return 0;
}

CASE(dropped_with_an_item)
{
    int x = -1;
    count_gen_ g = count(3, 0);
    is(await_wait_for(next(&g, &x), 0.5), -ETIMEDOUT);
    ok(await_sleep(10));
    await_gen_drop(&g.gen);
    is_trail("left:0");
    return 0;
}

/* It failed when nobody asked: who asks next has read it. */
CASE(error_after_a_cancelled_call)
{
    int x = -1;
    count_gen_ g = count(0, -EIO);
    is(await_wait_for(next(&g, &x), 0.5), -ETIMEDOUT);
    ok(await_sleep(10));
    is(await_next(&g, &x), -EIO);
    await_gen_drop(&g.gen);
    return 0;
}

SUITE("gen", items_in_order, left_early, cancelled_before_the_item, no_item_is_lost,
      dropped_with_an_item, error_after_a_cancelled_call)
