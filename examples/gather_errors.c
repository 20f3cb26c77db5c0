/* SPDX-License-Identifier: MIT */
/* A gather with one failing child. Either the first error ends the gather, or errors are results.
 * Python: asyncio.gather(...), asyncio.gather(..., return_exceptions=True) */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(fetch_data, (int)id, (double)delay)
{
    int r = await_sleep(delay);
    printf("fetch %d %s\n", id, r < 0 ? "is cancelled" : id == 2 ? "fails" : "ends");
    if (r < 0)
        return r;
    return id == 2 ? async_fail(-EIO, "no answer for %d", id) : 10 * id;
}

ASYNC_DEF(amain)
{
    int got[3], r;
    double start = async_time();
    r = await_gather(got, fetch_data(1, 0.1), fetch_data(2, 0.2), fetch_data(3, 0.3));
    printf("gather: %s after %.1f s\n", async_fail_text(r), async_time() - start);

    start = async_time(); /* by now all three have ended, since await_gather() waits for them */
    r = await_gather_all(got, fetch_data(1, 0.1), fetch_data(2, 0.2), fetch_data(3, 0.3));
    printf("all: %d failed after %.1f s:", r, async_time() - start);
    for (int i = 0; i < 3; i++)
        got[i] < 0 ? printf(" %s;", strerror(-got[i])) : printf(" %d;", got[i]);
    puts("");
    return 0;
}

int main(void)
{
    return async_main(amain());
}
