/* SPDX-License-Identifier: MIT */
/* Tests of generators: how items are handed over, and what remains after a cancelled consumer. */
#include "../frame/loop_test.h"

ASYNC_GEN(int, count, (int)n, (int)end)
{
    for (int i = 0; i < n; i++) {
        ASYNC_TRY(await_sleep(1));
        int r = await_yield(i);
        if (r < 0) {
            log_event("left:%d", i);
            return r;
        }
    }
    ASYNC_TRY(await_sleep(1));
    return end;
}

/* One iteration, as the loop macro does it, so that a test can go on after it was cancelled. */
ASYNC_DEF(next, (count_gen_ *)g, (int *)ret)
{
    return await_gen_next(&g->gen, ret, sizeof *ret);
}

LOOP_TEST(generator_yields_items_in_order_then_its_result)
{
    int r;
    await_for_each (r, x, count(3, 0))
        log_event("%d", x);
    expect_ok(r);
    await_for_each (r, x, count(2, -EIO))
        log_event("%d", x);
    expect_int(r, -EIO);
    expect_events("0 1 2 0 1");
    expect_time(7);
    return 0;
}

LOOP_TEST(loop_left_early_ends_generator)
{
    int r;
    await_for_each (r, x, count(3, 0)) {
        if (x == 1)
            break;
    }
    expect_ok(r);
    expect_events("left:1");
    return 0;
}

LOOP_TEST(consumer_cancelled_before_item_receives_it_next_time)
{
    int x = -1;
    count_gen_ g = count(2, 0);
    expect_int(await_wait_for(next(&g, &x), 0.5), -ETIMEDOUT);
    expect_int(await_next(&g, &x), 1);
    expect_ok(x);
    expect_time(1);
    await_gen_drop(&g.gen);
    return 0;
}

LOOP_TEST(item_that_comes_while_no_task_waits_is_kept)
{
    int x = -1;
    count_gen_ g = count(3, 0);
    expect_int(await_wait_for(next(&g, &x), 0.5), -ETIMEDOUT);
    expect_ok(await_sleep(10));
    expect_int(x, -1);
    for (int i = 0; i < 3; i++) {
        expect_int(await_next(&g, &x), 1);
        expect_int(x, i);
    }
    expect_ok(await_next(&g, &x));
    expect_ok(await_next(&g, &x));
    await_gen_drop(&g.gen);
    return 0;
}

LOOP_TEST(generator_dropped_with_item_ends)
{
    int x = -1;
    count_gen_ g = count(3, 0);
    expect_int(await_wait_for(next(&g, &x), 0.5), -ETIMEDOUT);
    expect_ok(await_sleep(10));
    await_gen_drop(&g.gen);
    expect_events("left:0");
    expect_ok(await_next(&g, &x)); /* it has ended */
    await_gen_drop(&g.gen);
    return 0;
}

/* It counts as retrieved. */
LOOP_TEST(error_that_comes_while_no_task_waits_is_returned_next_time)
{
    int x = -1;
    count_gen_ g = count(0, -EIO);
    expect_int(await_wait_for(next(&g, &x), 0.5), -ETIMEDOUT);
    expect_ok(await_sleep(10));
    expect_int(await_next(&g, &x), -EIO);
    await_gen_drop(&g.gen);
    return 0;
}

/* --- however the loop is left --- */

ASYNC_DEF(log_word, (const char *)word)
{
    log_event("%s", word);
    return 0;
}

