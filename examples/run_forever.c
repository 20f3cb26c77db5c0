/* SPDX-License-Identifier: MIT */
/* A loop without a main task. It runs callbacks and tasks until async_stop() is called. Those that
 * are left then continue in the next run.
 * Python: loop.run_forever(), loop.stop() */
#include <asyncio.h>
#include <stdio.h>

static void tick(void *arg)
{
    static async_callback next;
    int *ticks = arg;
    printf("tick %d\n", ++*ticks);
    if (*ticks % 2 == 0)
        async_stop(); /* ends the run when everything that is ready now has run */
    async_call_later(&next, 0.05, tick, ticks);
}

int main(void)
{
    int ticks = 0, r;
    async_callback first = { 0 };
    async_runner *rn = async_runner_open(NULL);
    if (!rn)
        return 1;
    async_call_soon(&first, tick, &ticks);
    r = async_runner_run_forever(rn);
    puts("stopped; and on");
    if (r == 0)
        r = async_runner_run_forever(rn);
    printf("ended with %d after %d ticks\n", r, ticks);
    async_runner_close(rn);
    return r < 0;
}
