/* SPDX-License-Identifier: MIT */
/* Queues that are shut: what is in is drained or dropped, and who waits hears of it. */
#include "queue.h"

ASYNC_DEF(puts_item, (queue *)q, (int)item)
{
    int r = await_queue_put(q, item);
    log_event("put:%s", result_text(r));
    return 0;
}

ASYNC_DEF(gets_item, (queue *)q)
{
    int item, r = await_queue_get(q, &item);
    log_event("get:%s", result_text(r < 0 ? r : item));
    return r;
}

/* The place is promised to a putter: who waits to get hears of the end behind its item, not before. */
LOOP_TEST(shut_with_a_place_promised)
{
    int r, item;
    queue q = ASYNC_QUEUE(q);
    expect_ok(await_queue_put(&q, 1));
    await_group (r, g) {
        async_spawn(g, puts_item(&q, 2));
        expect_ok(await_sleep(1));
        expect_ok(async_queue_get_nowait(&q, &item));
        async_queue_shutdown(&q, false);
        expect_int(async_queue_get_nowait(&q, &item), -EAGAIN);
        expect_ok(await_queue_get(&q, &item));
        expect_int(item, 2);
        expect_int(await_queue_get(&q, &item), -EPIPE);
        expect_int(async_queue_get_nowait(&q, &item), -EPIPE);
    }
    expect_events("put:0");
    return r;
}

/* The putter gives its place up. */
LOOP_TEST(shut_and_promise_cancelled)
{
    int item;
    queue q = ASYNC_QUEUE(q);
    expect_ok(await_queue_put(&q, 1));
    await_task_auto p = async_create_task(puts_item(&q, 2));
    expect_ok(await_sleep(1));
    await_task_auto t = async_create_task(gets_item(&q));
    expect_ok(async_queue_get_nowait(&q, &item));
    async_queue_shutdown(&q, false);
    async_task_cancel(p);
    expect_int(await_task(t), -EPIPE);
    expect_events("put:-ECANCELED get:-EPIPE");
    return 0;
}

/* An item's getter hands it back: the next one has it. */
LOOP_TEST(shut_and_item_handed_back)
{
    queue q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(gets_item(&q));
    await_task_auto b = async_create_task(gets_item(&q));
    expect_ok(await_sleep(1));
    expect_ok(async_queue_put_nowait(&q, 7)); /* a's */
    async_queue_shutdown(&q, false);
    async_task_cancel(a);
    expect_ok(await_task(b));
    expect_int(await_task(a), -ECANCELED);
    expect_events("get:-ECANCELED get:7");
    return 0;
}

LOOP_TEST(shut_when_empty)
{
    queue q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(gets_item(&q));
    await_task_auto b = async_create_task(gets_item(&q));
    expect_ok(await_sleep(1));
    async_queue_shutdown(&q, false);
    expect_int(await_task(a), -EPIPE);
    expect_int(await_task(b), -EPIPE);
    return 0;
}

LOOP_TEST(dropped_with_a_place_promised)
{
    int item;
    queue q = ASYNC_QUEUE(q);
    expect_ok(await_queue_put(&q, 1));
    await_task_auto p = async_create_task(puts_item(&q, 2));
    expect_ok(await_sleep(1));
    await_task_auto t = async_create_task(gets_item(&q));
    expect_ok(async_queue_get_nowait(&q, &item));
    async_queue_shutdown(&q, true);
    expect_int(await_task(t), -EPIPE);
    expect_events("put:-EPIPE get:-EPIPE");
    return 0;
}
/* --- shutdown --- */

