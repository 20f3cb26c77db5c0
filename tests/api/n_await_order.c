/* SPDX-License-Identifier: MIT */
/* n: a task runs from its creation on, in whatever order it is awaited. */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(work, (const char *)name, (double)delay)
{
    printf("%s starts\n", name);
    ASYNC_TRY(await_sleep(delay));
    printf("%s ends\n", name);
    return (int)(10 * delay);
}

ASYNC_DEF(amain)
{
    double start = async_time();
    await_task_auto quick = async_create_task(work("quick", 0.1));
    await_task_auto slow = async_create_task(work("slow", 0.2));
    puts("created, not started");
    int s = ASYNC_TRY(await_task(slow));
    int q = ASYNC_TRY(await_task(quick)); /* long done: no wait */
    printf("slow %d, quick %d: %.1f s\n", s, q, async_time() - start);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
