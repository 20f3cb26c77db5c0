/* SPDX-License-Identifier: MIT */
/* Tests of futures: set once, from anywhere; awaited by many tasks. */
#include "../frame/loop_test.h"

ASYNC_DEF(waits, (async_future *)f, (const char *)word)
{
    int r = await_future(f);
    log_event("%s=%s", word, result_text(r));
    return r;
}

LOOP_TEST(future_is_pending_until_result_is_set)
{
    async_future f = { 0 };
    expect_false(async_future_done(&f));
    expect_false(async_future_cancelled(&f));
    expect_int(async_future_result(&f), -EINPROGRESS);
    expect_ok(async_future_set_result(&f, 42));
    expect_true(async_future_done(&f));
    expect_false(async_future_cancelled(&f));
    expect_int(async_future_result(&f), 42);
    expect_int(await_future(&f), 42);
    expect_int(await_future(&f), 42);
    return 0;
}

LOOP_TEST(waiters_of_future_wake_in_order_after_setter_goes_on)
{
    async_future f = { 0 };
    await_task_auto a = async_create_task(waits(&f, "a"));
    await_task_auto b = async_create_task(waits(&f, "b"));
    expect_ok(await_sleep(1));
    expect_ok(async_future_set_result(&f, 7));
    expect_events(""); /* the call that sets the result does not run the waiters */
    expect_int(await_task(b), 7);
    expect_int(await_task(a), 7);
    expect_events("a=7 b=7");
    return 0;
}

LOOP_TEST(future_that_is_set_refuses_another_result)
{
    async_future f = { 0 };
    expect_ok(async_future_set_result(&f, 1));
    expect_int(async_future_set_result(&f, 2), -EALREADY);
    expect_int(async_future_set_exception(&f, -EIO), -EALREADY);
    expect_false(async_future_cancel(&f));
    expect_int(async_future_result(&f), 1);
    return 0;
}

LOOP_TEST(future_with_exception_fails_its_waiters)
{
    async_future f = { 0 };
    expect_int(async_future_set_exception(&f, 0), -EINVAL);
    expect_int(async_future_set_exception(&f, 5), -EINVAL);
    expect_false(async_future_done(&f));
    await_task_auto t = async_create_task(waits(&f, "t"));
    expect_ok(await_sleep(1));
    expect_ok(async_future_set_exception(&f, -EIO));
    expect_int(await_task(t), -EIO);
    expect_int(await_future(&f), -EIO);
    expect_int(async_future_result(&f), -EIO);
    return 0;
}

LOOP_TEST(cancelled_future_fails_its_waiters)
{
    async_future f = { 0 };
    await_task_auto t = async_create_task(waits(&f, "t"));
    expect_ok(await_sleep(1));
    expect_true(async_future_cancel(&f));
    expect_false(async_future_cancel(&f));
    expect_true(async_future_cancelled(&f));
    expect_int(await_task(t), -ECANCELED);
    expect_int(async_future_set_result(&f, 1), -EALREADY);
    /* it is the result of the future; the caller is not cancelled */
    expect_int(await_future(&f), -ECANCELED);
    return await_sleep(0);
}

/* The future may have other waiters. */
LOOP_TEST(cancelled_waiter_leaves_future_pending)
{
    async_future f = { 0 };
    await_task_auto a = async_create_task(waits(&f, "a"));
    await_task_auto b = async_create_task(waits(&f, "b"));
    expect_ok(await_sleep(1));
    async_task_cancel(a);
    expect_int(await_task(a), -ECANCELED);
    expect_false(async_future_done(&f));
    expect_ok(async_future_set_result(&f, 3));
    expect_int(await_task(b), 3);
    return 0;
}

ASYNC_DEF(waits_twice, (async_future *)f)
{
    int r = await_future(f), next = await_sleep(0);
    log_event("%s %s", result_text(r), result_text(next));
    return next;
}