/* Graceful: puts fail, who waits to put hears of it, what is in is drained, then gets fail too. */
LOOP_TEST(shutdown_graceful)
{
    int item;
    queue3 q = ASYNC_QUEUE(q);
    FILL(&q, 1, 2, 3);
    await_task_auto p = async_create_task(puts_three(&q, 4));
    await_task_auto j = async_create_task(joins(&q));
    expect_ok(await_sleep(1));
    async_queue_shutdown(&q, false);
    expect_int(await_task(p), -EPIPE);
    expect_int(await_queue_put(&q, 5), -EPIPE);
    expect_int(async_queue_put_nowait(&q, 5), -EPIPE);
    TAKE(&q, 1, 2);
    expect_ok(await_queue_get(&q, &item));
    expect_int(item, 3);
    expect_int(await_queue_get(&q, &item), -EPIPE);
    expect_int(async_queue_get_nowait(&q, &item), -EPIPE);
    for (int i = 0; i < 3; i++)
        expect_ok(async_queue_task_done(&q));
    expect_ok(await_task(j));
    expect_events("put4:-EPIPE joined:0");
    return 0;
}

/* Immediate: what is in is dropped and counts as done; an item that was gotten does not. */
LOOP_TEST(shutdown_immediate)
{
    int item;
    queue3 q = ASYNC_QUEUE(q);
    FILL(&q, 1, 2, 3);
    TAKE(&q, 1);
    await_task_auto j = async_create_task(joins(&q));
    expect_ok(await_sleep(1));
    async_queue_shutdown(&q, true);
    expect_int(await_queue_get(&q, &item), -EPIPE);
    expect_ok(async_queue_count(&q));
    expect_ok(await_sleep(1));
    expect_events("");
    expect_ok(async_queue_task_done(&q));
    expect_ok(await_task(j));
    expect_int(async_queue_task_done(&q), -EINVAL);
    async_queue_shutdown(&q, true); /* again, and the other way: nothing */
    async_queue_shutdown(&q, false);
    expect_int(await_queue_get(&q, &item), -EPIPE);
    return 0;
}

/* Graceful first, immediate afterwards: the rest is dropped. */
LOOP_TEST(shutdown_twice)
{
    int item;
    queue3 q = ASYNC_QUEUE(q);
    FILL(&q, 1, 2);
    async_queue_shutdown(&q, false);
    TAKE(&q, 1);
    async_queue_shutdown(&q, true);
    expect_int(async_queue_get_nowait(&q, &item), -EPIPE);
    expect_ok(async_queue_task_done(&q));
    return await_queue_join(&q);
}

/* An item that was handed to a getter before is still its own; the lifo's lies at the end of what is dropped. */
LOOP_TEST(shutdown_immediate_spares_a_getters_item)
{
    queue3 q = ASYNC_LIFO_QUEUE(q);
    await_task_auto a = async_create_task(gets_three(&q, "a"));
    expect_ok(await_sleep(1));
    FILL(&q, 1, 2, 3);
    async_queue_shutdown(&q, true);
    expect_ok(await_task(a));
    expect_events("a:3");
    expect_ok(async_queue_task_done(&q));
    return await_queue_join(&q);
}

/* The item that the cancelled getter was owed counts as done, because all items were dropped. */
LOOP_TEST(immediate_shutdown_then_woken_getter_cancelled_ends_join)
{
    queue3 q = ASYNC_QUEUE(q);
    await_task_auto getter = async_create_task(gets_three(&q, "a"));
    expect_ok(await_sleep(1));
    FILL(&q, 1);
    async_queue_shutdown(&q, true);
    expect_true(async_task_cancel(getter));
    expect_ok(await_queue_join(&q));
    expect_int(await_task(getter), -ECANCELED);
    expect_ok(async_queue_count(&q));
    return 0;
}

LOOP_TEST(shutdown_immediate_of_a_full_stack)
{
    async_queue_of(int, 2) q = ASYNC_LIFO_QUEUE(q);
    int item;
    expect_ok(async_queue_put_nowait(&q, 1));
    expect_ok(async_queue_put_nowait(&q, 2));
    async_queue_shutdown(&q, true);
    expect_int(await_queue_get(&q, &item), -EPIPE);
    return await_queue_join(&q);
}

SUITE("queue-shutdown", immediate_shutdown_then_woken_getter_cancelled_ends_join,
      shutdown_immediate_of_a_full_stack, shutdown_graceful, shutdown_immediate, shutdown_twice,
      shutdown_immediate_spares_a_getters_item, shut_with_a_place_promised,
      shut_and_promise_cancelled, shut_and_item_handed_back, shut_when_empty,
      dropped_with_a_place_promised)
