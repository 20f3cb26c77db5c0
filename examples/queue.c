/* SPDX-License-Identifier: MIT */
/* Producers and consumers share a queue of two slots: join, shutdown, and the priority and LIFO
 * kinds. Python: q = asyncio.Queue(2); await q.put(x); x = await q.get(); q.task_done(); await
 * q.join(); q.shutdown() */
#include <asyncio.h>
#include <stdio.h>

typedef async_queue_of(int, 2) int_queue;

ASYNC_DEF(producer, (int_queue *)q, (int)first)
{
    for (int item = first; item < first + 3; item++) {
        bool full = async_queue_full(q);
        ASYNC_TRY(await_queue_put(q, item)); /* waits while the queue is full */
        printf("put %d%s\n", item, full ? ", having waited" : "");
    }
    return 0;
}

ASYNC_DEF(consumer, (int_queue *)q, (int *)sum)
{
    int item, r;
    while ((r = await_queue_get(q, &item)) == 0) { /* waits while the queue is empty */
        ASYNC_TRY(await_sleep(0.1));
        *sum += item;
        async_queue_task_done(q);
    }
    printf("consumer: %s\n", r == -EPIPE ? "all done" : strerror(-r));
    return r == -EPIPE ? 0 : r;
}

ASYNC_DEF(work)
{
    int r, sum = 0;
    double start = async_time();
    int_queue q = ASYNC_QUEUE(q);
    await_group (r, g) {
        async_spawn(g, consumer(&q, &sum));
        ASYNC_TRY(await_gather(NULL, producer(&q, 10), producer(&q, 20)));
        ASYNC_TRY(await_queue_join(&q)); /* until each item has been dealt with */
        printf("sum %d after %.1f s\n", sum, async_time() - start);
        async_queue_shutdown(&q, false);
        printf("too late: %s\n", strerror(-await_queue_put(&q, 1)));
    }
    return r;
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

ASYNC_DEF(kinds)
{
    typedef async_queue_of(int, 4) queue4;
    queue4 sorted = ASYNC_PRIORITY_QUEUE(sorted, by_value), lifo = ASYNC_LIFO_QUEUE(lifo);
    static const int items[] = { 3, 1, 4, 2 };
    for (int i = 0; i < 4; i++) {
        ASYNC_TRY(await_queue_put(&sorted, items[i]));
        ASYNC_TRY(await_queue_put(&lifo, items[i]));
    }
    for (int i = 0, a, b; i < 4; i++) {
        ASYNC_TRY(await_queue_get(&sorted, &a));
        ASYNC_TRY(await_queue_get(&lifo, &b));
        printf("smallest first: %d, last in, first out: %d\n", a, b);
    }
    return 0;
}

ASYNC_DEF(amain)
{
    ASYNC_TRY(await_work());
    return await_kinds();
}

int main(void)
{
    return async_main(amain());
}
