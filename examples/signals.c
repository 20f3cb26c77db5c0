/* SPDX-License-Identifier: MIT */
/* A signal handler that wakes a task. It may not use most functions of the library, but it can post
 * a call to the loop: async_call_soon_signalsafe() takes no lock and allocates nothing.
 * Python: loop.add_signal_handler() */
#include <asyncio.h>
#include <signal.h>
#include <stdio.h>

static async_loop *loop;
static async_event reload;

/* Runs on the loop's thread, between two steps of tasks. */
static void wake(void *arg)
{
    async_event_set(arg);
}

static void on_signal(int sig)
{
    static async_post post; /* one for each signal is enough */
    (void)sig;
    async_call_soon_signalsafe(loop, &post, wake, &reload);
}

ASYNC_DEF(amain)
{
    loop = async_get_running_loop();
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 1; i <= 2; i++) {
        raise(SIGUSR1); /* as `kill -USR1` does */
        ASYNC_TRY(await_event_wait(&reload));
        async_event_clear(&reload);
        printf("reload %d\n", i);
    }
    return 0;
}

int main(void)
{
    return async_main(amain());
}
