/* SPDX-License-Identifier: MIT */
/* o: a call that blocks stops everybody; on a thread it does not. */
#include <asyncio.h>
#include <stdio.h>
#include <unistd.h>

ASYNC_DEF(crunch) /* no await_ in it: nobody else can run meanwhile */
{
    usleep(200 * 1000);
    return 0;
}

ASYNC_DEF(ticker, (int *)ticks)
{
    for (;; ++*ticks)
        ASYNC_TRY(await_sleep(0.02));
}

ASYNC_DEF(amain)
{
    int ticks = 0;
    await_task_auto t = async_create_task(ticker(&ticks));
    ASYNC_TRY(await_sleep(0)); /* let it start */

    ASYNC_TRY(await_crunch());
    printf("called here: %s\n", ticks ? "the ticker ticked" : "everybody stood still");
    ASYNC_TRY(await_to_thread(crunch()));
    printf("on a thread: %s\n", ticks ? "the ticker ticked" : "everybody stood still");
    return 0;
}

int main(void)
{
    return async_main(amain());
}
