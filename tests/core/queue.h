/* SPDX-License-Identifier: MIT */
/* queue.h - small queues for the tests of queues, and coroutines that log the result of a call. */
#ifndef TESTS_QUEUE_H
#define TESTS_QUEUE_H

#include "../frame/loop_test.h"

typedef async_queue_of(int, 1) queue;
typedef async_queue_of(int, 3) queue3;

ASYNC_DEF(puts_three, (queue3 *)q, (int)item)
{
    int r = await_queue_put(q, item);
    log_event("put%d:%s", item, result_text(r));
    return r;
}

ASYNC_DEF(gets_three, (queue3 *)q, (const char *)word)
{
    int item, r = await_queue_get(q, &item);
    log_event("%s:%s", word, result_text(r < 0 ? r : item));
    return r;
}

#define put_items(q, ...)                                                                          \
    do {                                                                                           \
        const int items_[] = { __VA_ARGS__ };                                                      \
        for (size_t i_ = 0; i_ < countof(items_); i_++)                                            \
            expect_ok(async_queue_put_nowait((q), items_[i_]));                                    \
    } while (0)
#define expect_items(q, ...)                                                                       \
    do {                                                                                           \
        const int items_[] = { __VA_ARGS__ };                                                      \
        for (size_t i_ = 0; i_ < countof(items_); i_++) {                                          \
            int item_;                                                                             \
            expect_ok(async_queue_get_nowait((q), &item_));                                        \
            expect_int(item_, items_[i_]);                                                         \
        }                                                                                          \
    } while (0)

ASYNC_DEF(joins, (queue3 *)q)
{
    int r = await_queue_join(q);
    log_event("joined:%s", result_text(r));
    return r;
}

#endif
