/* SPDX-License-Identifier: MIT */
/* A1: hello, a pause, world, through the one entry point.
 * Python: async def main(): print("hello"); await asyncio.sleep(1); print("world")
 *         asyncio.run(main()) */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(hello)
{
    puts("hello");
    ASYNC_TRY(await_sleep(0.1)); /* `await`: the others may run meanwhile */
    puts("world");
    return 0;
}

ASYNC_DEF(amain)
{
    ASYNC_TRY(await_hello());

    /* Inside it one awaits. A second loop inside the first is refused: the message is on stderr. */
    int r = async_run(hello());
    printf("async_run inside async_run: %s\n", strerror(-r));
    return r == -EBUSY ? 0 : -EINVAL;
}

/* Makes the loop, runs amain to its end, closes the loop. async_run() is the same for use outside of main(). */
int main(void)
{
    return async_main(amain());
}
