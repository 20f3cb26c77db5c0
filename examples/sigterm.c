/* SPDX-License-Identifier: MIT */
/* A service that ends in order on SIGTERM, which `kill`, systemd and `docker stop` send. Its main
 * task runs a race between the service and an event. The signal handler posts a call that sets the
 * event. This ends the race, so the service is cancelled and saves its state, and the program exits
 * with status 0.
 * Python: loop.add_signal_handler(signal.SIGTERM, task.cancel) */
#include <asyncio.h>
#include <signal.h>
#include <stdio.h>

static async_loop *loop;
static async_event stop;

/* Runs on the loop's thread, between two steps of tasks. */
static void set_stop(void *arg)
{
    (void)arg;
    async_event_set(&stop);
}

static void on_sigterm(int sig)
{
    static async_post post; /* one for each signal is enough */
    (void)sig;
    async_call_soon_signalsafe(loop, &post, set_stop, NULL);
}

ASYNC_DEF(wait_for_stop)
{
    return await_event_wait(&stop);
}

ASYNC_DEF(save)
{
    ASYNC_TRY(await_sleep(0.1)); /* stands for a write to a disk */
    puts("saved");
    return 0;
}

ASYNC_DEF(service)
{
    int r, saved;
    for (int i = 1; (r = await_sleep(0.1)) == 0; i++) {
        printf("request %d\n", i);
        if (i == 2)
            raise(SIGTERM); /* as `kill` does; the next await_ call is cancelled */
    }
    await_shield (saved) /* the service is cancelled, so await_ calls would fail without it */
        await_timeout (saved, 5)
            saved = await_save();
    return saved < 0 ? saved : r;
}

ASYNC_DEF(amain)
{
    int r;
    loop = async_get_running_loop();
    struct sigaction action = { .sa_handler = on_sigterm };
    sigaction(SIGTERM, &action, NULL);

    /* If the event is set first, the race cancels the service and waits until it has ended. */
    int first = ASYNC_TRY(await_race(&r, service(), wait_for_stop()));
    if (first == 1)
        puts("ended by SIGTERM");
    return r; /* the result of the coroutine that ended first: 0 after SIGTERM */
}

int main(void)
{
    return async_main(amain());
}
