/* SPDX-License-Identifier: MIT */
/* a: run a coroutine; sleep without stopping the others. */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(amain)
{
    puts("hello");
    ASYNC_TRY(await_sleep(0.1));
    puts("world");
    return 0;
}

int main(void)
{
    return async_main(amain());
}
