/* SPDX-License-Identifier: MIT */
/* A4: the two fetches as tasks take as long as the longer one.
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

    /* The longer one first: they end by their delays, not in the order of their creation. */
    await_task_auto task1 = async_create_task(fetch_data(1, 0.2));
    await_task_auto task2 = async_create_task(fetch_data(2, 0.1));
    puts("both started"); /* and neither has run: they do when main suspends */

    int first = ASYNC_TRY(await_task(task1));
    int second = ASYNC_TRY(await_task(task2));
    printf("results %d and %d: 0.2 and 0.1 took %.1f s\n", first, second, async_time() - start);
    return 0;
    /* await_task_auto: should main leave early, its tasks are cancelled and awaited first. */
}

int main(void)
{
    return async_main(amain());
}
