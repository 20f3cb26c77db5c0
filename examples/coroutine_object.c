/* SPDX-License-Identifier: MIT */
/* A coroutine object is a call that has not been made.
 * Python: co = fetch_data(1); print(co); result = await co */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(fetch_data, (int)id)
{
    printf("fetching %d\n", id);
    ASYNC_TRY(await_sleep(0.1));
    return 10 * id;
}

ASYNC_DEF(amain)
{
    /* `fetch_data(1);` on a line of its own does not compile without a warning, because its value
     * is unused. Python reports "coroutine was never awaited" when the program runs; here the
     * compiler does. */
    async_co co = fetch_data(1);
    puts("made, and nothing has run");
    printf("<coroutine object %s>\n", co.name);

    /* Await an object in this task. It is a value, and can be awaited twice. */
    int result = ASYNC_TRY(await_co(co));
    printf("result %d\n", result);

    /* To make and to await in one go, put await_ in front: `await fetch_data(2)`. */
    result = ASYNC_TRY(await_fetch_data(2));
    printf("result %d\n", result);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
