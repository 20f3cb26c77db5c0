/* SPDX-License-Identifier: MIT */
/* Futures: set once, by anybody; awaited by many. */
#include "run.h"

ASYNC_DEF(waits, (async_future *)f, (const char *)word)
{
    int r = await_future(f);
    note("%s=%s", word, shown(r));
    return r;
}

CASE(pending_then_finished)
{
    async_future f = { 0 };
    is_false(async_future_done(&f));
    is_false(async_future_cancelled(&f));
    is(async_future_result(&f), -EINPROGRESS);
    ok(async_future_set_result(&f, 42));
    is_true(async_future_done(&f));
    is_false(async_future_cancelled(&f));
    is(async_future_result(&f), 42);
    is(await_future(&f), 42);
    is(await_future(&f), 42);
    return 0;
}

CASE(waiters_wake_in_order)
{
    async_future f = { 0 };
    await_task_auto a = async_create_task(waits(&f, "a"));
    await_task_auto b = async_create_task(waits(&f, "b"));
    ok(await_sleep(1));
    ok(async_future_set_result(&f, 7));
    is_trail(""); /* not inline: whoever sets it goes on */
    is(await_task(b), 7);
    is(await_task(a), 7);
    is_trail("a=7 b=7");
    return 0;
}

CASE(set_once)
{
    async_future f = { 0 };
    ok(async_future_set_result(&f, 1));
    is(async_future_set_result(&f, 2), -EALREADY);
    is(async_future_set_exception(&f, -EIO), -EALREADY);
    is_false(async_future_cancel(&f));
    is(async_future_result(&f), 1);
    return 0;
}

CASE(exception)
{
    async_future f = { 0 };
    is(async_future_set_exception(&f, 0), -EINVAL);
    is(async_future_set_exception(&f, 5), -EINVAL);
    is_false(async_future_done(&f));
    await_task_auto t = async_create_task(waits(&f, "t"));
    ok(await_sleep(1));
    ok(async_future_set_exception(&f, -EIO));
    is(await_task(t), -EIO);
    is(await_future(&f), -EIO);
    is(async_future_result(&f), -EIO);
    return 0;
}

CASE(cancelled)
{
    async_future f = { 0 };
    await_task_auto t = async_create_task(waits(&f, "t"));
    ok(await_sleep(1));
    is_true(async_future_cancel(&f));
    is_false(async_future_cancel(&f));
    is_true(async_future_cancelled(&f));
    is(await_task(t), -ECANCELED);
    is(async_future_set_result(&f, 1), -EALREADY);
    is(await_future(&f), -ECANCELED); /* its outcome: we are not cancelled */
    return await_sleep(0);
}

/* A waiter that is cancelled leaves it pending: it has others. */
CASE(waiter_cancelled)
{
    async_future f = { 0 };
    await_task_auto a = async_create_task(waits(&f, "a"));
    await_task_auto b = async_create_task(waits(&f, "b"));
    ok(await_sleep(1));
    async_task_cancel(a);
    is(await_task(a), -ECANCELED);
    is_false(async_future_done(&f));
    ok(async_future_set_result(&f, 3));
    is(await_task(b), 3);
    return 0;
}

ASYNC_DEF(waits_twice, (async_future *)f)
{
    int r = await_future(f), next = await_sleep(0);
    note("%s %s", shown(r), shown(next));
    return next;
}

/* cancel_both_task_and_inner_future: in one turn: the task ends cancelled once, nothing is reported. */
CASE(cancel_both_task_and_inner_future)
{
    for (int task_first = 0; task_first < 2; task_first++) {
        async_future f = { 0 };
        await_task_auto t = async_create_task(waits(&f, "t"));
        ok(await_sleep(1));
        if (task_first)
            is_true(async_task_cancel(t));
        is_true(async_future_cancel(&f));
        if (!task_first)
            is_true(async_task_cancel(t));
        is(await_task(t), -ECANCELED);
        is_true(async_task_cancelled(t));
        is_false(async_task_cancel(t));
    }
    return 0;
}

/* It takes nothing from others: a result that has come beats the cancel that comes after. */
CASE(set_then_cancelled)
{
    async_future f = { 0 };
    await_task_auto t = async_create_task(waits_twice(&f));
    ok(await_sleep(1));
    ok(async_future_set_result(&f, 3));
    async_task_cancel(t);
    is(await_task(t), -ECANCELED);
    is_trail("3 -ECANCELED");
    return 0;
}

