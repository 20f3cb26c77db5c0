/* SPDX-License-Identifier: MIT */
/* The two fetches as tasks take as long as the longer one.
 * Python: task1 = asyncio.create_task(fetch_data(1)); task2 = ...; await task1; await task2 */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(fetch_data, (int)id, (double)delay)
{
    printf("fetch %d starts\n", id);
    ASYNC_TRY(await_sleep(delay));
    printf("fetch %d ends\n", id);
    return id;
}

ASYNC_DEF(amain)
{
    double start = async_time();

    /* The longer one is created first. The order in which they end depends on their delays. */
    await_task_auto task1 = async_create_task(fetch_data(1, 0.2));
    await_task_auto task2 = async_create_task(fetch_data(2, 0.1));
    puts("both started"); /* neither has run yet; they run when main suspends */

    int first = ASYNC_TRY(await_task(task1));
    int second = ASYNC_TRY(await_task(task2));
    printf("results %d and %d: 0.2 and 0.1 took %.1f s\n", first, second, async_time() - start);
    return 0; /* if main returned earlier, await_task_auto would cancel and await the tasks */
}

int main(void)
{
    return async_main(amain());
}
