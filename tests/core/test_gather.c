/* SPDX-License-Identifier: MIT */
/* Tests of await_gather() and await_gather_all(). */
#include "gather.h"

LOOP_TEST(gather_returns_results_in_argument_order)
{
    int r[3] = { 0 };
    expect_ok(await_gather(r, value(1, 3), value(2, 1), value(3, 2)));
    expect_int(r[0], 1);
    expect_int(r[1], 2);
    expect_int(r[2], 3);
    expect_time(3);
    expect_ok(await_gather(NULL, value(4, 0)));
    return 0;
}

LOOP_TEST(gather_of_nothing_succeeds_and_race_is_refused)
{
    expect_ok(await_gather_n(NULL, 0, NULL));
    expect_ok(await_gather_all_n(NULL, 0, NULL));
    expect_int(await_race_n(NULL, 0, NULL), -EINVAL);
    async_task_cancel(async_current_task());
    expect_int(await_gather_n(NULL, 0, NULL), -ECANCELED);
    expect_int(await_gather_all_n(NULL, 0, NULL), -ECANCELED);
    expect_int(await_race_n(NULL, 0, NULL), -ECANCELED);
    async_uncancel();
    return 0;
}

/* Five children, and the second one fails. The others are cancelled and awaited. */
LOOP_TEST(first_failure_cancels_others_and_writes_no_results)
{
    int r[5] = { 7, 7, 7, 7, 7 };
    expect_int(await_gather(r, value(1, 1), value(-EIO, 2), value(3, 3), value(4, 4),
                            fails_late(-EPROTO)),
               -EIO);
    expect_events("1 -5 3! 4! late");
    expect_time(4);
    for (size_t i = 0; i < countof(r); i++)
        expect_int(r[i], 7);
    expect_ok(await_sleep(0));
    return 0;
}

ASYNC_DEF(cancels_itself)
{
    async_task_cancel(async_current_task());
    return await_sleep(1);
}

LOOP_TEST(cancelled_child_is_first_failure_of_gather)
{
    expect_int(await_gather(NULL, value(1, 5), cancels_itself()), -ECANCELED);
    expect_events("1!");
    expect_time(0);
    expect_ok(await_sleep(0));
    return 0;
}

LOOP_TEST(gather_all_returns_errors_and_cancellations_as_results)
{
    int r[4] = { 0 };
    expect_int(await_gather_all(r, value(1, 3), value(-EIO, 1), cancels_itself(), value(4, 2)), 2);
    expect_int(r[0], 1);
    expect_int(r[1], -EIO);
    expect_int(r[2], -ECANCELED);
    expect_int(r[3], 4);
    expect_time(3);
    return 0;
}

ASYNC_DEF(loops_around_gather, (int *)rounds)
{
    for (;;) {
        int r[2] = { 7, 7 };
        ++*rounds;
        int n = await_gather_all(r, value(1, 1), value(2, 3));
        if (n < 0) {
            expect_text(async_cancel_cause().why, "over");
            expect_int(r[0], 1); /* the results are written, because all have ended */
            expect_int(r[1], -ECANCELED);
            return n;
        }
    }
}

/* The cancellation keeps its reason. */
LOOP_TEST(cancel_of_gather_all_ends_loop_around_it)
{
    int rounds = 0;
    await_task_auto t = async_create_task(loops_around_gather(&rounds));
    expect_ok(await_sleep(5));
    async_task_cancel(t, .reason = "over");
    expect_int(await_task(t), -ECANCELED);
    expect_int(rounds, 2);
    return 0;
}

ASYNC_DEF(gathers, (int *)results)
{
    int r = await_gather_n((const async_co[]){ value(1, 1), fails_late(-EIO) }, 2, results);
    log_event("gather=%s", result_text(r));
    return r;
}

/* All children have ended by then. */
LOOP_TEST(cancelled_gather_returns_error_of_child)
{
    int r[2] = { 7, 7 };
    await_task_auto t = async_create_task(gathers(r));
    expect_ok(await_sleep(2));
    async_task_cancel(t);
    expect_int(await_task(t), -EIO);
    expect_events("1 late gather=-EIO");
    expect_int(r[0], 7);
    expect_time(4);
    return 0;
}

ASYNC_DEF(cancels_at, (async_task **)t, (double)seconds)
{
    expect_ok(await_sleep(seconds));
    expect_ok(await_sleep(0));
    log_event("cancel");
    expect_true(async_task_cancel(*t));
    return 0;
}

