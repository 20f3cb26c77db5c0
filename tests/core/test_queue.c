/* SPDX-License-Identifier: MIT */
/* Tests of queues: the order of items, waiting for items and slots, cancellation. */
#include "queue.h"

LOOP_TEST(queue_macros_evaluate_arguments_once)
{
    queue qs[] = { ASYNC_QUEUE(qs[0]), ASYNC_QUEUE(qs[1]) }, *at = qs;
    int items[] = { 7, 8 }, *item = items, got[2] = { 0 }, *to = got;
    expect_ok(await_queue_put(at++, *item++));
    expect_int(at - qs, 1);
    expect_int(item - items, 1);
    expect_ok(async_queue_put_nowait(at--, *item++));
    expect_ok(at - qs);
    expect_int(async_queue_count(at++), 1);
    expect_int(at - qs, 1);
    expect_true(async_queue_full(at--));
    expect_false(async_queue_empty(at++));
    expect_int(at - qs, 1);
    expect_ok(await_queue_get(at--, to++));
    expect_ok(async_queue_get_nowait(at++, to++));
    expect_int(to - got, 2);
    expect_int(got[0], 8);
    expect_int(got[1], 7);
    expect_ok(async_queue_task_done(at--));
    expect_ok(async_queue_task_done(at++));
    expect_ok(await_queue_join(at--));
    async_queue_shutdown(at++, true);
    expect_int(at - qs, 1);
    return 0;
}

/* --- order and room --- */

LOOP_TEST(fifo_queue_returns_items_in_order)
{
    queue3 q = ASYNC_QUEUE(q);
    for (int round = 0; round < 4; round++) { /* so that the slots wrap around */
        put_items(&q, 1, 2);
        expect_items(&q, 1, 2);
    }
    int item = 7;
    expect_true(async_queue_empty(&q));
    expect_int(async_queue_get_nowait(&q, &item), -EAGAIN);
    expect_int(item, 7);
    put_items(&q, 1, 2, 3);
    expect_true(async_queue_full(&q));
    expect_int(async_queue_put_nowait(&q, 4), -EAGAIN);
    expect_int(async_queue_count(&q), 3);
    expect_items(&q, 1, 2, 3);
    return 0;
}

LOOP_TEST(lifo_queue_returns_last_item_first)
{
    queue3 q = ASYNC_LIFO_QUEUE(q);
    put_items(&q, 1, 2, 3);
    expect_items(&q, 3, 2);
    put_items(&q, 4);
    expect_items(&q, 4, 1);
    return 0;
}

struct job {
    int urgency, number;
};

static int by_urgency(const void *a, const void *b)
{
    return ((const struct job *)a)->urgency - ((const struct job *)b)->urgency;
}

typedef async_queue_of(struct job, 8) jobs;

LOOP_TEST(priority_queue_returns_smallest_first_and_equals_in_order)
{
    static const int urgency[] = { 2, 1, 2, 0, 1, 2, 0, 1 }, wanted[] = { 3, 6, 1, 4, 7, 0, 2, 5 };
    jobs q = ASYNC_PRIORITY_QUEUE(q, by_urgency);
    struct job j;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 8; i++) {
            j = (struct job){ urgency[i], i };
            expect_ok(async_queue_put_nowait(&q, j));
        }
        for (int i = 0; i < 8; i++) {
            expect_ok(async_queue_get_nowait(&q, &j));
            expect_int(j.number, wanted[i]);
        }
        j = (struct job){ 0, 0 }; /* begin the next round at another slot */
        expect_ok(async_queue_put_nowait(&q, j));
        expect_ok(async_queue_get_nowait(&q, &j));
    }
    return 0;
}

LOOP_TEST(putters_wait_for_slots_in_order)
{
    queue3 q = ASYNC_QUEUE(q);
    put_items(&q, 1, 2, 3);
    await_task_auto a = async_create_task(puts_three(&q, 4));
    await_task_auto b = async_create_task(puts_three(&q, 5));
    expect_ok(await_sleep(1));
    expect_events("");
    expect_items(&q, 1);
    expect_int(async_queue_put_nowait(&q, 9), -EAGAIN); /* the slot belongs to a */
    expect_true(async_queue_full(&q));
    expect_ok(await_task(a));
    expect_events("put4:0");
    expect_items(&q, 2);
    expect_ok(await_task(b));
    expect_items(&q, 3, 4, 5);
    return 0;
}