/* In one loop iteration, in either order. Nothing is reported. */
LOOP_TEST(cancelling_task_and_its_future_ends_task_once)
{
    for (int task_first = 0; task_first < 2; task_first++) {
        async_future f = { 0 };
        await_task_auto t = async_create_task(waits(&f, "t"));
        expect_ok(await_sleep(1));
        if (task_first)
            expect_true(async_task_cancel(t));
        expect_true(async_future_cancel(&f));
        if (!task_first)
            expect_true(async_task_cancel(t));
        expect_int(await_task(t), -ECANCELED);
        expect_true(async_task_cancelled(t));
        expect_false(async_task_cancel(t));
    }
    return 0;
}

/* A result that has come is stronger than a cancel that comes later. */
LOOP_TEST(cancel_after_future_was_set_fails_next_await)
{
    async_future f = { 0 };
    await_task_auto t = async_create_task(waits_twice(&f));
    expect_ok(await_sleep(1));
    expect_ok(async_future_set_result(&f, 3));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    expect_events("3 -ECANCELED");
    return 0;
}

ASYNC_DEF(sets_what_goes, (async_future **)f)
{
    ASYNC_TRY(await_sleep(1));
    return async_future_set_result(*f, 5);
}

LOOP_TEST(future_may_be_freed_before_its_waiter_runs)
{
    async_future *f = calloc(1, sizeof *f);
    await_task_auto t = async_create_task(waits(f, "t"));
    await_task_auto s = async_create_task(sets_what_goes(&f));
    expect_ok(await_sleep(0));
    expect_ok(await_task(s));
    memset(f, 0xa5, sizeof *f);
    free(f);
    expect_int(await_task(t), 5);
    return 0;
}

static void sets(void *f)
{
    expect_ok(async_future_set_result(f, 9));
}

LOOP_TEST(future_set_in_callback_wakes_waiter)
{
    async_future f = { 0 };
    async_callback cb = { 0 };
    async_call_later(&cb, 2, sets, &f);
    expect_int(await_future(&f), 9);
    expect_time(2);
    return 0;
}

/* --- done callbacks --- */

static void notes_result(async_future *f, void *word)
{
    expect_true(async_current_task() == NULL);
    log_event("%s:%s", (const char *)word, result_text(async_future_result(f)));
}

LOOP_TEST(done_callbacks_run_in_order_after_the_result_is_set)
{
    async_future f = { 0 };
    async_future_callback a = { 0 }, b = { 0 };
    expect_ok(async_future_add_done_callback(&f, &a, notes_result, (void *)"a"));
    expect_ok(async_future_add_done_callback(&f, &b, notes_result, (void *)"b"));
    expect_ok(await_sleep(1));
    expect_ok(async_future_set_result(&f, 5));
    expect_events("");
    expect_ok(await_sleep(0));
    expect_events("a:5 b:5");
    return 0;
}

LOOP_TEST(done_callback_of_done_future_runs_soon)
{
    async_future f = { 0 };
    async_future_callback a = { 0 };
    expect_ok(async_future_set_exception(&f, -EIO));
    expect_ok(async_future_add_done_callback(&f, &a, notes_result, (void *)"a"));
    expect_events("");
    expect_ok(await_sleep(0));
    expect_events("a:-EIO");
    return 0;
}

LOOP_TEST(done_callback_of_cancelled_future_runs)
{
    async_future f = { 0 };
    async_future_callback a = { 0 };
    expect_ok(async_future_add_done_callback(&f, &a, notes_result, (void *)"a"));
    expect_true(async_future_cancel(&f));
    expect_ok(await_sleep(0));
    expect_events("a:-ECANCELED");
    return 0;
}

