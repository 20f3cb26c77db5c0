/* SPDX-License-Identifier: MIT */
/* Tests of await_wait(): ended and pending tasks, in one array; it cancels nothing. */
#include "wait.h"

#include <limits.h>

LOOP_TEST(wait_returns_when_first_task_has_ended)
{
    int r;
    await_group (r, g) {
        async_task *t[] = { T(1, 3), T(2, 1), T(3, 2) };
        expect_int(await_wait(t, 3, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER), 1);
        expect_time(1);
        expect_results(t, 1, "2");
        expect_false(async_task_done(t[1]) || async_task_done(t[2]));
        /* the same task still counts as ended */
        expect_int(await_wait(t, 3, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER), 1);
        expect_int(await_wait(t + 1, 2, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER), 1);
        expect_time(2);
        expect_results(t, 2, "2 3");
    }
    expect_time(3); /* nothing was cancelled */
    return r;
}

LOOP_TEST(wait_orders_tasks_by_their_ends)
{
    int r;
    await_group (r, g) {
        async_task *t[] = { T(1, 3), T(2, 1), T(3, 2), T(4, 4) };
        expect_ok(await_sleep(2.5)); /* two have ended before the wait */
        expect_int(await_wait(t, 4, ASYNC_ALL_COMPLETED, ASYNC_FOREVER), 4);
        expect_time(4);
        expect_results(t, 4, "2 3 1 4");
    }
    return r;
}

LOOP_TEST(tasks_that_end_in_same_iteration_count_together)
{
    int r;
    await_group (r, g) {
        async_task *t[] = { T(1, 2), T(2, 1), T(3, 1), T(4, 2) };
        expect_int(await_wait(t, 4, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER), 2);
        expect_results(t, 2, "2 3");
    }
    return r;
}

LOOP_TEST(wait_that_times_out_returns_how_many_have_ended)
{
    int r;
    await_group (r, g) {
        async_task *t[] = { T(1, 3), T(2, 1) };
        expect_ok(await_wait(t, 2, ASYNC_ALL_COMPLETED, 0));
        expect_ok(await_wait(t, 2, ASYNC_ALL_COMPLETED, -1));
        expect_int(await_wait(t, 2, ASYNC_ALL_COMPLETED, 2), 1);
        expect_time(2);
        expect_results(t, 1, "2");
        expect_int(await_wait(t, 2, ASYNC_FIRST_COMPLETED, 0), 1);
        expect_int(await_wait(t, 2, ASYNC_ALL_COMPLETED, 0), 1);
        expect_int(await_wait(t, 2, ASYNC_ALL_COMPLETED, 0.5), 1);
        expect_time(2.5);
        expect_int(await_wait(t, 2, ASYNC_ALL_COMPLETED, 5), 2);
        expect_time(3);
    }
    return r;
}

ASYNC_DEF(fails, (double)after)
{
    ASYNC_TRY(await_sleep(after));
    return async_fail(-EIO, "on purpose");
}

/* The other task goes on. */
LOOP_TEST(wait_returns_at_once_if_a_task_has_failed)
{
    await_task_auto bad = async_create_task(fails(1));
    await_task_auto good = async_create_task(value(1, 5));
    async_task *t[] = { good, bad };
    expect_ok(await_sleep(2));
    expect_int(await_wait(t, 2, ASYNC_FIRST_EXCEPTION, ASYNC_FOREVER), 1);
    expect_time(2);
    expect_true(t[0] == bad && t[1] == good);
    expect_int(async_task_result(bad), -EIO);
    expect_int(await_task(good), 1);
    expect_time(5);
    return 0;
}

/* A failure ends the wait, and so does the end of the last task. */
LOOP_TEST(wait_for_failure_ignores_cancelled_tasks_and_values)
{
    await_task_auto a = async_create_task(value(1, 9));
    await_task_auto b = async_create_task(value(1, 1));
    await_task_auto c = async_create_task(fails(3));
    await_task_auto d = async_create_task(value(1, 4));
    async_task *t[] = { a, b, c, d };
    expect_ok(await_sleep(0));
    async_task_cancel(a);
    expect_int(await_wait(t, 4, ASYNC_FIRST_EXCEPTION, ASYNC_FOREVER), 3);
    expect_time(3);
    expect_true(t[0] == a && t[1] == b && t[2] == c);
    expect_int(await_wait(t + 3, 1, ASYNC_FIRST_EXCEPTION, ASYNC_FOREVER), 1);
    expect_time(4);
    expect_int(await_task(c), -EIO);
    return 0;
}

ASYNC_DEF(waits, (async_task **)t, (size_t)n, (int *)ret)
{
    *ret = await_wait(t, n, ASYNC_ALL_COMPLETED, ASYNC_FOREVER);
    return await_sleep(0);
}