/* Holds an object while it yields. Its cleanup suspends. */
ASYNC_GEN(int, holds, (const char *)word)
{
    int r, s;
    await_with (r, ((async_context_manager){ log_word("open"), log_word(word) })) {
        for (int i = 0; r == 0; i++)
            r = await_yield(i);
        await_shield (s)
            expect_ok(await_sleep(1));
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
    log_event("out");
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

LOOP_TEST(loop_left_by_return_goto_or_error_awaits_cleanup_of_generator)
{
    expect_int(await_returns_from_it(), 2);
    expect_events("open closed");
    expect_time(1); /* its cleanup has been awaited */
    expect_int(await_goes_from_it(), 2);
    expect_events("open closed open closed out");
    expect_time(2);
    expect_int(await_fails_from_it(), -EIO);
    expect_events("open closed open closed out open closed");
    expect_time(3);
    return 0;
}

LOOP_TEST(cancelled_consumer_awaits_cleanup_of_generator)
{
    await_task_auto t = async_create_task(sleeps_in_it());
    expect_ok(await_sleep(1));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    expect_events("open closed");
    expect_time(2);
    int r;
    clear_events();
    await_timeout (r, 5)
        ASYNC_TRY(await_sleeps_in_it() == -ECANCELED ? 0 : -EIO);
    expect_int(r, -ETIMEDOUT);
    expect_events("open closed");
    expect_time(8);
    return 0;
}

ASYNC_DEF(iterates_over_long, (count_gen_ *)g)
{
    int x;
    return await_next(g, &x);
}

LOOP_TEST(timeout_while_generator_works_ends_loop)
{
    int r;
    await_timeout (r, 2.5)
        await_for_each (r, x, count(100, 0))
            log_event("%d", x);
    expect_int(r, -ETIMEDOUT);
    expect_events("0 1");
    return 0;
}

ASYNC_DEF(leaves_a_loop_behind)
{
    async_spawn(async_background(), sleeps_in_it());
    expect_ok(await_sleep(1));
    log_event("returns");
    return 0;
}

TEST(generator_is_ended_when_loop_closes)
{
    expect_run_ok(leaves_a_loop_behind());
    expect_events("open returns closed");
}

static count_gen_ lost;

ASYNC_DEF(loses_a_generator)
{
    int x;
    lost = count(9, 0);
    expect_int(await_next(&lost, &x), 1);
    log_event("returns");
    return 0;
}

TEST(lost_generator_is_ended_when_loop_closes)
{
    expect_run_ok(loses_a_generator());
    expect_events("returns left:0");
}

ASYNC_GEN(int, inner, (const char *)word)
{
    for (int i = 0;; i++) {
        int r = await_yield(i);
        if (r < 0) {
            log_event("%s", word);
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
            log_event("outer");
            return e;
        }
        if (x == n)
            break;
    }
    return r;
}

/* Each one is awaited by the one that iterates over it. */
LOOP_TEST(nested_generators_end_from_outside_in)
{
    int r;
    await_for_each (r, x, outer(3))
        log_event("%d", x);
    expect_ok(r);
    expect_events("0 1 2 3 inner");
    clear_events();
    await_for_each (r, x, outer(3))
        if (x == 1)
            break;
    expect_ok(r);
    expect_events("outer inner");
    return 0;
}

/* A generator that ignores cancellation. A yield after the loop was left fails, in a shield as
 * well. */
ASYNC_GEN(int, stubborn, (int)n)
{
    int s, r = 0;
    await_shield (s) {
        for (int i = 0; i < n && r == 0; i++)
            r = await_yield(i);
        log_event("%s", result_text(r));
        log_event("%s", result_text(await_yield(99)));
    }
    return s < 0 ? s : r == -ECANCELED ? 0 : r;
}

LOOP_TEST(yield_after_loop_was_left_fails_even_in_shield)
{
    int r;
    await_for_each (r, x, stubborn(5))
        if (x == 1)
            break;
    expect_ok(r);
    expect_events("-ECANCELED -ECANCELED");
    return 0;
}

/* A failure in the cleanup has no receiver, so it is reported. */
ASYNC_GEN(int, fails_to_clean_up, (int)n)
{
    ASYNC_TRY(n);
    return await_yield(n) < 0 ? async_fail(-EIO, "not cleaned up") : 0;
}

LOOP_TEST(failure_in_cleanup_of_generator_is_reported)
{
    int r;
    await_for_each (r, x, fails_to_clean_up(1))
        break;
    expect_ok(r);
    expect_contains(captured_stderr(), "not cleaned up");
    return 0;
}

LOOP_TEST(generator_never_iterated_never_runs)
{
    count_gen_ g = count(3, 0);
    await_gen_drop(&g.gen);
    expect_events("");
    return 0;
}

LOOP_TEST(second_task_that_iterates_is_refused_with_message)
{
    int x = -1;
    count_gen_ g = count(2, 0);
    await_task_auto t = async_create_task(iterates_over_long(&g));
    expect_ok(await_sleep(0.5));
    expect_int(await_next(&g, &x), -EBUSY);
    expect_contains(captured_stderr(), "of which task");
    expect_int(await_task(t), 1);
    expect_int(await_next(&g, &x), 1);
    expect_int(x, 1);
    await_gen_drop(&g.gen);
    return 0;
}

ASYNC_DEF(iterates_until_the_end, (count_gen_ *)g)
{
    int x, r;
    while ((r = await_next(g, &x)) > 0)
        log_event("%d", x);
    log_event("%s", result_text(r));
    return r;
}

ASYNC_DEF(drops_what_another_task_iterates_over)
{
    count_gen_ g = count(5, 0);
    await_task_auto t = async_create_task(iterates_until_the_end(&g));
    expect_ok(await_sleep(1.5));
    await_gen_drop(&g.gen);
    memset(&g, 0, sizeof g); /* its memory is the caller's again */
    expect_ok(await_task(t));
    return 0;
}

TEST(generator_dropped_while_another_task_waits_ends_that_wait)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        clear_events();
        expect_run_ok(drops_what_another_task_iterates_over(), .seed = seed);
        expect_events("0 0");
    }
}