LOOP_TEST(getters_wait_for_items_in_order)
{
    queue3 q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(gets_three(&q, "a"));
    await_task_auto b = async_create_task(gets_three(&q, "b"));
    expect_ok(await_sleep(1));
    int item;
    put_items(&q, 1);
    expect_ok(async_queue_count(&q)); /* it belongs to a */
    expect_true(async_queue_empty(&q));
    expect_int(async_queue_get_nowait(&q, &item), -EAGAIN);
    put_items(&q, 2);
    expect_ok(await_task(b));
    expect_ok(await_task(a));
    expect_events("a:1 b:2");
    return 0;
}

/* A woken getter is owed an item, but not a particular one: another getter may take the front item
 * if there is one more. */
LOOP_TEST(nowait_getter_cannot_take_item_owed_to_woken_getter)
{
    static const struct {
        const char *kind, *got;
        int beside;
    } rows[] = { { "fifo", "a:2", 1 }, { "lifo", "a:1", 2 } };
    for (size_t i = 0; i < countof(rows); i++) {
        queue3 fifo = ASYNC_QUEUE(fifo), lifo = ASYNC_LIFO_QUEUE(lifo), *q = i ? &lifo : &fifo;
        put_items(q, 8);
        expect_items(q, 8);
        await_task_auto a = async_create_task(gets_three(q, "a"));
        expect_ok(await_sleep(1));
        clear_events();
        put_items(q, 1, 2);
        expect_items(q, rows[i].beside);
        expect_ok(await_task(a));
        expect_events(rows[i].got);
    }
    return 0;
}

LOOP_TEST(nowait_getter_takes_only_surplus_item)
{
    queue3 q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(gets_three(&q, "a"));
    await_task_auto b = async_create_task(gets_three(&q, "b"));
    expect_ok(await_sleep(1));
    put_items(&q, 1, 2, 3);
    expect_items(&q, 1);
    put_items(&q, 4);
    expect_ok(await_task(b));
    expect_items(&q, 4);
    expect_events("a:2 b:3");
    return 0;
}

LOOP_TEST(woken_getter_that_is_cancelled_leaves_item_to_next)
{
    queue3 q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(gets_three(&q, "a"));
    await_task_auto b = async_create_task(gets_three(&q, "b"));
    expect_ok(await_sleep(1));
    put_items(&q, 1);
    async_task_cancel(a);
    expect_ok(await_task(b));
    expect_events("a:-ECANCELED b:1");
    return 0;
}

LOOP_TEST(woken_getters_that_are_cancelled_leave_items_to_next)
{
    enum { N = 3 };
    queue3 q = ASYNC_QUEUE(q);
    async_task *t[N];
    for (int i = 0; i < N; i++)
        t[i] = async_create_task(gets_three(&q, "x"));
    await_task_auto last = async_create_task(gets_three(&q, "last"));
    expect_ok(await_sleep(1));
    put_items(&q, 1, 2, 3);
    for (int i = 0; i < N; i++)
        async_task_cancel(t[i]);
    expect_ok(await_task(last));
    expect_events("x:-ECANCELED x:-ECANCELED x:-ECANCELED last:1");
    expect_items(&q, 2, 3);
    for (int i = 0; i < N; i++)
        await_task_drop(&t[i]);
    return 0;
}

LOOP_TEST(putter_cancelled_after_it_was_granted_slot_leaves_it_to_next)
{
    queue3 q = ASYNC_QUEUE(q);
    put_items(&q, 1, 2, 3);
    await_task_auto a = async_create_task(puts_three(&q, 4));
    await_task_auto b = async_create_task(puts_three(&q, 5));
    await_task_auto c = async_create_task(puts_three(&q, 6));
    expect_ok(await_sleep(1));
    async_task_cancel(b); /* still queued */
    expect_items(&q, 1);
    async_task_cancel(a); /* a slot was granted */
    expect_ok(await_task(c));
    expect_events("put5:-ECANCELED put4:-ECANCELED put6:0");
    expect_items(&q, 2, 3, 6);
    return 0;
}

/* A getter that does not wait returns before the woken one, and receives the first item. */
LOOP_TEST(items_leave_in_order_although_later_getter_returns_first)
{
    queue3 q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(gets_three(&q, "woken"));
    expect_ok(await_sleep(1));
    put_items(&q, 1, 2);
    int first;
    expect_ok(await_queue_get(&q, &first)); /* at once, before the task that was woken has run */
    expect_ok(await_task(a));
    expect_int(first, 1);
    expect_events("woken:2");
    return 0;
}

/* --- task_done, join --- */

