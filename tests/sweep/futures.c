/* SPDX-License-Identifier: MIT */
/* Scenarios of futures: every waiter receives the result or an error, whichever task is
 * cancelled. */
#include "scenario.h"

ASYNC_DEF(wait_for_future, (async_future *)f)
{
    return await_future(f);
}

ASYNC_DEF(answers, (async_future *)f, (double)seconds, (int)value)
{
    int r = await_sleep(seconds);
    if (r < 0)
        value = r;
    int e = value < 0 ? async_future_set_exception(f, value) : async_future_set_result(f, value);
    scenario_expect(e == 0);
    return r;
}

SCENARIO(future_with_two_waiters)
{
    async_future f = { 0 };
    int r = await_gather(NULL, wait_for_future(&f), wait_for_future(&f), answers(&f, 2, 5));
    scenario_expect(r < 0 || async_future_result(&f) == 5);
    return r;
}

SCENARIO(future_that_fails)
{
    async_future f = { 0 };
    int got[3];
    int r;
    await_timeout (r, 60)
        r = await_gather_all(got, wait_for_future(&f), answers(&f, 2, -EIO), wait_for_future(&f));
    if (r < 0) /* no task could set the result */
        return r == -ETIMEDOUT && got[1] < 0 ? got[1] : r;
    for (int i = 0; i < 3; i++)
        if (got[i] == -ENOMEM)
            return -ENOMEM;
    return 0;
}

static void sets(void *arg)
{
    async_future_set_result(arg, 1);
}

SCENARIO(future_set_by_a_callback)
{
    async_future f = { 0 };
    async_callback cb = { 0 };
    async_call_later(&cb, 3, sets, &f);
    int r = await_future(&f);
    async_callback_cancel(&cb);
    scenario_expect(r == 1 || r == -ECANCELED);
    return r < 0 ? r : 0;
}

SCENARIO(future_that_is_cancelled)
{
    async_future f = { 0 };
    await_task_auto t = async_create_task(wait_for_future(&f));
    ASYNC_TRY(await_sleep(1));
    scenario_expect(async_future_cancel(&f));
    int r = await_task(t);
    scenario_expect(r == -ECANCELED || r == -ENOMEM);
    return r == -ENOMEM ? r : await_sleep(0);
}

static void counts_done(async_future *f, void *count)
{
    scenario_expect(async_future_done(f));
    ++*(int *)count;
}

/* Each callback runs once, or was removed. */
SCENARIO(future_with_done_callbacks)
{
    async_future f = { 0 };
    async_future_callback a = { 0 }, b = { 0 };
    int done = 0;
    scenario_expect(async_future_add_done_callback(&f, &a, counts_done, &done) == 0);
    scenario_expect(async_future_add_done_callback(&f, &b, counts_done, &done) == 0);
    int r = await_gather(NULL, wait_for_future(&f), answers(&f, 1, 5));
    int removed =
            async_future_remove_done_callback(&f, &a) + async_future_remove_done_callback(&f, &b);
    scenario_expect(done + removed == 2);
    return r;
}
