/* SPDX-License-Identifier: MIT */
/* Scenarios of queues: an item that was put is received once or still in the queue; one that could
 * not be put still belongs to its producer. */
#include "scenario.h"

typedef async_queue_of(int, 2) int_queue;

ASYNC_DEF(produces, (int_queue *)q, (int)n)
{
    for (int i = 0; i < n; i++) {
        account.made++;
        int r = await_queue_put(q, i);
        if (r < 0) {
            account.kept++;
            return r;
        }
    }
    return 0;
}

ASYNC_DEF(consumes, (int_queue *)q, (int)n, (double)seconds)
{
    for (int i = 0, item; i < n; i++) {
        ASYNC_TRY(await_queue_get(q, &item));
        account.used++;
        ASYNC_TRY(await_sleep(seconds));
    }
    return 0;
}

static void balance_queue(int_queue *q)
{
    account.kept += (int)async_queue_count(q);
    scenario_expect(q->q.owed == 0 && q->q.reserved == 0);
}

SCENARIO(one_producer_and_one_consumer)
{
    int_queue q = ASYNC_QUEUE(q);
    int r = await_gather(NULL, produces(&q, 5), consumes(&q, 5, 0));
    balance_queue(&q);
    return r;
}

SCENARIO(slow_consumer)
{
    int_queue q = ASYNC_QUEUE(q);
    int r = await_gather(NULL, consumes(&q, 5, 1), produces(&q, 5));
    balance_queue(&q);
    return r;
}

SCENARIO(several_producers_and_consumers)
{
    int_queue q = ASYNC_QUEUE(q);
    int r = await_gather(NULL, consumes(&q, 3, 0), produces(&q, 2), consumes(&q, 1, 1),
                         produces(&q, 2));
    balance_queue(&q);
    return r;
}

/* The item goes to the next getter. */
SCENARIO(getter_cancelled_after_it_was_woken)
{
    int_queue q = ASYNC_QUEUE(q);
    int r;
    await_group (r, g) {
        async_task *a = async_group_create_task(g, consumes(&q, 1, 0));
        async_spawn(g, consumes(&q, 1, 0));
        r = await_sleep(1);
        if (r == 0)
            r = await_produces(&q, 1);
        async_task_cancel(a); /* it was woken, and has not run */
    }
    balance_queue(&q);
    return r;
}

SCENARIO(putter_cancelled_after_it_was_granted_a_slot)
{
    int_queue q = ASYNC_QUEUE(q);
    int r;
    await_group (r, g) {
        async_task *a = async_group_create_task(g, produces(&q, 3));
        async_spawn(g, produces(&q, 1));
        r = await_sleep(1);
        if (r == 0)
            r = await_wait_for(consumes(&q, 1, 0), 60); /* the producer may have failed */
        async_task_cancel(a);                           /* it was granted a slot, and has not run */
        if (r == 0)
            r = await_wait_for(consumes(&q, 1, 0), 60);
        r = r == -ETIMEDOUT ? 0 : r;
    }
    balance_queue(&q);
    return r;
}

SCENARIO(lifo_queue)
{
    int_queue q = ASYNC_LIFO_QUEUE(q);
    int r = await_gather(NULL, produces(&q, 4), consumes(&q, 4, 1));
    balance_queue(&q);
    return r;
}

