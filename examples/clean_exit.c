/* SPDX-License-Identifier: MIT */
/* A service that ends with exit status 0 after Ctrl-C. Without async_uncancel() the status would be
 * 130, as that of a program that the signal has ended. Ctrl-C cancels the main task, so what it
 * awaits ends first; then the main task finds out why, and withdraws the cancellation. From there
 * on it may await again, without a shield.
 * Python: except asyncio.CancelledError: task.uncancel() */
#include <asyncio.h>
#include <signal.h>
#include <stdio.h>

ASYNC_DEF(service)
{
    for (int i = 1;; i++) {
        ASYNC_TRY(await_sleep(0.1));
        printf("request %d\n", i);
        if (i == 2)
            raise(SIGINT); /* as Ctrl-C does; the next await_ call is cancelled */
    }
}

ASYNC_DEF(save)
{
    ASYNC_TRY(await_sleep(0.1)); /* stands for a write to a disk */
    puts("saved");
    return 0;
}

ASYNC_DEF(amain)
{
    int r = await_service();
    if (r != -ECANCELED || async_cancel_cause().kind != ASYNC_CANCEL_SIGNAL)
        return r;
    async_uncancel();
    puts("ended by Ctrl-C");
    return await_save();
}

int main(void)
{
    return async_main(amain());
}
