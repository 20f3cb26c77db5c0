/* SPDX-License-Identifier: MIT */
/* Queues: order, room, whose an item is, and what a shutdown leaves. */
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

/* --- order and room --- */

typedef async_queue_of(int, 3) queue3;

ASYNC_DEF(puts_three, (queue3 *)q, (int)item)
{
    int r = await_queue_put(q, item);
    note("put%d:%s", item, shown(r));
    return r;
}

ASYNC_DEF(gets_three, (queue3 *)q, (const char *)word)
{
    int item, r = await_queue_get(q, &item);
    note("%s:%s", word, shown(r < 0 ? r : item));
    return r;
}

#define FILL(q, ...)                                                                               \
    do {                                                                                           \
        const int items_[] = { __VA_ARGS__ };                                                      \
        for (size_t i_ = 0; i_ < countof(items_); i_++)                                            \
            ok(async_queue_put_nowait((q), items_[i_]));                                           \
    } while (0)
#define TAKE(q, ...)                                                                               \
    do {                                                                                           \
        const int items_[] = { __VA_ARGS__ };                                                      \
        for (size_t i_ = 0; i_ < countof(items_); i_++) {                                          \
            int item_;                                                                             \
            ok(async_queue_get_nowait((q), &item_));                                               \
            is(item_, items_[i_]);                                                                 \
        }                                                                                          \
    } while (0)

CASE(first_in_first_out)
{
    queue3 q = ASYNC_QUEUE(q);
    for (int round = 0; round < 4; round++) { /* all the way round its slots */
        FILL(&q, 1, 2);
        TAKE(&q, 1, 2);
    }
    int item = 7;
    is_true(async_queue_empty(&q));
    is(async_queue_get_nowait(&q, &item), -EAGAIN);
    is(item, 7);
    FILL(&q, 1, 2, 3);
    is_true(async_queue_full(&q));
    is(async_queue_put_nowait(&q, 4), -EAGAIN);
    is(async_queue_count(&q), 3);
    TAKE(&q, 1, 2, 3);
    return 0;
}

CASE(last_in_first_out)
{
    queue3 q = ASYNC_LIFO_QUEUE(q);
    FILL(&q, 1, 2, 3);
    TAKE(&q, 3, 2);
    FILL(&q, 4);
    TAKE(&q, 4, 1);
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

CASE(smallest_first_equals_in_their_order)
{
    static const int urgency[] = { 2, 1, 2, 0, 1, 2, 0, 1 }, wanted[] = { 3, 6, 1, 4, 7, 0, 2, 5 };
    jobs q = ASYNC_PRIORITY_QUEUE(q, by_urgency);
    struct job j;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 8; i++) {
            j = (struct job){ urgency[i], i };
            ok(async_queue_put_nowait(&q, j));
        }
        for (int i = 0; i < 8; i++) {
            ok(async_queue_get_nowait(&q, &j));
            is(j.number, wanted[i]);
        }
        j = (struct job){ 0, 0 }; /* begin the next round at another slot */
        ok(async_queue_put_nowait(&q, j));
        ok(async_queue_get_nowait(&q, &j));
    }
    return 0;
}

CASE(put_waits_for_room_in_order)
{
    queue3 q = ASYNC_QUEUE(q);
    FILL(&q, 1, 2, 3);
    await_task_auto a = async_create_task(puts_three(&q, 4));
    await_task_auto b = async_create_task(puts_three(&q, 5));
    ok(await_sleep(1));
    is_trail("");
    TAKE(&q, 1);
    is(async_queue_put_nowait(&q, 9), -EAGAIN); /* the place is a's */
    is_true(async_queue_full(&q));
    ok(await_task(a));
    is_trail("put4:0");
    TAKE(&q, 2);
    ok(await_task(b));
    TAKE(&q, 3, 4, 5);
    return 0;
}

CASE(get_waits_for_an_item_in_order)
{
    queue3 q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(gets_three(&q, "a"));
    await_task_auto b = async_create_task(gets_three(&q, "b"));
    ok(await_sleep(1));
    int item;
    FILL(&q, 1);
    is(async_queue_count(&q), 0); /* it is a's */
    is_true(async_queue_empty(&q));
    is(async_queue_get_nowait(&q, &item), -EAGAIN);
    FILL(&q, 2);
    ok(await_task(b));
    ok(await_task(a));
    is_trail("a:1 b:2");
    return 0;
}

/* A woken getter's item is the first one: nobody takes it from the side, though there is one for both. */
CASE(nobody_takes_a_getters_item)
{
    static const struct {
        const char *kind, *got;
        int beside;
    } rows[] = { { "fifo", "a:1", 2 }, { "lifo", "a:2", 1 } };
    for (size_t i = 0; i < countof(rows); i++) {
        queue3 fifo = ASYNC_QUEUE(fifo), lifo = ASYNC_LIFO_QUEUE(lifo), *q = i ? &lifo : &fifo;
        FILL(q, 8);
        TAKE(q, 8);
        await_task_auto a = async_create_task(gets_three(q, "a"));
        ok(await_sleep(1));
        forget_trail();
        FILL(q, 1, 2);
        TAKE(q, rows[i].beside);
        ok(await_task(a));
        is_trail(rows[i].got);
    }
    return 0;
}

