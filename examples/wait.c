/* SPDX-License-Identifier: MIT */
/* Wait for the first task, for the first error, and for all. Tasks that have ended are moved to the
 * front of the array. No task is cancelled; those that are pending end later.
 * Python: done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED) */
#include <asyncio.h>
#include <stdio.h>

enum { N = 4 };

ASYNC_DEF(fetch_data, (int)id, (double)delay)
{
    ASYNC_TRY(await_sleep(delay));
    return id == 2 ? -EIO : id;
}

static void show(const char *what, async_task **tasks, int done, double start)
{
    printf("%s after %.1f s: done", what, async_time() - start);
    for (int i = 0; i < N; i++)
        printf("%s %s", i == done ? "; pending" : "", async_task_name(tasks[i]));
    puts("");
}

ASYNC_DEF(amain)
{
    double start = async_time();
    await_task_auto one = async_create_task(fetch_data(1, 0.4), .name = "one");
    await_task_auto two = async_create_task(fetch_data(2, 0.2), .name = "two");
    await_task_auto three = async_create_task(fetch_data(3, 0.1), .name = "three");
    await_task_auto four = async_create_task(fetch_data(4, 0.3), .name = "four");
    async_task *tasks[N] = { one, two, three, four };

    int done = ASYNC_TRY(await_wait(tasks, N, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER));
    show("first", tasks, done, start);
    done = ASYNC_TRY(await_wait(tasks, N, ASYNC_FIRST_EXCEPTION, ASYNC_FOREVER));
    show("first error", tasks, done, start);
    done = ASYNC_TRY(await_wait(tasks, N, ASYNC_ALL_COMPLETED, 0.125));
    show("a timeout", tasks, done, start); /* running out of time is no error */
    done = ASYNC_TRY(await_wait(tasks, N, ASYNC_ALL_COMPLETED, ASYNC_FOREVER));
    show("all", tasks, done, start);
    printf("two: %s, four: %d\n", strerror(-async_task_result(two)), async_task_result(four));
    return 0;
}

int main(void)
{
    return async_main(amain());
}