ASYNC_DEF(gathers_twice, (int *)results)
{
    int first = await_gather(results, value(1, 1), value(2, 1)), second = await_sleep(0);
    log_event("%s %s", result_text(first), result_text(second));
    return 0;
}

/* The results are delivered. */
LOOP_TEST(cancel_after_gather_succeeded_fails_next_await)
{
    int r[2] = { 0 };
    async_task *victim = NULL;
    await_task_auto t = async_create_task(gathers_twice(r));
    await_task_auto k = async_create_task(cancels_at(&victim, 1));
    victim = t;
    expect_ok(await_task(k));
    expect_ok(await_task(t));
    expect_int(r[0], 1);
    expect_int(r[1], 2);
    expect_contains(event_log, "0 -ECANCELED");
    return 0;
}

ASYNC_DEF(hands_over, (async_task *)t)
{
    return await_task(t);
}

/* Coroutine objects are values. A task that is given several times has one result for all. */
LOOP_TEST(same_coroutine_given_twice_runs_twice)
{
    int r[3] = { 0 };
    await_task_auto t = async_create_task(value(5, 1));
    expect_ok(await_gather(r, async_joining(t), async_joining(t), hands_over(t)));
    expect_events("5");
    expect_int(r[0], 5);
    expect_int(r[1], 5);
    expect_int(r[2], 5);
    async_co co = value(6, 0);
    expect_ok(await_gather(r, co, co));
    expect_events("5 6 6");
    return 0;
}

/* The joined task does not belong to the gather. */
LOOP_TEST(gather_of_joins_that_times_out_leaves_task_running)
{
    int r;
    await_task_auto t = async_create_task(value(5, 3));
    await_timeout (r, 1)
        r = await_gather(NULL, async_joining(t), value(6, 2));
    expect_int(r, -ETIMEDOUT);
    expect_false(async_task_done(t));
    expect_int(await_task(t), 5);
    expect_time(3);
    return 0;
}

LOOP_TEST(gather_of_thousand_returns_all_results)
{
    enum { N = 1000 };
    static async_co cos[N];
    static int results[N];
    for (int i = 0; i < N; i++)
        cos[i] = value(i, (N - i) % 10);
    expect_ok(await_gather_n(cos, 100, results));
    for (int i = 0; i < 100; i++)
        expect_int(results[i], i);
    for (int i = 0; i < N; i++)
        cos[i] = async_sleep(i % 10);
    expect_ok(await_gather_n(cos, N, results));
    return 0;
}

ASYNC_DEF(sleeps_in_a_shield)
{
    int r;
    await_shield (r)
        r = await_sleep(2);
    return r;
}

ASYNC_DEF(gathers_two, (int *)result)
{
    *result = await_gather(NULL, async_sleep(100), sleeps_in_a_shield());
    return 0;
}

ASYNC_DEF(withdraws_its_cancellation, (int *)result)
{
    int r, s;
    await_group (r, g) {
        async_spawn(g, gathers_two(result));
        ASYNC_TRY(await_sleep(1));
        expect_true(async_task_cancel(async_current_task()));
        await_shield (s)
            s = await_sleep(0);
        expect_ok(async_uncancel());
    }
    return r;
}

/* The child may end before the cancellation is withdrawn, and the task that gathers may run only
 * afterwards. */
TEST(gather_of_cancelled_child_fails_although_cancellation_was_withdrawn)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        int result = 0;
        expect_run_ok(withdraws_its_cancellation(&result), .seed = seed);
        expect_int(result, -ECANCELED);
    }
}

SUITE("core-gather", gather_returns_results_in_argument_order,
      gather_of_nothing_succeeds_and_race_is_refused,
      first_failure_cancels_others_and_writes_no_results,
      cancelled_child_is_first_failure_of_gather,
      gather_all_returns_errors_and_cancellations_as_results,
      cancel_of_gather_all_ends_loop_around_it, cancelled_gather_returns_error_of_child,
      cancel_after_gather_succeeded_fails_next_await, same_coroutine_given_twice_runs_twice,
      gather_of_joins_that_times_out_leaves_task_running, gather_of_thousand_returns_all_results,
      gather_of_cancelled_child_fails_although_cancellation_was_withdrawn)
