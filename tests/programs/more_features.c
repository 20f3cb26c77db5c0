/* SPDX-License-Identifier: MIT */
/* more_features.c - features that no example shows, once each: results in order of completion,
 * race, shield, context variables, LIFO and priority queues, barrier, callbacks, background
 * tasks. */
#include "fetch.h"
#include <stdlib.h>

ASYNC_LOCAL(int, request_id, 0);

ASYNC_DEF(show_request, (int)change_to)
{
    int inherited = async_local_get(request_id);
    ASYNC_TRY(async_local_set(request_id, change_to));
    ASYNC_TRY(await_sleep(0));
    printf("inherited %d, mine %d\n", inherited, async_local_get(request_id));
    return 0;
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

ASYNC_DEF(queues)
{
    typedef async_queue_of(int, 4) int_queue;
    int_queue lifo = ASYNC_LIFO_QUEUE(lifo), sorted = ASYNC_PRIORITY_QUEUE(sorted, by_value);
    for (int i = 0; i < 4; i++) {
        ASYNC_TRY(await_queue_put(&lifo, i));
        ASYNC_TRY(async_queue_put_nowait(&sorted, (i * 3 + 2) % 4));
    }
    for (int i = 0, a, b; i < 4; i++) {
        ASYNC_TRY(await_queue_get(&lifo, &a));
        ASYNC_TRY(async_queue_get_nowait(&sorted, &b));
        ASYNC_TRY(async_queue_task_done(&sorted));
        printf("%d %d%s", a, b, i < 3 ? ", " : "\n");
    }
    return await_queue_join(&sorted);
}

ASYNC_DEF(save) /* runs to its end although it is cancelled */
{
    int r;
    await_shield (r)
        await_timeout (r, 1)
            r = await_sleep(0.05);
    puts(r == 0 ? "saved" : "not saved");
    return r;
}

ASYNC_DEF(meet, (async_barrier *)b)
{
    return ASYNC_TRY(await_barrier_wait(b)) >= 0 ? 0 : -EINVAL;
}

static void ring(void *event)
{
    async_event_set(event);
}

ASYNC_DEF(amain)
{
    int r, value;
    await_for_each (r, d, async_as_completed(fetch("/slowest"), fetch("/ab"), fetch("/slow")))
        printf("%zu: %d\n", d.index, d.result);
    ASYNC_TRY(r);

    int winner = ASYNC_TRY(await_race(&value, fetch("/very/slow"), fetch("/fast"), async_sleep(1)));
    printf("%d wins with %d\n", winner, value);

    ASYNC_TRY(async_local_set(request_id, 7));
    ASYNC_TRY(await_gather(NULL, show_request(8), show_request(9)));
    printf("still %d\n", async_local_get(request_id));

    ASYNC_TRY(await_queues());
    r = await_wait_for(save(), 0.01);
    printf("save: %d\n", r);

    async_barrier b = ASYNC_BARRIER(3);
    ASYNC_TRY(await_gather(NULL, meet(&b), meet(&b), meet(&b)));

    async_callback alarm = { 0 };
    async_event rang = { 0 };
    async_call_later(&alarm, 0.02, ring, &rang);
    ASYNC_TRY(await_event_wait(&rang));

    async_spawn(async_background(), fetch("/to/be/cancelled/at/the/end"));
    return 0;
}

int main(void)
{
    return async_main(amain());
}