LOOP_TEST(cancelled_wait_leaves_tasks_running)
{
    int got = 7;
    await_task_auto a = async_create_task(value(1, 3));
    await_task_auto b = async_create_task(value(2, 4));
    async_task *t[] = { a, b };
    await_task_auto w = async_create_task(waits(t, 2, &got));
    expect_ok(await_sleep(1));
    async_task_cancel(w);
    expect_int(await_task(w), -ECANCELED);
    expect_int(got, -ECANCELED);
    expect_time(1);
    expect_int(await_task(a), 1);
    expect_int(await_task(b), 2);
    expect_time(4);
    return 0;
}

LOOP_TEST(timeout_around_wait_leaves_task_running)
{
    int r;
    await_task_auto a = async_create_task(value(1, 3));
    async_task *t[] = { a };
    await_timeout (r, 1)
        r = await_wait(t, 1, ASYNC_ALL_COMPLETED, 2);
    expect_int(r, -ETIMEDOUT);
    expect_time(1);
    expect_int(await_wait(t, 1, ASYNC_ALL_COMPLETED, 5), 1);
    expect_time(3);
    return 0;
}

ASYNC_DEF(cancels, (async_task **)t, (double)after)
{
    expect_ok(await_sleep(after));
    expect_true(async_task_cancel(*t));
    return 0;
}

/* A wait takes nothing from other tasks, so its success stays. */
LOOP_TEST(cancel_after_wait_succeeded_fails_next_await)
{
    int got = 0;
    async_task *victim = NULL;
    await_task_auto a = async_create_task(value(1, 1));
    async_task *t[] = { a };
    await_task_auto w = async_create_task(waits(t, 1, &got));
    await_task_auto c = async_create_task(cancels(&victim, 1));
    victim = w;
    expect_int(await_task(w), -ECANCELED);
    expect_int(got, 1);
    return await_task(c);
}

LOOP_TEST(several_tasks_may_wait_for_same_tasks)
{
    int first = 0, second = 0, r;
    async_task *t[2], *u[2], *v[2];
    await_group (r, g) {
        t[0] = u[1] = v[1] = T(1, 1);
        t[1] = u[0] = v[0] = T(2, 2);
        async_spawn(g, waits(t, 2, &first));
        async_spawn(g, waits(u, 2, &second));
        expect_int(await_wait(v, 2, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER), 1);
        expect_int(async_task_result(v[0]), 1);
    }
    expect_int(first, 2);
    expect_int(second, 2);
    return r;
}

LOOP_TEST(wait_with_invalid_arguments_is_refused)
{
    async_task *none = NULL, *me = async_current_task();
    expect_int(await_wait(NULL, 0, ASYNC_ALL_COMPLETED, 1), -EINVAL);
    expect_int(await_wait(&me, 1, ASYNC_ALL_COMPLETED, 1), -EDEADLK);
    expect_contains(captured_stderr(), "waits for itself");
    expect_int(await_wait(&none, 1, ASYNC_ALL_COMPLETED, ASYNC_FOREVER), 1);
    expect_int(await_wait(&none, 1, ASYNC_FIRST_EXCEPTION, ASYNC_FOREVER), 1);
    expect_int(await_wait(&none, (size_t)INT_MAX + 1, ASYNC_ALL_COMPLETED, 1), -EINVAL);
    await_task_auto other = async_create_task(value(0, 1));
    async_task *tasks[] = { other, none, other };
    expect_int(await_wait(tasks, 3, ASYNC_ALL_COMPLETED, 0), 1);
    tasks[1] = me; /* put in later, and from the first */
    expect_int(await_wait(tasks, 3, ASYNC_ALL_COMPLETED, 0), -EDEADLK);
    expect_int(await_wait(tasks, 3, ASYNC_ALL_COMPLETED, 0), -EDEADLK);
    captured_stderr();
    async_task_cancel(me);
    expect_int(await_wait(&none, 1, ASYNC_ALL_COMPLETED, 1), -ECANCELED);
    async_uncancel();
    return 0;
}

LOOP_TEST(task_given_twice_counts_twice)
{
    int r;
    await_group (r, g) {
        async_task *a = T(1, 1), *b = T(2, 2), *t[] = { b, a, a };
        expect_int(await_wait(t, 3, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER), 2);
        expect_true(t[0] == a && t[1] == a && t[2] == b);
    }
    return r;
}

LOOP_TEST(wait_does_not_retrieve_errors)
{
    async_task *t[] = { async_create_task(fails(1)) };
    expect_int(await_wait(t, 1, ASYNC_ALL_COMPLETED, ASYNC_FOREVER), 1);
    await_task_drop(&t[0]);
    expect_contains(captured_stderr(), "was never retrieved");
    return 0;
}

SUITE("core-wait", wait_returns_when_first_task_has_ended, wait_orders_tasks_by_their_ends,
      tasks_that_end_in_same_iteration_count_together,
      wait_that_times_out_returns_how_many_have_ended, wait_returns_at_once_if_a_task_has_failed,
      wait_for_failure_ignores_cancelled_tasks_and_values, cancelled_wait_leaves_tasks_running,
      timeout_around_wait_leaves_task_running, cancel_after_wait_succeeded_fails_next_await,
      several_tasks_may_wait_for_same_tasks, wait_with_invalid_arguments_is_refused,
      task_given_twice_counts_twice, wait_does_not_retrieve_errors)
