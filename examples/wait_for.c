/* SPDX-License-Identifier: MIT */
/* An operation takes 0.5 s, and has a timeout of 0.2 s.
 * Python: try: await asyncio.wait_for(slow_operation(), timeout=2)
 *         except asyncio.TimeoutError: ... */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(slow_operation)
{
    puts("operation starts");
    int r = await_sleep(0.5);
    if (r == -ECANCELED) /* Python: except CancelledError, or finally */
        puts("operation cleans up");
    else
        puts("operation ends");
    return r;
}

ASYNC_DEF(amain)
{
    double start = async_time();
    int r = await_wait_for(slow_operation(), 0.2);
    if (r == -ETIMEDOUT) {
        printf("timed out after %.1f s\n", async_time() - start);
        puts("using the cached answer");
        r = 0;
    }
    return r;
}

int main(void)
{
    return async_main(amain());
}
