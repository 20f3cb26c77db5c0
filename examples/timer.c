/* SPDX-License-Identifier: MIT */
/* A context manager that prints how long its block took, however the block was left.
 * Python: class Timer: async def __aenter__(self): ...; async def __aexit__(self, *exc): ...
 *         async with Timer("work"): ... */
#include <asyncio.h>
#include <stdio.h>

struct timer {
    const char *label;
    double start;
};

ASYNC_DEF(timer_enter, (struct timer *)t) /* __aenter__ */
{
    t->start = async_time();
    return 0;
}

ASYNC_DEF(timer_exit, (struct timer *)t) /* __aexit__ */
{
    printf("%s took %.1f s\n", t->label, async_time() - t->start);
    return 0;
}

static async_context_manager timer(struct timer *t, const char *label)
{
    t->label = label;
    return (async_context_manager){ .enter = timer_enter(t), .leave = timer_exit(t) };
}

ASYNC_DEF(to_the_end)
{
    int r;
    struct timer t;
    await_with (r, timer(&t, "a block"))
        r = await_sleep(0.2);
    return r;
}

ASYNC_DEF(on_error)
{
    int r;
    struct timer t;
    await_with (r, timer(&t, "a block that failed")) {
        ASYNC_TRY(await_sleep(0.1));
        ASYNC_TRY(async_fail(-EIO, "the disk is gone")); /* leaves the block and the function */
        puts("not reached");
    }
    return r;
}

ASYNC_DEF(early_return)
{
    int r;
    struct timer t;
    await_with (r, timer(&t, "a block that returned")) {
        ASYNC_TRY(await_sleep(0.1));
        /* The context manager is left, too, but its own errors would be lost; ASYNC_RETURN keeps
         * them.
         * asyncio: allow return-in-block */
        return 7;
    }
    return r;
}

ASYNC_DEF(amain)
{
    ASYNC_TRY(await_to_the_end());
    printf("on error: %s\n", strerror(-await_on_error()));
    printf("early return: %d\n", await_early_return());
    int r = await_wait_for(to_the_end(), 0.1); /* the block is left by a cancellation */
    printf("on timeout: %s\n", strerror(-r));
    return 0;
}

int main(void)
{
    return async_main(amain());
}