CASE(two_getters_items_and_one_beside)
{
    queue3 q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(gets_three(&q, "a"));
    await_task_auto b = async_create_task(gets_three(&q, "b"));
    ok(await_sleep(1));
    FILL(&q, 1, 2, 3);
    TAKE(&q, 3);
    FILL(&q, 4);
    ok(await_task(b));
    TAKE(&q, 4);
    is_trail("a:1 b:2");
    return 0;
}

/* get_cancel_drop_one: a getter that was woken is cancelled: the item stays first, and the next getter has it. */
CASE(get_cancel_drop_one)
{
    queue3 q = ASYNC_QUEUE(q);
    await_task_auto a = async_create_task(gets_three(&q, "a"));
    await_task_auto b = async_create_task(gets_three(&q, "b"));
    ok(await_sleep(1));
    FILL(&q, 1);
    async_task_cancel(a);
    ok(await_task(b));
    is_trail("a:-ECANCELED b:1");
    return 0;
}

CASE(get_cancel_drop_many)
{
    enum { N = 3 };
    queue3 q = ASYNC_QUEUE(q);
    async_task *t[N];
    for (int i = 0; i < N; i++)
        t[i] = async_create_task(gets_three(&q, "x"));
    await_task_auto last = async_create_task(gets_three(&q, "last"));
    ok(await_sleep(1));
    FILL(&q, 1, 2, 3);
    for (int i = 0; i < N; i++)
        async_task_cancel(t[i]);
    ok(await_task(last));
    is_trail("x:-ECANCELED x:-ECANCELED x:-ECANCELED last:1");
    TAKE(&q, 2, 3);
    for (int i = 0; i < N; i++)
        await_task_drop(&t[i]);
    return 0;
}

/* put_cancelled_race: a putter that was promised a place is cancelled: the next putter has the place. */
CASE(put_cancelled_race)
{
    queue3 q = ASYNC_QUEUE(q);
    FILL(&q, 1, 2, 3);
    await_task_auto a = async_create_task(puts_three(&q, 4));
    await_task_auto b = async_create_task(puts_three(&q, 5));
    await_task_auto c = async_create_task(puts_three(&q, 6));
    ok(await_sleep(1));
    async_task_cancel(b); /* in line */
    TAKE(&q, 1);
    async_task_cancel(a); /* promised */
    ok(await_task(c));
    is_trail("put5:-ECANCELED put4:-ECANCELED put6:0");
    TAKE(&q, 2, 3, 6);
    return 0;
}

/* --- task_done, join --- */

ASYNC_DEF(joins, (queue3 *)q)
{
    int r = await_queue_join(q);
    note("joined:%s", shown(r));
    return r;
}

CASE(join_waits_for_the_last_to_be_done)
{
    queue3 q = ASYNC_QUEUE(q);
    ok(await_queue_join(&q)); /* nothing was put */
    is(async_queue_task_done(&q), -EINVAL);
    FILL(&q, 1, 2);
    await_task_auto a = async_create_task(joins(&q));
    await_task_auto b = async_create_task(joins(&q));
    TAKE(&q, 1, 2);
    ok(await_sleep(1));
    ok(async_queue_task_done(&q));
    ok(await_sleep(1));
    is_trail("");
    ok(async_queue_task_done(&q));
    ok(await_task(a));
    ok(await_task(b));
    is_trail("joined:0 joined:0");
    is(async_queue_task_done(&q), -EINVAL);
    return 0;
}

CASE(join_cancelled)
{
    queue3 q = ASYNC_QUEUE(q);
    FILL(&q, 1);
    is(await_wait_for(joins(&q), 1), -ETIMEDOUT);
    TAKE(&q, 1);
    ok(async_queue_task_done(&q));
    ok(await_queue_join(&q));
    is_trail("joined:-ECANCELED");
    return 0;
}

/* --- shutdown --- */

/* Graceful: puts fail, who waits to put hears of it, what is in is drained, then gets fail too. */
CASE(shutdown_graceful)
{
    int item;
    queue3 q = ASYNC_QUEUE(q);
    FILL(&q, 1, 2, 3);
    await_task_auto p = async_create_task(puts_three(&q, 4));
    await_task_auto j = async_create_task(joins(&q));
    ok(await_sleep(1));
    async_queue_shutdown(&q, false);
    is(await_task(p), -EPIPE);
    is(await_queue_put(&q, 5), -EPIPE);
    is(async_queue_put_nowait(&q, 5), -EPIPE);
    TAKE(&q, 1, 2);
    ok(await_queue_get(&q, &item));
    is(item, 3);
    is(await_queue_get(&q, &item), -EPIPE);
    is(async_queue_get_nowait(&q, &item), -EPIPE);
    for (int i = 0; i < 3; i++)
        ok(async_queue_task_done(&q));
    ok(await_task(j));
    is_trail("put4:-EPIPE joined:0");
    return 0;
}

