/* SPDX-License-Identifier: MIT */
/* u: a child fails while the body waits for it on a queue: the body is interrupted, nothing hangs. */
#include "fetch.h"

typedef async_queue_of(int, 4) int_queue;

ASYNC_DEF(producer, (int_queue *)q)
{
    ASYNC_TRY(await_queue_put(q, 1));
    return ASYNC_TRY(await_fetch("!no more")); /* fails, and will never put again */
}

ASYNC_DEF(consume)
{
    int r;
    int_queue q = ASYNC_QUEUE(q);
    await_group (r, g) {
        async_spawn(g, producer(&q));
        for (int item;;) {
            ASYNC_TRY(await_queue_get(&q, &item)); /* returns the group's verdict */
            printf("got %d\n", item);
        }
    }
    return r;
}

ASYNC_DEF(amain)
{
    int r = await_consume();
    printf("interrupted: %s\n", strerror(-r)); /* the producer's error, not "cancelled" */
    return r == -EIO ? 0 : r;
}

int main(void)
{
    return async_main(amain());
}
