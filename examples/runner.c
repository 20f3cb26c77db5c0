/* SPDX-License-Identifier: MIT */
/* Several runs in one loop. A Runner keeps the task-local variables and the background tasks of a
 * run for the next one. Ctrl-C cancels the main task of a run, and the program decides how to go
 * on. Python: with asyncio.Runner() as runner: runner.run(main()) */
#include <asyncio.h>
#include <signal.h>
#include <stdio.h>

ASYNC_LOCAL(const char *, user, "unknown");

ASYNC_DEF(count)
{
    for (int i = 1;; i++) {
        printf("  in the background: %d\n", i);
        ASYNC_TRY(await_sleep(0.1));
    }
}

ASYNC_DEF(log_in)
{
    printf("user: %s\n", async_local_get(user));
    ASYNC_TRY(async_local_set(user, "ann"));
    async_spawn(async_background(), count());
    return await_sleep(0.05);
}

ASYNC_DEF(work)
{
    printf("user: %s\n", async_local_get(user));
    raise(SIGINT); /* as Ctrl-C does */
    int r = await_sleep(10);
    puts("cancelled, cleaning up");
    return r;
}

ASYNC_DEF(finish)
{
    return await_sleep(0.08);
}

int main(void)
{
    async_runner *rn = async_runner_open(NULL);
    if (!rn)
        return 1;
    printf("log in: %d\n", async_runner_run(rn, log_in()));
    printf("work: %s\n", strerror(-async_runner_run(rn, work())));
    printf("finish: %d\n", async_runner_run(rn, finish()));
    async_runner_close(rn); /* cancels the background task */
    return 0;
}
