/* SPDX-License-Identifier: MIT */
/* Tests of queues whose storage and capacity are chosen at run time. */
#include "../frame/loop_test.h"

typedef async_dynamic_queue_of(int) int_queue;

#define FILL_FROM_TO(q, from, to)                                                                  \
    for (int i_ = (from); i_ <= (to); i_++)                                                        \
    expect_ok(async_queue_put_nowait((q), i_))
#define GET_FROM_TO(q, from, to)                                                                   \
    for (int i_ = (from), item_; i_ <= (to); i_++) {                                               \
        expect_ok(await_queue_get((q), &item_));                                                   \
        expect_int(item_, i_);                                                                     \
    }

LOOP_TEST(unbounded_queue_grows_and_keeps_the_order)
{
    int_queue q = ASYNC_DYNAMIC_QUEUE(q, 0);
    FILL_FROM_TO(&q, 1, 10);
    GET_FROM_TO(&q, 1, 7); /* so that the first item is in the middle when the queue grows */
    FILL_FROM_TO(&q, 11, 10000);
    expect_int(async_queue_count(&q), 9993);
    expect_false(async_queue_full(&q));
    GET_FROM_TO(&q, 8, 10000);
    expect_true(async_queue_empty(&q));
    async_queue_free(&q);
    return 0;
}

ASYNC_DEF(puts_item, (int_queue *)q, (int)item)
{
    int r = await_queue_put(q, item);
    log_event("put%d:%s", item, result_text(r));
    return r;
}

LOOP_TEST(capacity_given_at_run_time_makes_putters_wait)
{
    size_t capacity = 2;
    int_queue q = ASYNC_DYNAMIC_QUEUE(q, capacity);
    int r;
    FILL_FROM_TO(&q, 1, 2);
    expect_true(async_queue_full(&q));
    expect_int(async_queue_put_nowait(&q, 3), -EAGAIN);
    await_group (r, g) {
        async_spawn(g, puts_item(&q, 3));
        expect_ok(await_sleep(1));
        expect_events("");
        GET_FROM_TO(&q, 1, 3);
        expect_events("put3:0");
    }
    async_queue_free(&q);
    return r;
}

LOOP_TEST(dynamic_lifo_queue_returns_the_last_item_first)
{
    int_queue q = ASYNC_DYNAMIC_LIFO_QUEUE(q, 0);
    FILL_FROM_TO(&q, 1, 100);
    for (int i = 100, item; i > 0; i--) {
        expect_ok(await_queue_get(&q, &item));
        expect_int(item, i);
    }
    async_queue_free(&q);
    return 0;
}

static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

LOOP_TEST(dynamic_priority_queue_returns_the_smallest_item_first)
{
    int_queue q = ASYNC_DYNAMIC_PRIORITY_QUEUE(q, 0, ascending);
    for (int i = 0; i < 100; i++)
        expect_ok(async_queue_put_nowait(&q, i * 37 % 100));
    GET_FROM_TO(&q, 0, 99);
    async_queue_free(&q);
    return 0;
}

LOOP_TEST(queue_in_an_array_of_the_caller_holds_as_many_items_as_it_has_slots)
{
    int *slots = malloc(3 * sizeof *slots);
    int_queue q = ASYNC_QUEUE_IN(q, slots, 3);
    for (int round = 0; round < 4; round++) {
        FILL_FROM_TO(&q, 1, 3);
        expect_int(async_queue_put_nowait(&q, 4), -EAGAIN);
        GET_FROM_TO(&q, 1, 3);
    }
    async_queue_free(&q);
    slots[0] = 7; /* freeing the queue has not freed the caller's array */
    free(slots);
    return 0;
}

LOOP_TEST(freed_queue_can_be_used_again)
{
    int_queue q = ASYNC_DYNAMIC_QUEUE(q, 0);
    FILL_FROM_TO(&q, 1, 100);
    async_queue_free(&q);
    async_queue_free(&q);
    expect_ok(async_queue_count(&q));
    FILL_FROM_TO(&q, 1, 100);
    GET_FROM_TO(&q, 1, 100);
    async_queue_free(&q);
    return 0;
}

struct pair {
    int a, b;
};

LOOP_TEST(items_may_be_struct_literals)
{
    async_dynamic_queue_of(struct pair) q = ASYNC_DYNAMIC_QUEUE(q, 0);
    struct pair item;
    expect_ok(await_queue_put(&q, (struct pair){ 1, 2 }));
    expect_ok(async_queue_put_nowait(&q, (struct pair){ .a = 3, .b = 4 }));
    expect_ok(await_queue_get(&q, &item));
    expect_int(item.a * 10 + item.b, 12);
    expect_ok(await_queue_get(&q, &item));
    expect_int(item.a * 10 + item.b, 34);
    async_queue_free(&q);
    return 0;
}

/* --- without memory --- */

static bool out_of_memory;

static void *test_malloc(void *ctx ASYNC_UNUSED, size_t size)
{
    return out_of_memory ? NULL : malloc(size);
}

static void *test_realloc(void *ctx ASYNC_UNUSED, void *p, size_t size)
{
    return out_of_memory ? NULL : realloc(p, size);
}

static void test_free(void *ctx ASYNC_UNUSED, void *p)
{
    free(p);
}

ASYNC_DEF(puts_until_there_is_no_memory)
{
    int_queue q = ASYNC_DYNAMIC_QUEUE(q, 0);
    int n = 0, r;
    expect_ok(await_queue_put(&q, n++));
    out_of_memory = true;
    while ((r = await_queue_put(&q, n)) == 0)
        n++;
    out_of_memory = false;
    expect_int(r, -ENOMEM);
    expect_int(async_queue_count(&q), n);
    expect_ok(await_queue_put(&q, n));
    GET_FROM_TO(&q, 0, n);
    async_queue_free(&q);
    return 0;
}

TEST(queue_that_cannot_grow_keeps_its_items)
{
    const async_allocator allocator = { test_malloc, test_realloc, test_free, NULL };
    expect_ok(async_set_allocator(&allocator));
    expect_run_ok(puts_until_there_is_no_memory());
}

LOOP_TEST(capacity_beyond_all_memory_is_refused)
{
    int_queue q = ASYNC_DYNAMIC_QUEUE(q, SIZE_MAX / 2);
    expect_int(async_queue_put_nowait(&q, 1), -ENOMEM);
    return 0;
}

SUITE("core-dynamic_queue", unbounded_queue_grows_and_keeps_the_order,
      capacity_given_at_run_time_makes_putters_wait, dynamic_lifo_queue_returns_the_last_item_first,
      dynamic_priority_queue_returns_the_smallest_item_first,
      queue_in_an_array_of_the_caller_holds_as_many_items_as_it_has_slots,
      freed_queue_can_be_used_again, items_may_be_struct_literals,
      queue_that_cannot_grow_keeps_its_items, capacity_beyond_all_memory_is_refused)
