/* SPDX-License-Identifier: MIT */
/* Two fetches awaited one after the other take the sum of their times.
 * Python: first = fetch_data(1); second = fetch_data(2); await first; await second */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(fetch_data, (int)id, (double)delay)
{
    printf("fetch %d starts\n", id);
    ASYNC_TRY(await_sleep(delay));
    printf("fetch %d ends\n", id);
    return id;
}

ASYNC_DEF(amain)
{
    double start = async_time();
    async_co first = fetch_data(1, 0.1), second = fetch_data(2, 0.2); /* made here, but not begun */
    ASYNC_TRY(await_co(first));
    ASYNC_TRY(await_co(second)); /* begins here */
    printf("0.1 and 0.2 took %.1f s: no concurrency\n", async_time() - start);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
