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
    is(await_next(&g, &x), 0); /* it has ended */
    await_gen_drop(&g.gen);
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

/* --- however the loop is left --- */

ASYNC_DEF(says, (const char *)word)
{
    note("%s", word);
    return 0;
}

/* Holds something over its yields; its cleanup suspends. */
ASYNC_GEN(int, holds, (const char *)word)
{
    int r, s;
    await_with (r, ((async_hold){ says("open"), says(word) })) {
        for (int i = 0; r == 0; i++)
            r = await_yield(i);
        await_shield (s)
            ok(await_sleep(1));
    }
    return r == -ECANCELED ? 0 : r;
}

ASYNC_DEF(returns_from_it)
{
    int r;
    await_for_each (r, x, holds("closed"))
        if (x == 2)
            return x;
    return r;
}

ASYNC_DEF(goes_from_it)
{
    int r;
    await_for_each (r, x, holds("closed"))
        if (x == 2)
            goto out;
    return r;
out:
    note("out");
    return 2;
}

ASYNC_DEF(fails_from_it)
{
    int r;
    await_for_each (r, x, holds("closed"))
        ASYNC_TRY(x == 2 ? -EIO : 0);
    return r;
}

ASYNC_DEF(sleeps_in_it)
{
    int r;
    await_for_each (r, x, holds("closed"))
        ASYNC_TRY(await_sleep(x == 2 ? 100 : 0));
    return r;
}

CASE(left_by_return_goto_and_error)
{
    is(await_returns_from_it(), 2);
    is_trail("open closed");
    is_time(1); /* its cleanup has been awaited */
    is(await_goes_from_it(), 2);
    is_trail("open closed open closed out");
    is_time(2);
    is(await_fails_from_it(), -EIO);
    is_trail("open closed open closed out open closed");
    is_time(3);
    return 0;
}

CASE(left_by_a_cancel)
{
    await_task_auto t = async_create_task(sleeps_in_it());
    ok(await_sleep(1));
    async_task_cancel(t);
    is(await_task(t), -ECANCELED);
    is_trail("open closed");
    is_time(2);
    int r;
    forget_trail();
    await_timeout (r, 5)
        ASYNC_TRY(await_sleeps_in_it() == -ECANCELED ? 0 : -EIO);
    is(r, -ETIMEDOUT);
    is_trail("open closed");
    is_time(8);
    return 0;
}

ASYNC_DEF(iterates_over_long, (count_gen_ *)g)
{
    int x;
    return await_next(g, &x);
}

/* Cancelled while the generator works on the next item. */
CASE(cancelled_at_work)
{
    int r;
    await_timeout (r, 2.5)
        await_for_each (r, x, count(100, 0))
            note("%d", x);
    is(r, -ETIMEDOUT);
    is_trail("0 1");
    return 0;
}

ASYNC_DEF(leaves_a_loop_behind)
{
    async_spawn(async_background(), sleeps_in_it());
    ok(await_sleep(1));
    note("returns");
    return 0;
}

START_TEST(left_at_loop_close)
{
    RUN(leaves_a_loop_behind());
    is_trail("open returns closed");
}
END_TEST

static count_gen_ lost;

ASYNC_DEF(loses_a_generator)
{
    int x;
    lost = count(9, 0);
    is(await_next(&lost, &x), 1);
    note("returns");
    return 0;
}

/* Nobody drops it: the loop ends it all the same. */
START_TEST(lost_at_loop_close)
{
    RUN(loses_a_generator());
    is_trail("returns left:0");
}
END_TEST

ASYNC_GEN(int, inner, (const char *)word)
{
    for (int i = 0;; i++) {
        int r = await_yield(i);
        if (r < 0) {
            note("%s", word);
            return r;
        }
    }
}

ASYNC_GEN(int, outer, (int)n)
{
    int r;
    await_for_each (r, x, inner("inner")) {
        int e = await_yield(x);
        if (e < 0) {
            note("outer");
            return e;
        }
        if (x == n)
            break;
    }
    return r;
}

