/* SPDX-License-Identifier: MIT */
/* Queues that are shut down while items and places are on their way. */
#include "run.h"

typedef async_queue_of(int, 1) queue;

ASYNC_DEF(puts_item, (queue *)q, (int)item)
{
    int r = await_queue_put(q, item);
    note("put:%s", shown(r));
    return 0;
}

ASYNC_DEF(gets_item, (queue *)q)
{
    int item, r = await_queue_get(q, &item);
    note("get:%s", shown(r < 0 ? r : item));
    return r;
}

/* The place is promised to a putter: who waits to get hears of the end behind its item, not before. */
CASE(shut_with_a_place_promised)
{
    int r, item;
    queue q = ASYNC_QUEUE(q);
    ok(await_queue_put(&q, 1));
    await_group (r, g) {
        async_spawn(g, puts_item(&q, 2));
        ok(await_sleep(1));
        ok(async_queue_get_nowait(&q, &item));
        async_queue_shutdown(&q, false);
        is(async_queue_get_nowait(&q, &item), -EAGAIN);
        is(await_queue_get(&q, &item), 0);
        is(item, 2);
        is(await_queue_get(&q, &item), -EPIPE);
        is(async_queue_get_nowait(&q, &item), -EPIPE);
    }
    is_trail("put:0");
    return r;
}

/* The putter gives its place up. */
CASE(shut_and_promise_cancelled)
{
    int item;
    queue q = ASYNC_QUEUE(q);
    ok(await_queue_put(&q, 1));
    await_task_auto p = async_create_task(puts_item(&q, 2));
    ok(await_sleep(1));
    await_task_auto t = async_create_task(gets_item(&q));
    ok(async_queue_get_nowait(&q, &item));
    async_queue_shutdown(&q, false);
    async_task_cancel(p);
    is(await_task(t), -EPIPE);
    is_trail("put:-ECANCELED get:-EPIPE");
    return 0;
}

/* An item's getter hands it back: the next one has it. */
CASE(shut_and_item_handed_back)
{
    queue q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(gets_item(&q));
    await_task_auto b = async_create_task(gets_item(&q));
    ok(await_sleep(1));
    ok(async_queue_put_nowait(&q, 7)); /* a's */
    async_queue_shutdown(&q, false);
    async_task_cancel(a);
    ok(await_task(b));
    is(await_task(a), -ECANCELED);
    is_trail("get:-ECANCELED get:7");
    return 0;
}

CASE(shut_when_empty)
{
    queue q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(gets_item(&q));
    await_task_auto b = async_create_task(gets_item(&q));
    ok(await_sleep(1));
    async_queue_shutdown(&q, false);
    is(await_task(a), -EPIPE);
    is(await_task(b), -EPIPE);
    return 0;
}

CASE(dropped_with_a_place_promised)
{
    int item;
    queue q = ASYNC_QUEUE(q);
    ok(await_queue_put(&q, 1));
    await_task_auto p = async_create_task(puts_item(&q, 2));
    ok(await_sleep(1));
    await_task_auto t = async_create_task(gets_item(&q));
    ok(async_queue_get_nowait(&q, &item));
    async_queue_shutdown(&q, true);
    is(await_task(t), -EPIPE);
    is_trail("put:-EPIPE get:-EPIPE");
    return 0;
}

CASE(arguments_are_evaluated_once)
{
    queue qs[] = { ASYNC_QUEUE(qs[0]), ASYNC_QUEUE(qs[1]) }, *at = qs;
    int items[] = { 7, 8 }, *item = items, got[2] = { 0 }, *to = got;
    ok(await_queue_put(at++, *item++));
    is(at - qs, 1);
    is(item - items, 1);
    ok(async_queue_put_nowait(at--, *item++));
    is(at - qs, 0);
    is(async_queue_count(at++), 1);
    is(at - qs, 1);
    is_true(async_queue_full(at--));
    is_false(async_queue_empty(at++));
    is(at - qs, 1);
    ok(await_queue_get(at--, to++));
    ok(async_queue_get_nowait(at++, to++));
    is(to - got, 2);
    is(got[0], 8);
    is(got[1], 7);
    ok(async_queue_task_done(at--));
    ok(async_queue_task_done(at++));
    ok(await_queue_join(at--));
    async_queue_shutdown(at++, true);
    is(at - qs, 1);
    return 0;
}

SUITE("queue", arguments_are_evaluated_once, shut_with_a_place_promised, shut_and_promise_cancelled,
      shut_and_item_handed_back, shut_when_empty, dropped_with_a_place_promised)