LOOP_TEST(removed_done_callback_does_not_run)
{
    async_future f = { 0 };
    async_future_callback a = { 0 }, b = { 0 }, c = { 0 };
    expect_ok(async_future_add_done_callback(&f, &a, notes_result, (void *)"a"));
    expect_ok(async_future_add_done_callback(&f, &b, notes_result, (void *)"b"));
    expect_ok(async_future_add_done_callback(&f, &c, notes_result, (void *)"c"));
    expect_true(async_future_remove_done_callback(&f, &b));
    expect_false(async_future_remove_done_callback(&f, &b));
    expect_ok(async_future_set_result(&f, 1));
    expect_true(async_future_remove_done_callback(&f, &c)); /* although it is scheduled already */
    expect_ok(await_sleep(0));
    expect_events("a:1");
    expect_false(async_future_remove_done_callback(&f, &a));
    return 0;
}

ASYNC_LOCAL(int, request, 0);

static void notes_request(async_future *f ASYNC_UNUSED, void *arg ASYNC_UNUSED)
{
    log_event("%d", async_local_get(request));
}

LOOP_TEST(done_callback_of_future_runs_in_context_of_task_that_added_it)
{
    async_future f = { 0 };
    async_future_callback a = { 0 };
    expect_ok(async_local_set(request, 7));
    expect_ok(async_future_add_done_callback(&f, &a, notes_request, NULL));
    expect_ok(async_local_set(request, 8));
    expect_ok(async_future_set_result(&f, 1));
    expect_ok(await_sleep(0));
    expect_events("7");
    return 0;
}

LOOP_TEST(done_callback_is_refused_while_it_is_behind_another_in_the_list)
{
    async_future f = { 0 };
    async_future_callback a = { 0 }, b = { 0 };
    expect_ok(async_future_add_done_callback(&f, &a, notes_result, (void *)"a"));
    expect_ok(async_future_add_done_callback(&f, &b, notes_result, (void *)"b"));
    expect_int(async_future_add_done_callback(&f, &a, notes_result, (void *)"c"), -EALREADY);
    captured_stderr();
    async_future_remove_done_callback(&f, &a);
    a.future = &f; /* as in memory that was never cleared */
    expect_ok(async_future_add_done_callback(&f, &a, notes_result, (void *)"d"));
    expect_ok(async_future_set_result(&f, 1));
    expect_ok(await_sleep(0));
    expect_events("b:1 d:1");
    return 0;
}

LOOP_TEST(done_callback_added_twice_is_refused_with_message)
{
    async_future f = { 0 };
    async_future_callback a = { 0 };
    expect_ok(async_future_add_done_callback(&f, &a, notes_result, (void *)"a"));
    expect_int(async_future_add_done_callback(&f, &a, notes_result, (void *)"b"), -EALREADY);
    expect_contains(captured_stderr(),
                    "async_future_add_done_callback() of a callback that is added already");
    expect_ok(async_future_set_result(&f, 1));
    expect_int(async_future_add_done_callback(&f, &a, notes_result, (void *)"c"), -EALREADY);
    captured_stderr();
    expect_ok(await_sleep(0));
    expect_events("a:1");
    expect_ok(async_future_add_done_callback(&f, &a, notes_result, (void *)"d")); /* it has run */
    expect_ok(await_sleep(0));
    expect_events("a:1 d:1");
    return 0;
}

SUITE("core-future", done_callback_is_refused_while_it_is_behind_another_in_the_list,
      done_callback_added_twice_is_refused_with_message,
      done_callbacks_run_in_order_after_the_result_is_set, done_callback_of_done_future_runs_soon,
      done_callback_of_cancelled_future_runs, removed_done_callback_does_not_run,
      done_callback_of_future_runs_in_context_of_task_that_added_it,
      future_is_pending_until_result_is_set, waiters_of_future_wake_in_order_after_setter_goes_on,
      future_that_is_set_refuses_another_result, future_with_exception_fails_its_waiters,
      cancelled_future_fails_its_waiters, cancelled_waiter_leaves_future_pending,
      cancelling_task_and_its_future_ends_task_once, cancel_after_future_was_set_fails_next_await,
      future_may_be_freed_before_its_waiter_runs, future_set_in_callback_wakes_waiter)
