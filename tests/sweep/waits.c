/* SPDX-License-Identifier: MIT */
/* Scenarios of waiting for several tasks, and of choosing between them: what is not waited for any
 * more loses nothing. */
#include "scenario.h"

/* --- waiting for several --- */

static int lacks_memory(async_task **tasks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (async_task_result(tasks[i]) == -ENOMEM)
            return -ENOMEM;
    return 0;
}

SCENARIO(wait_for_all_and_for_the_first)
{
    await_task_auto a = async_create_task(guest(3));
    await_task_auto b = async_create_task(guest(1));
    await_task_auto c = async_create_task(guest(2));
    async_task *tasks[] = { a, b, c };
    int n = await_wait(tasks, 3, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER);
    if (n < 0)
        return n;
    for (int i = 0; i < 3; i++)
        scenario_expect(async_task_done(tasks[i]) || i >= n);
    n = await_wait(tasks, 3, ASYNC_ALL_COMPLETED, ASYNC_FOREVER);
    scenario_expect(n < 0 || (n == 3 && account.held == 0));
    return n < 0 ? n : lacks_memory(tasks, 3);
}

SCENARIO(repeated_wait_for_the_rest)
{
    await_task_auto a = async_create_task(guest(1));
    await_task_auto b = async_create_task(guest(5));
    await_task_auto c = async_create_task(guest(3));
    async_task *tasks[] = { a, b, c };
    for (size_t done = 0; done < 3;) {
        int n = await_wait(tasks + done, 3 - done, ASYNC_FIRST_COMPLETED, 1);
        if (n < 0)
            return n;
        done += (size_t)n;
    }
    scenario_expect(account.held == 0);
    return lacks_memory(tasks, 3);
}

SCENARIO(wait_for_a_failure)
{
    await_task_auto a = async_create_task(guest(100));
    await_task_auto b = async_create_task(fails_after(2, -EIO));
    async_task *tasks[] = { a, b };
    int n = await_wait(tasks, 2, ASYNC_FIRST_EXCEPTION, 50);
    if (n < 0)
        return n;
    scenario_expect(async_task_done(a) || async_task_done(b) || n == 0);
    n = async_task_result(b);
    return n == -EIO ? 0 : n == -EINPROGRESS ? lacks_memory(tasks, 2) : n;
}

SCENARIO(results_in_order_of_completion)
{
    int r, n = 0, seen = 0;
    await_for_each (r, d, async_as_completed(guest(2), item(1, 5), fails_after(3, -EIO))) {
        scenario_expect(!(seen & 1 << d.index));
        seen |= 1 << d.index;
        if (d.result == -ENOMEM)
            n = -ENOMEM;
    }
    scenario_expect(account.held == 0);
    if (r == 0)
        scenario_expect(seen == 7);
    return r < 0 ? r : n;
}

SCENARIO(results_that_are_not_awaited)
{
    int r;
    await_timeout (r, 5) {
        int e;
        await_for_each (e, d, async_as_completed(guest(100), guest(1), guest(200))) {
            if (d.result == -ENOMEM || d.result == -ECANCELED)
                ASYNC_TRY(d.result);
            if (d.result == 0)
                break;
        }
        r = e;
    }
    scenario_expect(account.held == 0);
    return r;
}

/* --- choosing --- */

typedef async_queue_of(int, 1) int_queue;

ASYNC_DEF(gets_one, (int_queue *)q, (int *)ret)
{
    return await_queue_get(q, ret);
}

ASYNC_DEF(puts_after, (int_queue *)q, (double)seconds)
{
    ASYNC_TRY(await_sleep(seconds));
    int r = async_queue_put_nowait(q, 1);
    account.made += r == 0;
    return r;
}

/* Of two that become ready at the same time one is taken, and the other loses nothing. */
SCENARIO(race_over_queues)
{
    int_queue a = ASYNC_QUEUE(a), b = ASYNC_QUEUE(b);
    int item = 0, result = 0;
    await_task_auto t = async_create_task(puts_after(&a, 1));
    await_task_auto u = async_create_task(puts_after(&b, 1));
    int r = await_race(&result, gets_one(&a, &item), gets_one(&b, &item), async_sleep(10));
    account.used += (r == 0 || r == 1) && result == 0;
    if (async_task_result(t) == -ENOMEM || async_task_result(u) == -ENOMEM || result == -ENOMEM)
        r = -ENOMEM;
    await_task_drop(&t);
    await_task_drop(&u);
    account.kept += (int)(async_queue_count(&a) + async_queue_count(&b));
    return r < 0 ? r : 0;
}