LOOP_TEST(join_waits_until_last_item_is_done)
{
    queue3 q = ASYNC_QUEUE(q);
    expect_ok(await_queue_join(&q)); /* nothing was put */
    expect_int(async_queue_task_done(&q), -EINVAL);
    put_items(&q, 1, 2);
    await_task_auto a = async_create_task(joins(&q));
    await_task_auto b = async_create_task(joins(&q));
    expect_items(&q, 1, 2);
    expect_ok(await_sleep(1));
    expect_ok(async_queue_task_done(&q));
    expect_ok(await_sleep(1));
    expect_events("");
    expect_ok(async_queue_task_done(&q));
    expect_ok(await_task(a));
    expect_ok(await_task(b));
    expect_events("joined:0 joined:0");
    expect_int(async_queue_task_done(&q), -EINVAL);
    return 0;
}

LOOP_TEST(cancelled_join_leaves_queue_unchanged)
{
    queue3 q = ASYNC_QUEUE(q);
    put_items(&q, 1);
    expect_int(await_wait_for(joins(&q), 1), -ETIMEDOUT);
    expect_items(&q, 1);
    expect_ok(async_queue_task_done(&q));
    expect_ok(await_queue_join(&q));
    expect_events("joined:-ECANCELED");
    return 0;
}

/* A call that would not wait is a cancellation point, too. */
LOOP_TEST(cancelled_task_neither_puts_nor_gets)
{
    int r;
    typedef async_queue_of(int, 2) two;
    two q = ASYNC_QUEUE(q);
    expect_ok(await_queue_put(&q, 1));
    await_group (r, g) {
        async_group_cancel(g);
        int item = 5;
        expect_int(await_queue_put(&q, 2), -ECANCELED);
        expect_int(await_queue_get(&q, &item), -ECANCELED);
        expect_int(item, 5);
    }
    expect_int(async_queue_count(&q), 1);
    return r;
}

LOOP_TEST(expired_timeout_fails_put_that_would_not_wait)
{
    int r = 0, puts = 0;
    typedef async_queue_of(int, 2) two;
    two q = ASYNC_QUEUE(q);
    await_timeout (r, 0) {
        r = await_queue_put(&q, 1);
        puts += r == 0;
    }
    expect_int(r, -ETIMEDOUT);
    expect_ok(puts);
    return 0;
}

/* --- before, between and after loops --- */

static async_queue_of(int, 4) prepared = ASYNC_QUEUE(prepared);

ASYNC_DEF(finds_what_was_prepared)
{
    int item = 0;
    for (int i = 1; i <= 2; i++) {
        expect_ok(await_queue_get(&prepared, &item));
        expect_int(item, i);
    }
    async_queue_shutdown(&prepared, false);
    return 0;
}

ASYNC_DEF(finds_it_shut)
{
    int item;
    expect_int(await_queue_put(&prepared, 3), -EPIPE);
    expect_int(await_queue_get(&prepared, &item), -EPIPE);
    return 0;
}

TEST(queue_may_be_filled_before_loop_and_shut_down_after_it)
{
    expect_ok(async_queue_put_nowait(&prepared, 1));
    expect_ok(async_queue_put_nowait(&prepared, 2));
    expect_run_ok(finds_what_was_prepared());
    expect_run_ok(finds_it_shut());
}

LOOP_TEST(free_of_queue_with_slots_of_its_own_changes_nothing)
{
    async_queue_of(int, 2) q = ASYNC_QUEUE(q);
    int item;
    expect_ok(await_queue_put(&q, 5));
    async_queue_free(&q);
    expect_ok(await_queue_get(&q, &item));
    expect_int(item, 5);
    return 0;
}

SUITE("core-queue", queue_may_be_filled_before_loop_and_shut_down_after_it,
      cancelled_task_neither_puts_nor_gets, expired_timeout_fails_put_that_would_not_wait,
      queue_macros_evaluate_arguments_once, fifo_queue_returns_items_in_order,
      lifo_queue_returns_last_item_first, priority_queue_returns_smallest_first_and_equals_in_order,
      putters_wait_for_slots_in_order, getters_wait_for_items_in_order,
      nowait_getter_cannot_take_item_owed_to_woken_getter, nowait_getter_takes_only_surplus_item,
      woken_getter_that_is_cancelled_leaves_item_to_next,
      woken_getters_that_are_cancelled_leave_items_to_next,
      items_leave_in_order_although_later_getter_returns_first,
      putter_cancelled_after_it_was_granted_slot_leaves_it_to_next,
      join_waits_until_last_item_is_done, cancelled_join_leaves_queue_unchanged,
      free_of_queue_with_slots_of_its_own_changes_nothing)
