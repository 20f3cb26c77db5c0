/* SPDX-License-Identifier: MIT */
/* The two tasks of tasks.c, but they sleep by a call that blocks. So they do not overlap, and take
 * the sum of the times. In debug mode the library reports which task has blocked the loop, for how
 * long, and where it was created. Python: time.sleep() in a coroutine, and asyncio.run(main(),
 * debug=True). */
#include <asyncio.h>
#include <stdio.h>
#include <unistd.h>

ASYNC_DEF(fetch_data, (int)id, (unsigned)milliseconds)
{
    printf("fetch %d starts\n", id);
    usleep(1000 * milliseconds); /* asyncio: allow blocking: it should have been await_sleep() */
    printf("fetch %d ends\n", id);
    return id;
}

ASYNC_DEF(amain)
{
    double start = async_time();
    await_task_auto task1 = async_create_task(fetch_data(1, 200));
    await_task_auto task2 = async_create_task(fetch_data(2, 100));
    ASYNC_TRY(await_task(task1));
    ASYNC_TRY(await_task(task2));
    printf("0.2 and 0.1 took %.1f s\n", async_time() - start);
    return 0;
}

int main(void)
{
    return async_run(amain(), .debug = true) < 0;
}
