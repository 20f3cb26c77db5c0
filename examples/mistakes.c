/* SPDX-License-Identifier: MIT */
/* Four mistakes and the tools that find them. The compiler warns about the first mistake. `asyncio
 * lint` finds the first, the third and the fourth one without running the program. Debug mode
 * reports the last three to stderr, with the task and where it was created. */
#include <asyncio.h>
#include <stdio.h>
#include <unistd.h>

ASYNC_DEF(greet, (const char *)name)
{
    ASYNC_TRY(await_sleep(0.1));
    printf("hello, %s\n", name);
    return 0;
}

/* 1. Forgetting to await. With -DMISTAKE the compiler warns: "ignoring return value of 'greet'". */
ASYNC_DEF(forgets)
{
#ifdef MISTAKE
    greet("world"); /* asyncio: allow never-awaited: this example shows it */
#endif
    return await_greet("world");
}

/* 2. Leaving main before tasks have ended. They are cancelled, and reported. */
ASYNC_DEF(leaves)
{
    async_spawn(async_background(), greet("too late"));
    ASYNC_TRY(await_sleep(0));
    return 0;
}

/* 3. Blocking the loop. No other task runs meanwhile. The report has the task, where it was
 * created, and how long it blocked. */
ASYNC_DEF(sleeps)
{
    usleep(500000); /* asyncio: allow blocking: it should have been await_sleep(0.5) */
    return 0;
}

ASYNC_DEF(blocks)
{
    await_task_auto t = async_create_task(sleeps());
    return await_task(t);
}

/* 4. Swallowing a cancellation. The error is ignored, and the task ends as if it had succeeded. */
ASYNC_DEF(deaf)
{
    async_ignore(await_sleep(10));
    return 0;
}

ASYNC_DEF(swallows)
{
    await_task_auto t = async_create_task(deaf());
    ASYNC_TRY(await_sleep(0.1));
    async_task_cancel(t, .reason = "enough");
    return await_task(t);
}

static void run(const char *title, async_co mistake)
{
    printf("%s\n", title);
    int r = async_run(mistake, .debug = true, .slow_step = 0.4);
    printf("  and the program goes on: %d\n", r);
}

int main(void)
{
    run("1. forgetting to await", forgets());
    run("2. leaving main before tasks end", leaves());
    run("3. blocking the loop", blocks());
    run("4. swallowing a cancel", swallows());
    return 0;
}
