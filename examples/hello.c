/* SPDX-License-Identifier: MIT */
/* Print hello, wait, and print world.
 * Python: async def main(): print("hello"); await asyncio.sleep(0.1); print("world")
 *         asyncio.run(main()) */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(hello)
{
    puts("hello");
    ASYNC_TRY(await_sleep(0.1)); /* other tasks may run meanwhile */
    puts("world");
    return 0;
}

ASYNC_DEF(amain)
{
    ASYNC_TRY(await_hello());

    /* A second loop inside the first one is refused, with a message on stderr. */
    int r = async_run(hello());
    printf("async_run inside async_run: %s\n", strerror(-r));
    return r == -EBUSY ? 0 : -EINVAL;
}

/* Make a loop, run amain to its end, and close the loop. Outside of main(), use async_run(). */
int main(void)
{
    return async_main(amain());
}