ASYNC_LOCAL(int, user, 0);

ASYNC_GEN(int, read_user, (int)n)
{
    for (int i = 0; i < n; i++)
        ASYNC_TRY(await_yield(async_local_get(user)));
    return 0;
}

/* A generator is a task: it has a copy of the variables as they were when it started. */
LOOP_TEST(generator_runs_in_context_of_its_first_iteration)
{
    int r;
    expect_ok(async_local_set(user, 7));
    await_for_each (r, x, read_user(2)) {
        expect_int(x, 7);
        expect_ok(async_local_set(user, 8));
    }
    return r;
}

LOOP_TEST(yield_outside_of_generator_is_refused_with_message)
{
    int item = 1;
    expect_int(await_gen_yield(&item), -EPERM);
    expect_contains(captured_stderr(),
                    "await_yield() in task "
                    "\"yield_outside_of_generator_is_refused_with_message_case\", which does not "
                    "run a generator");
    return 0;
}

static void drops(void *gen)
{
    await_gen_drop(gen);
}

LOOP_TEST(generator_dropped_in_callback_ends_later_with_message)
{
    static count_gen_ g;
    async_callback cb = { 0 };
    g = count(2, 0);
    await_task_auto t = async_create_task(iterates_until_the_end(&g));
    expect_ok(await_sleep(0.5));
    async_call_soon(&cb, drops, &g.gen);
    expect_ok(await_task(t));
    expect_contains(captured_stderr(),
                    "the handle of task \"count-3\" is dropped where the task cannot be awaited");
    expect_time(1);
    expect_events("left:0 0");
    return 0;
}

SUITE("core-gen", generator_dropped_while_another_task_waits_ends_that_wait,
      yield_outside_of_generator_is_refused_with_message,
      generator_yields_items_in_order_then_its_result, loop_left_early_ends_generator,
      consumer_cancelled_before_item_receives_it_next_time,
      item_that_comes_while_no_task_waits_is_kept, generator_dropped_with_item_ends,
      error_that_comes_while_no_task_waits_is_returned_next_time,
      loop_left_by_return_goto_or_error_awaits_cleanup_of_generator,
      cancelled_consumer_awaits_cleanup_of_generator, timeout_while_generator_works_ends_loop,
      generator_is_ended_when_loop_closes, lost_generator_is_ended_when_loop_closes,
      nested_generators_end_from_outside_in, yield_after_loop_was_left_fails_even_in_shield,
      failure_in_cleanup_of_generator_is_reported, generator_never_iterated_never_runs,
      second_task_that_iterates_is_refused_with_message,
      generator_runs_in_context_of_its_first_iteration,
      generator_dropped_in_callback_ends_later_with_message)
