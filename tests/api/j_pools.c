/* SPDX-License-Identifier: MIT */
/* j: blocking work on threads; heavy work in processes. */
#include <asyncio.h>
#include <stdio.h>
#include <unistd.h>

ASYNC_THREAD(square, (int)n)
{
    usleep(50 * 1000); /* would stop the loop */
    return n * n;
}

struct range {
    long from, to;
};

ASYNC_PROCESS(sum, (const struct range *)range, (long *)total)
{
    *total = 0;
    for (long i = range->from; i < range->to; i++)
        *total += i;
    return 0;
}

ASYNC_DEF(amain)
{
    int n[2];
    ASYNC_TRY(await_gather(n, square(6), square(7)));
    printf("%d %d\n", n[0], n[1]);

    long x, y;
    struct range low = { 0, 1000 }, high = { 1000, 2000 };
    ASYNC_TRY(await_gather(NULL, sum(&low, &x), sum(&high, &y)));
    printf("%ld\n", x + y);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
