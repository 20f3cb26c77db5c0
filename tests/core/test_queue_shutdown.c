/* SPDX-License-Identifier: MIT */
/* Tests of queues that are shut down: items are drained or dropped, and waiting tasks fail. */
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

/* Getters fail after its item, not before. */
LOOP_TEST(shutdown_lets_putter_with_granted_slot_put)
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

LOOP_TEST(shutdown_ends_getters_when_putter_gives_slot_up)
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

LOOP_TEST(item_of_cancelled_getter_goes_to_next_after_shutdown)
{
    queue q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(gets_item(&q));
    await_task_auto b = async_create_task(gets_item(&q));
    expect_ok(await_sleep(1));
    expect_ok(async_queue_put_nowait(&q, 7)); /* it belongs to a */
    async_queue_shutdown(&q, false);
    async_task_cancel(a);
    expect_ok(await_task(b));
    expect_int(await_task(a), -ECANCELED);
    expect_events("get:-ECANCELED get:7");
    return 0;
}

LOOP_TEST(shutdown_of_empty_queue_fails_getters)
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

LOOP_TEST(immediate_shutdown_fails_putter_with_granted_slot)
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

/* Puts and waiting putters fail at once. */
LOOP_TEST(graceful_shutdown_drains_items_then_fails_gets)
{
    int item;
    queue3 q = ASYNC_QUEUE(q);
    put_items(&q, 1, 2, 3);
    await_task_auto p = async_create_task(puts_three(&q, 4));
    await_task_auto j = async_create_task(joins(&q));
    expect_ok(await_sleep(1));
    async_queue_shutdown(&q, false);
    expect_int(await_task(p), -EPIPE);
    expect_int(await_queue_put(&q, 5), -EPIPE);
    expect_int(async_queue_put_nowait(&q, 5), -EPIPE);
    expect_items(&q, 1, 2);
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

/* An item that a getter has received is not counted as done. */
LOOP_TEST(immediate_shutdown_drops_items_and_counts_them_done)
{
    int item;
    queue3 q = ASYNC_QUEUE(q);
    put_items(&q, 1, 2, 3);
    expect_items(&q, 1);
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
    async_queue_shutdown(&q, true); /* another shutdown of either kind changes nothing */
    async_queue_shutdown(&q, false);
    expect_int(await_queue_get(&q, &item), -EPIPE);
    return 0;
}

LOOP_TEST(immediate_shutdown_after_graceful_one_drops_the_rest)
{
    int item;
    queue3 q = ASYNC_QUEUE(q);
    put_items(&q, 1, 2);
    async_queue_shutdown(&q, false);
    expect_items(&q, 1);
    async_queue_shutdown(&q, true);
    expect_int(async_queue_get_nowait(&q, &item), -EPIPE);
    expect_ok(async_queue_task_done(&q));
    return await_queue_join(&q);
}

/* In a LIFO queue, it is among the items that are dropped. */
LOOP_TEST(immediate_shutdown_spares_item_owed_to_woken_getter)
{
    queue3 q = ASYNC_LIFO_QUEUE(q);
    await_task_auto a = async_create_task(gets_three(&q, "a"));
    expect_ok(await_sleep(1));
    put_items(&q, 1, 2, 3);
    async_queue_shutdown(&q, true);
    expect_ok(await_task(a));
    expect_events("a:3");
    expect_ok(async_queue_task_done(&q));
    return await_queue_join(&q);
}

/* The item that the cancelled getter was owed counts as done, because all items were dropped. */
LOOP_TEST(cancel_of_woken_getter_after_immediate_shutdown_ends_join)
{
    queue3 q = ASYNC_QUEUE(q);
    await_task_auto getter = async_create_task(gets_three(&q, "a"));
    expect_ok(await_sleep(1));
    put_items(&q, 1);
    async_queue_shutdown(&q, true);
    expect_true(async_task_cancel(getter));
    expect_ok(await_queue_join(&q));
    expect_int(await_task(getter), -ECANCELED);
    expect_ok(async_queue_count(&q));
    return 0;
}

LOOP_TEST(immediate_shutdown_of_full_lifo_queue_ends_join)
{
    async_queue_of(int, 2) q = ASYNC_LIFO_QUEUE(q);
    int item;
    expect_ok(async_queue_put_nowait(&q, 1));
    expect_ok(async_queue_put_nowait(&q, 2));
    async_queue_shutdown(&q, true);
    expect_int(await_queue_get(&q, &item), -EPIPE);
    return await_queue_join(&q);
}

/* The count of unfinished items does not go below 0. */
LOOP_TEST(immediate_shutdown_after_all_items_were_reported_done_ends_join)
{
    queue3 q = ASYNC_QUEUE(q);
    put_items(&q, 1, 2);
    expect_ok(async_queue_task_done(&q));
    expect_ok(async_queue_task_done(&q));
    async_queue_shutdown(&q, true);
    expect_int(async_queue_task_done(&q), -EINVAL);
    return await_queue_join(&q);
}

SUITE("core-queue_shutdown", immediate_shutdown_after_all_items_were_reported_done_ends_join,
      cancel_of_woken_getter_after_immediate_shutdown_ends_join,
      immediate_shutdown_of_full_lifo_queue_ends_join,
      graceful_shutdown_drains_items_then_fails_gets,
      immediate_shutdown_drops_items_and_counts_them_done,
      immediate_shutdown_after_graceful_one_drops_the_rest,
      immediate_shutdown_spares_item_owed_to_woken_getter,
      shutdown_lets_putter_with_granted_slot_put, shutdown_ends_getters_when_putter_gives_slot_up,
      item_of_cancelled_getter_goes_to_next_after_shutdown, shutdown_of_empty_queue_fails_getters,
      immediate_shutdown_fails_putter_with_granted_slot)
