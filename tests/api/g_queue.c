/* SPDX-License-Identifier: MIT */
/* g: two producers and two consumers around a queue of four. */
#include <asyncio.h>
#include <stdio.h>

typedef async_queue_of(int, 4) int_queue;

ASYNC_DEF(producer, (int_queue *)q, (int)id)
{
    for (int i = 0; i < 5; i++)
        ASYNC_TRY(await_queue_put(q, 10 * id + i));
    return 0;
}

ASYNC_DEF(consumer, (int_queue *)q, (int *)sum)
{
    int item, r;
    while ((r = await_queue_get(q, &item)) == 0)
        *sum += item;
    return r == -EPIPE ? 0 : r; /* shut down and empty: all done */
}

ASYNC_DEF(amain)
{
    int r, sum[2] = { 0 };
    int_queue q = ASYNC_QUEUE(q);
    await_group (r, consumers) {
        async_spawn(consumers, consumer(&q, &sum[0]));
        async_spawn(consumers, consumer(&q, &sum[1]));
        ASYNC_TRY(await_gather(NULL, producer(&q, 1), producer(&q, 2)));
        async_queue_shutdown(&q, false);
    }
    printf("%d\n", sum[0] + sum[1]);
    return r;
}

int main(void)
{
    return async_main(amain());
}