/* Generators in generators end from the outside in, and each is awaited by the one that iterates. */
CASE(nested)
{
    int r;
    await_for_each (r, x, outer(3))
        note("%d", x);
    ok(r);
    is_trail("0 1 2 3 inner");
    forget_trail();
    await_for_each (r, x, outer(3))
        if (x == 1)
            break;
    ok(r);
    is_trail("outer inner");
    return 0;
}

/* It will not listen: a yield after the loop was left fails, in a shield as well. */
ASYNC_GEN(int, stubborn, (int)n)
{
    int s, r = 0;
    await_shield (s) {
        for (int i = 0; i < n && r == 0; i++)
            r = await_yield(i);
        note("%s", shown(r));
        note("%s", shown(await_yield(99)));
    }
    return s < 0 ? s : r == -ECANCELED ? 0 : r;
}

CASE(yields_in_a_shield)
{
    int r;
    await_for_each (r, x, stubborn(5))
        if (x == 1)
            break;
    ok(r);
    is_trail("-ECANCELED -ECANCELED");
    return 0;
}

/* Its failure in the cleanup has nobody to go to: it is reported. */
ASYNC_GEN(int, fails_to_clean_up, (int)n)
{
    ASYNC_TRY(n);
    return await_yield(n) < 0 ? async_fail(-EIO, "not cleaned up") : 0;
}

CASE(cleanup_fails)
{
    int r;
    await_for_each (r, x, fails_to_clean_up(1))
        break;
    ok(r);
    has_text(heard(), "not cleaned up");
    return 0;
}

CASE(never_iterated)
{
    count_gen_ g = count(3, 0);
    await_gen_drop(&g.gen);
    is_trail("");
    return 0;
}

CASE(two_who_iterate)
{
    int x = -1;
    count_gen_ g = count(2, 0);
    await_task_auto t = async_create_task(iterates_over_long(&g));
    ok(await_sleep(0.5));
    is(await_next(&g, &x), -EBUSY);
    has_text(heard(), "of which task");
    is(await_task(t), 1);
    is(await_next(&g, &x), 1);
    is(x, 1);
    await_gen_drop(&g.gen);
    return 0;
}

ASYNC_DEF(iterates_until_the_end, (count_gen_ *)g)
{
    int x, r;
    while ((r = await_next(g, &x)) > 0)
        note("%d", x);
    note("%s", shown(r));
    return r;
}

ASYNC_DEF(drops_what_another_task_iterates_over)
{
    count_gen_ g = count(5, 0);
    await_task_auto t = async_create_task(iterates_until_the_end(&g));
    ok(await_sleep(1.5));
    await_gen_drop(&g.gen);
    memset(&g, 0, sizeof g); /* its memory is the caller's again */
    ok(await_task(t));
    return 0;
}

START_TEST(generator_dropped_while_another_task_waits_for_an_item_ends_that_wait)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        forget_trail();
        RUN(drops_what_another_task_iterates_over(), .seed = seed);
        is_trail("0 0");
    }
}
END_TEST

ASYNC_LOCAL(int, who, 0);

ASYNC_GEN(int, whose, (int)n)
{
    for (int i = 0; i < n; i++)
        ASYNC_TRY(await_yield(async_local_get(who)));
    return 0;
}

/* A generator is a task: it sees what was set when it began. */
CASE(locals_of_who_iterates)
{
    int r;
    ok(async_local_set(who, 7));
    await_for_each (r, x, whose(2)) {
        is(x, 7);
        ok(async_local_set(who, 8));
    }
    return r;
}

CASE(yield_outside_of_a_generator)
{
    int item = 1;
    is(await_gen_yield(&item), -EPERM);
    has_text(heard(),
             "await_yield() in task \"yield_outside_of_a_generator_case\", which does not run a generator");
    return 0;
}

SUITE("gen", generator_dropped_while_another_task_waits_for_an_item_ends_that_wait,
      yield_outside_of_a_generator, items_in_order, left_early, cancelled_before_the_item,
      no_item_is_lost, dropped_with_an_item, error_after_a_cancelled_call,
      left_by_return_goto_and_error, left_by_a_cancel, cancelled_at_work, left_at_loop_close,
      lost_at_loop_close, nested, yields_in_a_shield, cleanup_fails, never_iterated,
      two_who_iterate, locals_of_who_iterates)