static int by_size(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

SCENARIO(priority_queue)
{
    int_queue q = ASYNC_PRIORITY_QUEUE(q, by_size);
    int r = await_gather(NULL, consumes(&q, 2, 1), produces(&q, 4), consumes(&q, 2, 0));
    balance_queue(&q);
    return r;
}

ASYNC_DEF(works, (int_queue *)q)
{
    for (int item, r;;) {
        r = await_queue_get(q, &item);
        if (r < 0)
            return r == -EPIPE ? 0 : r;
        account.used++;
        r = await_sleep(1);
        scenario_expect(async_queue_task_done(q) == 0);
        if (r < 0)
            return r;
    }
}

SCENARIO(queue_join)
{
    int_queue q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(works(&q));
    await_task_auto b = async_create_task(works(&q));
    int r = await_wait_for(produces(&q, 5), 60); /* the consumers may have failed */
    int joined = 0;
    if (r == 0)
        await_timeout (joined, 60)
            joined = await_queue_join(&q);
    bool short_of_memory = async_task_result(a) == -ENOMEM || async_task_result(b) == -ENOMEM;
    await_task_drop(&a);
    await_task_drop(&b);
    balance_queue(&q);
    return short_of_memory ? -ENOMEM : r < 0 ? r : joined;
}

ASYNC_DEF(produces_and_closes, (int_queue *)q, (int)n)
{
    int r = await_produces(q, n);
    async_queue_shutdown(q, false);
    return r == -EPIPE ? 0 : r;
}

SCENARIO(graceful_queue_shutdown)
{
    int_queue q = ASYNC_QUEUE(q);
    int r = await_gather(NULL, works(&q), works(&q), produces_and_closes(&q, 5));
    balance_queue(&q);
    if (r == 0)
        scenario_expect(account.used == 5);
    return r;
}

/* Items are dropped, and no task waits any more, in join neither. */
SCENARIO(immediate_queue_shutdown)
{
    int_queue q = ASYNC_QUEUE(q);
    int r;
    await_group (r, g) {
        async_spawn(g, produces_and_closes(&q, 4));
        r = await_sleep(1);
        account.kept += (int)async_queue_count(&q); /* before they are dropped */
        async_queue_shutdown(&q, true);
        if (r == 0)
            r = await_queue_join(&q);
    }
    scenario_expect(async_queue_empty(&q));
    account.kept += (int)async_queue_count(&q);
    return r;
}

ASYNC_DEF(passes_on, (int_queue *)from, (int_queue *)to)
{
    for (int item, r;;) {
        r = await_queue_get(from, &item);
        if (r == 0) {
            r = await_queue_put(to, item);
            account.kept += r < 0;
        }
        if (r < 0) {
            async_queue_shutdown(to, false);
            return r == -EPIPE ? 0 : r;
        }
    }
}

SCENARIO(chain_of_queues)
{
    int_queue a = ASYNC_QUEUE(a), b = ASYNC_QUEUE(b);
    int r = await_gather(NULL, produces_and_closes(&a, 4), passes_on(&a, &b), works(&b));
    balance_queue(&a);
    balance_queue(&b);
    return r;
}

SCENARIO(queue_and_timeouts)
{
    int_queue q = ASYNC_QUEUE(q);
    int r = 0, item;
    await_task_auto t = async_create_task(produces(&q, 3));
    for (int i = 0; i < 5 && r == 0; i++) {
        await_timeout (r, 2) {
            r = await_queue_get(&q, &item);
            account.used += r == 0;
        }
        if (r == -ETIMEDOUT)
            r = 0;
    }
    if (async_task_result(t) == -ENOMEM)
        r = -ENOMEM;
    await_task_drop(&t);
    balance_queue(&q);
    return r;
}

/* --- a queue that grows, when there is memory --- */

typedef async_dynamic_queue_of(int) growing_queue;

ASYNC_DEF(puts_many, (growing_queue *)q, (int)n)
{
    for (int i = 0; i < n; i++) {
        int r = await_queue_put(q, i);
        if (r < 0)
            return r;
        account.made++;
        ASYNC_TRY(await_sleep(i % 3 == 0));
    }
    return 0;
}

ASYNC_DEF(gets_many, (growing_queue *)q, (int)n)
{
    for (int i = 0, item; i < n; i++) {
        int r = await_queue_get(q, &item);
        if (r < 0)
            return r;
        account.used++;
    }
    return 0;
}

SCENARIO(queue_that_grows)
{
    growing_queue q = ASYNC_DYNAMIC_QUEUE(q, 0);
    int r = await_gather(NULL, puts_many(&q, 20), gets_many(&q, 3));
    account.kept = (int)async_queue_count(&q);
    async_queue_free(&q);
    return r;
}
