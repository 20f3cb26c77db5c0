/* SPDX-License-Identifier: MIT */
/* Tasks run whatever their creator awaits, and keep their results.
 * Python: result2 = await task2; result1 = await task1 */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(fetch_data, (int)id, (double)delay)
{
    printf("fetch %d starts\n", id);
    ASYNC_TRY(await_sleep(delay));
    printf("fetch %d ends\n", id);
    return id;
}

ASYNC_DEF(second_first)
{
    await_task_auto task1 = async_create_task(fetch_data(1, 0.1));
    await_task_auto task2 = async_create_task(fetch_data(2, 0.2));

    int result = ASYNC_TRY(await_task(task2));
    double start = async_time();
    printf("result %d; task 1 is %s\n", result,
           async_task_done(task1) ? "done already" : "running");
    result = ASYNC_TRY(await_task(task1)); /* at once: its result was kept */
    printf("result %d after %.1f s more\n", result, async_time() - start);
    return 0;
}

ASYNC_DEF(something_else)
{
    await_task_auto task1 = async_create_task(fetch_data(1, 0.1));
    await_task_auto task2 = async_create_task(fetch_data(2, 0.2));

    ASYNC_TRY(await_sleep(0.25)); /* any await lets both run */
    puts("main slept");
    printf("results %d", ASYNC_TRY(await_task(task1)));
    printf(" and %d\n", ASYNC_TRY(await_task(task2)));
    return 0;
}

ASYNC_DEF(amain)
{
    puts("-- the second task awaited first");
    ASYNC_TRY(await_second_first());
    puts("-- something else awaited");
    return await_something_else();
}

int main(void)
{
    return async_main(amain());
}