/* Immediate: what is in is dropped and counts as done; an item that was gotten does not. */
CASE(shutdown_immediate)
{
    int item;
    queue3 q = ASYNC_QUEUE(q);
    FILL(&q, 1, 2, 3);
    TAKE(&q, 1);
    await_task_auto j = async_create_task(joins(&q));
    ok(await_sleep(1));
    async_queue_shutdown(&q, true);
    is(await_queue_get(&q, &item), -EPIPE);
    is(async_queue_count(&q), 0);
    ok(await_sleep(1));
    is_trail("");
    ok(async_queue_task_done(&q));
    ok(await_task(j));
    is(async_queue_task_done(&q), -EINVAL);
    async_queue_shutdown(&q, true); /* again, and the other way: nothing */
    async_queue_shutdown(&q, false);
    is(await_queue_get(&q, &item), -EPIPE);
    return 0;
}

/* Graceful first, immediate afterwards: the rest is dropped. */
CASE(shutdown_twice)
{
    int item;
    queue3 q = ASYNC_QUEUE(q);
    FILL(&q, 1, 2);
    async_queue_shutdown(&q, false);
    TAKE(&q, 1);
    async_queue_shutdown(&q, true);
    is(async_queue_get_nowait(&q, &item), -EPIPE);
    ok(async_queue_task_done(&q));
    return await_queue_join(&q);
}

/* An item that was handed to a getter before is still its own; the lifo's lies at the end of what is dropped. */
CASE(shutdown_immediate_spares_a_getters_item)
{
    queue3 q = ASYNC_LIFO_QUEUE(q);
    await_task_auto a = async_create_task(gets_three(&q, "a"));
    ok(await_sleep(1));
    FILL(&q, 1, 2, 3);
    async_queue_shutdown(&q, true);
    ok(await_task(a));
    is_trail("a:3");
    ok(async_queue_task_done(&q));
    return await_queue_join(&q);
}

/* A call that would not wait is a cancellation point too. */
CASE(cancelled_task_neither_puts_nor_gets)
{
    int r;
    typedef async_queue_of(int, 2) two;
    two q = ASYNC_QUEUE(q);
    ok(await_queue_put(&q, 1));
    await_group (r, g) {
        async_group_cancel(g);
        int item = 5;
        is(await_queue_put(&q, 2), -ECANCELED);
        is(await_queue_get(&q, &item), -ECANCELED);
        is(item, 5);
    }
    is(async_queue_count(&q), 1);
    return r;
}

CASE(limit_that_has_passed_is_heard_where_nobody_waits)
{
    int r = 0, puts = 0;
    typedef async_queue_of(int, 2) two;
    two q = ASYNC_QUEUE(q);
    await_timeout (r, 0) {
        r = await_queue_put(&q, 1);
        puts += r == 0;
    }
    is(r, -ETIMEDOUT);
    is(puts, 0);
    return 0;
}

/* --- before, between and after loops --- */

static async_queue_of(int, 4) prepared = ASYNC_QUEUE(prepared);

ASYNC_DEF(finds_what_was_prepared)
{
    int item = 0;
    for (int i = 1; i <= 2; i++) {
        ok(await_queue_get(&prepared, &item));
        is(item, i);
    }
    async_queue_shutdown(&prepared, false);
    return 0;
}

ASYNC_DEF(finds_it_shut)
{
    int item;
    is(await_queue_put(&prepared, 3), -EPIPE);
    is(await_queue_get(&prepared, &item), -EPIPE);
    return 0;
}

START_TEST(filled_before_the_loop_and_shut_after_it)
{
    ok(async_queue_put_nowait(&prepared, 1));
    ok(async_queue_put_nowait(&prepared, 2));
    RUN(finds_what_was_prepared());
    RUN(finds_it_shut());
}
END_TEST

CASE(shutdown_immediate_of_a_full_stack)
{
    async_queue_of(int, 2) q = ASYNC_LIFO_QUEUE(q);
    int item;
    ok(async_queue_put_nowait(&q, 1));
    ok(async_queue_put_nowait(&q, 2));
    async_queue_shutdown(&q, true);
    is(await_queue_get(&q, &item), -EPIPE);
    return await_queue_join(&q);
}

SUITE("queue", filled_before_the_loop_and_shut_after_it, shutdown_immediate_of_a_full_stack,
      cancelled_task_neither_puts_nor_gets, limit_that_has_passed_is_heard_where_nobody_waits,
      arguments_are_evaluated_once, first_in_first_out, last_in_first_out,
      smallest_first_equals_in_their_order, put_waits_for_room_in_order,
      get_waits_for_an_item_in_order, nobody_takes_a_getters_item, two_getters_items_and_one_beside,
      get_cancel_drop_one, get_cancel_drop_many, put_cancelled_race,
      join_waits_for_the_last_to_be_done, join_cancelled, shutdown_graceful, shutdown_immediate,
      shutdown_twice, shutdown_immediate_spares_a_getters_item, shut_with_a_place_promised,
      shut_and_promise_cancelled, shut_and_item_handed_back, shut_when_empty,
      dropped_with_a_place_promised)
