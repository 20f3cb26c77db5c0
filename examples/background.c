/* SPDX-License-Identifier: MIT */
/* A task runs in the background. The main task goes on, and awaits it at the end.
 * Python: task = asyncio.create_task(background_job()); print("continuing"); ...; await task */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(background_job)
{
    puts("job starts");
    ASYNC_TRY(await_sleep(0.2));
    puts("job ends");
    return 42;
}

ASYNC_DEF(amain)
{
    await_task_auto job = async_create_task(background_job());
    puts("continuing"); /* before the job's first line: it starts when main suspends */
    ASYNC_TRY(await_sleep(0.1));
    puts("main has done something else");
    printf("the job's result is %d\n", ASYNC_TRY(await_task(job)));
    return 0;
}

int main(void)
{
    return async_main(amain());
}
