/* SPDX-License-Identifier: MIT */
/* Three workers with different delays and three steps each run concurrently, and then one after the
 * other. Python: await asyncio.gather(worker("A", 0.9), worker("B", 1.2), worker("C", 1.5)) */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(worker, (char)name, (double)delay)
{
    for (int step = 1; step <= 3; step++) {
        ASYNC_TRY(await_sleep(delay));
        printf(" %c%d", name, step);
    }
    return 0;
}

ASYNC_DEF(amain)
{
    double start = async_time();
    printf("at once:");
    ASYNC_TRY(await_gather(NULL, worker('A', 0.09), worker('B', 0.12), worker('C', 0.15)));
    printf("\n%.2f s, as long as C\n", async_time() - start);

    start = async_time();
    printf("one after the other:");
    ASYNC_TRY(await_worker('A', 0.09));
    ASYNC_TRY(await_worker('B', 0.12));
    ASYNC_TRY(await_worker('C', 0.15));
    printf("\n%.2f s, the sum\n", async_time() - start);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
