/* SPDX-License-Identifier: MIT */
/* Gather coroutines, gather tasks, and a group. The results have the order of the arguments.
 * Python: await asyncio.gather(fetch_data(1), fetch_data(2)); async with asyncio.TaskGroup() as g:
 * ... */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(fetch_data, (int)id, (double)delay)
{
    ASYNC_TRY(await_sleep(delay));
    printf("fetch %d ends\n", id);
    return 10 * id;
}

ASYNC_DEF(coroutines, (int *)got)
{
    return await_gather(got, fetch_data(1, 0.2), fetch_data(2, 0.1));
}

ASYNC_DEF(tasks, (int *)got)
{
    await_task_auto first = async_create_task(fetch_data(1, 0.2));
    await_task_auto second = async_create_task(fetch_data(2, 0.1));
    return await_gather(got, async_joining(first), async_joining(second));
}

ASYNC_DEF(task_group, (int *)got)
{
    int r;
    await_group (r, g) {
        async_task *first = async_group_create_task(g, fetch_data(1, 0.2));
        async_task *second = async_group_create_task(g, fetch_data(2, 0.1));
        got[0] = ASYNC_TRY(await_task(first));
        got[1] = ASYNC_TRY(await_task(second));
    } /* the block ends when all children have ended */
    return r;
}

static void show(const char *how, const int *got, double start)
{
    printf("%s: %d, %d after %.1f s\n", how, got[0], got[1], async_time() - start);
}

ASYNC_DEF(amain)
{
    int got[2];
    double start = async_time();
    ASYNC_TRY(await_coroutines(got));
    show("gather of coroutines", got, start);

    start = async_time();
    ASYNC_TRY(await_tasks(got));
    show("gather of tasks", got, start);

    start = async_time();
    ASYNC_TRY(await_task_group(got));
    show("task group", got, start);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