ASYNC_DEF(sets_what_goes, (async_future **)f)
{
    ASYNC_TRY(await_sleep(1));
    return async_future_set_result(*f, 5);
}

/* Whoever awaits it may let it go at once; so may who sets it. */
CASE(gone_when_the_waiter_runs)
{
    async_future *f = calloc(1, sizeof *f);
    await_task_auto t = async_create_task(waits(f, "t"));
    await_task_auto s = async_create_task(sets_what_goes(&f));
    ok(await_sleep(0));
    ok(await_task(s));
    memset(f, 0xa5, sizeof *f);
    free(f);
    is(await_task(t), 5);
    return 0;
}

static void sets(void *f)
{
    ok(async_future_set_result(f, 9));
}

CASE(set_in_a_callback)
{
    async_future f = { 0 };
    async_callback cb = { 0 };
    async_call_later(&cb, 2, sets, &f);
    is(await_future(&f), 9);
    is_time(2);
    return 0;
}

/* --- done callbacks --- */

static void notes_result(async_future *f, void *word)
{
    is_true(async_current_task() == NULL);
    note("%s:%s", (const char *)word, shown(async_future_result(f)));
}

CASE(done_callbacks_run_in_order_after_the_result_is_set)
{
    async_future f = { 0 };
    async_future_callback a = { 0 }, b = { 0 };
    ok(async_future_add_done_callback(&f, &a, notes_result, (void *)"a"));
    ok(async_future_add_done_callback(&f, &b, notes_result, (void *)"b"));
    ok(await_sleep(1));
    ok(async_future_set_result(&f, 5));
    is_trail("");
    ok(await_sleep(0));
    is_trail("a:5 b:5");
    return 0;
}

CASE(done_callback_of_a_future_that_is_done_runs_soon)
{
    async_future f = { 0 };
    async_future_callback a = { 0 };
    ok(async_future_set_exception(&f, -EIO));
    ok(async_future_add_done_callback(&f, &a, notes_result, (void *)"a"));
    is_trail("");
    ok(await_sleep(0));
    is_trail("a:-EIO");
    return 0;
}

CASE(done_callback_of_a_cancelled_future_runs)
{
    async_future f = { 0 };
    async_future_callback a = { 0 };
    ok(async_future_add_done_callback(&f, &a, notes_result, (void *)"a"));
    is_true(async_future_cancel(&f));
    ok(await_sleep(0));
    is_trail("a:-ECANCELED");
    return 0;
}

CASE(removed_done_callback_does_not_run)
{
    async_future f = { 0 };
    async_future_callback a = { 0 }, b = { 0 }, c = { 0 };
    ok(async_future_add_done_callback(&f, &a, notes_result, (void *)"a"));
    ok(async_future_add_done_callback(&f, &b, notes_result, (void *)"b"));
    ok(async_future_add_done_callback(&f, &c, notes_result, (void *)"c"));
    is_true(async_future_remove_done_callback(&f, &b));
    is_false(async_future_remove_done_callback(&f, &b));
    ok(async_future_set_result(&f, 1));
    is_true(async_future_remove_done_callback(&f, &c)); /* although it is scheduled already */
    ok(await_sleep(0));
    is_trail("a:1");
    is_false(async_future_remove_done_callback(&f, &a));
    return 0;
}

ASYNC_LOCAL(int, request, 0);

static void notes_request(async_future *f ASYNC_UNUSED, void *arg ASYNC_UNUSED)
{
    note("%d", async_local_get(request));
}

CASE(done_callback_sees_the_variables_of_the_task_that_added_it)
{
    async_future f = { 0 };
    async_future_callback a = { 0 };
    ok(async_local_set(request, 7));
    ok(async_future_add_done_callback(&f, &a, notes_request, NULL));
    ok(async_local_set(request, 8));
    ok(async_future_set_result(&f, 1));
    ok(await_sleep(0));
    is_trail("7");
    return 0;
}

SUITE("future", done_callbacks_run_in_order_after_the_result_is_set,
      done_callback_of_a_future_that_is_done_runs_soon,
      done_callback_of_a_cancelled_future_runs,
      removed_done_callback_does_not_run,
      done_callback_sees_the_variables_of_the_task_that_added_it,
      pending_then_finished, waiters_wake_in_order, set_once, exception, cancelled,
      waiter_cancelled, cancel_both_task_and_inner_future, set_then_cancelled,
      gone_when_the_waiter_runs, set_in_a_callback)
