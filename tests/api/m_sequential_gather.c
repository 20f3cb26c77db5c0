/* SPDX-License-Identifier: MIT */
/* m: one after the other takes the sum of the delays; gathered, the longest of them. */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(say_after, (double)delay, (const char *)what)
{
    ASYNC_TRY(await_sleep(delay));
    puts(what);
    return 0;
}

ASYNC_DEF(amain)
{
    double start = async_time();
    ASYNC_TRY(await_say_after(0.1, "hello"));
    ASYNC_TRY(await_say_after(0.1, "world"));
    printf("sequential: %.1f s\n", async_time() - start);

    start = async_time();
    ASYNC_TRY(await_gather(NULL, say_after(0.1, "hello"), say_after(0.1, "world")));
    printf("gather: %.1f s\n", async_time() - start);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
