/* SPDX-License-Identifier: MIT */
/* Tests of races whose coroutines start one after the other. */
#include "../frame/loop_test.h"

ASYNC_DEF(attempt, (const char *)name, (int)result, (double)seconds)
{
    log_event("%s", name);
    int r = await_sleep(seconds);
    if (r < 0)
        log_event("%s:%s", name, result_text(r));
    return r < 0 ? r : result < 0 ? async_fail(result, "%s has failed", name) : result;
}

LOOP_TEST(first_success_wins_and_later_ones_never_start)
{
    int result = 0;
    expect_ok(await_staggered_race(&result, 2, attempt("a", 7, 1), attempt("b", 8, 1)));
    expect_int(result, 7);
    expect_events("a");
    expect_time(1);
    return 0;
}

LOOP_TEST(next_coroutine_starts_after_delay)
{
    int result = 0;
    expect_int(await_staggered_race(&result, 2, attempt("a", 7, 10), attempt("b", 8, 1),
                                    attempt("c", 9, 1)),
               1);
    expect_int(result, 8);
    expect_events("a b a:-ECANCELED");
    expect_time(3);
    return 0;
}

LOOP_TEST(next_coroutine_starts_at_once_after_failure)
{
    int result = 0;
    expect_int(await_staggered_race(&result, 5, attempt("a", -EIO, 1), attempt("b", 8, 1)), 1);
    expect_int(result, 8);
    expect_events("a b");
    expect_time(2);
    return 0;
}

/* Only the failure of the coroutine that was started last starts the next one early. */
LOOP_TEST(failure_of_earlier_coroutine_keeps_delay)
{
    expect_int(await_staggered_race(NULL, 2, attempt("a", -EIO, 3), attempt("b", 8, 10),
                                    attempt("c", 9, 1)),
               2);
    expect_events("a b c b:-ECANCELED");
    expect_time(5);
    return 0;
}

LOOP_TEST(all_failed_returns_first_failure)
{
    int result = 1;
    expect_int(await_staggered_race(&result, 1, attempt("a", -EIO, 3), attempt("b", -EPIPE, 1)),
               -EPIPE);
    expect_contains(async_fail_text(-EPIPE), "b has failed");
    expect_int(result, 1);
    expect_time(3);
    return 0;
}

LOOP_TEST(two_successes_at_same_time_have_one_winner)
{
    int result = 0;
    expect_ok(await_staggered_race(&result, 0, attempt("a", 7, 1), attempt("b", 8, 1)));
    expect_int(result, 7);
    expect_time(1);
    return 0;
}

LOOP_TEST(without_delay_all_start_together)
{
    expect_int(await_staggered_race(NULL, 0, attempt("a", 7, 3), attempt("b", 8, 2),
                                    attempt("c", 9, 1)),
               2);
    expect_events("a b c a:-ECANCELED b:-ECANCELED");
    expect_time(1);
    return 0;
}

LOOP_TEST(endless_delay_starts_next_only_after_failure)
{
    expect_int(
            await_staggered_race(NULL, ASYNC_FOREVER, attempt("a", -EIO, 3), attempt("b", 8, 100)),
            1);
    expect_time(103);
    return 0;
}

ASYNC_DEF(races)
{
    return await_staggered_race(NULL, 1, attempt("a", 7, 10), attempt("b", 8, 10),
                                attempt("c", 9, 10));
}

LOOP_TEST(cancelled_staggered_race_leaves_no_task)
{
    expect_int(await_wait_for(races(), 1.5), -ETIMEDOUT);
    expect_events("a b a:-ECANCELED b:-ECANCELED");
    expect_int(async_all_tasks(NULL, 0), 1);
    return 0;
}

LOOP_TEST(cancelled_caller_starts_no_coroutine)
{
    int r;
    await_timeout (r, 0)
        expect_int(await_races(), -ECANCELED);
    expect_events("");
    return 0;
}

LOOP_TEST(staggered_race_of_none_is_refused)
{
    expect_int(await_staggered_race_at(NULL, 0, 1, NULL, NULL), -EINVAL);
    return 0;
}

SUITE("core-staggered_race", first_success_wins_and_later_ones_never_start,
      next_coroutine_starts_after_delay, next_coroutine_starts_at_once_after_failure,
      failure_of_earlier_coroutine_keeps_delay, all_failed_returns_first_failure,
      two_successes_at_same_time_have_one_winner, without_delay_all_start_together,
      endless_delay_starts_next_only_after_failure, cancelled_staggered_race_leaves_no_task,
      cancelled_caller_starts_no_coroutine, staggered_race_of_none_is_refused)
