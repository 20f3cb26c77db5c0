/* SPDX-License-Identifier: MIT */
/* A28: four mistakes, and who names each. Run with debug mode, it says on stderr which task and where; the compiler
 * refuses the first one, and `asyncio lint` finds the first, the third and the fourth without running anything. */
#include <asyncio.h>
#include <stdio.h>
#include <unistd.h>

ASYNC_DEF(greet, (const char *)name)
{
    ASYNC_TRY(await_sleep(0.1));
    printf("hello, %s\n", name);
    return 0;
}

/* 1. Forgetting to await. With -DMISTAKE: "ignoring return value of 'greet'", at this line, and it is an error. */
ASYNC_DEF(forgets)
{
#ifdef MISTAKE
    greet("nobody"); /* asyncio: allow never-awaited: it is what is shown */
#endif
    return await_greet("world");
}

/* 2. Leaving main before tasks end: they are cancelled, and named. */
ASYNC_DEF(leaves)
{
    async_spawn(async_background(), greet("too late"));
    ASYNC_TRY(await_sleep(0));
    return 0;
}

/* 3. Blocking the loop: nothing else runs meanwhile. Named are the task, where it was made and for how long. */
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

/* 4. Swallowing a cancel: the error of the await is ignored, and the task ends as if nothing had been. */
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
