/* SPDX-License-Identifier: MIT */
/* with.h - context managers: what is entered is left, however the block ends. */
#ifndef ASYNCIO_WITH_H
#define ASYNCIO_WITH_H

#include <asyncio/scope.h>
#include <asyncio/sync.h>

ASYNC_BEGIN_DECLS

/* await_with (r, &lock) { }    a lock, semaphore or condition
 * await_with (r, hold) { }     any expression of type async_hold: two coroutine objects, see co.h
 * If enter fails, r is its error and the body is skipped. leave runs however the block is left, and
 * shielded: it may suspend although the task is being cancelled. Its error is the verdict if there is no
 * other. */
#define await_with(r, ...)                                                                         \
    ASYNC__SHADOWS                                                                                 \
    for (async_with async_w_ = { async_scope_with(&async_w_, async_blocks_),                       \
                                 ASYNC__HOLD(__VA_ARGS__) },                                       \
                    *async_once_ = &async_w_;                                                      \
         async_once_; async_once_ = NULL)                                                          \
    ASYNC__SHADOWED ASYNC__WITHIN(r, &async_w_.scope)

#define ASYNC__HOLD(...)                                                                           \
    _Generic((__VA_ARGS__),                                                                        \
            async_lock *: async_lock_hold,                                                         \
            async_semaphore *: async_semaphore_hold,                                               \
            async_condition *: async_condition_hold,                                               \
            async_hold: async_hold_itself)(__VA_ARGS__)

/* In your frame; its members are the library's. */
typedef struct async_with {
    async_scope scope;
    async_hold hold;
} async_with;
async_scope async_scope_with(async_with *w, async_scope *blocks);
ASYNC_UNUSED static inline async_hold async_hold_itself(async_hold h) { return h; }

ASYNC_END_DECLS

#endif
