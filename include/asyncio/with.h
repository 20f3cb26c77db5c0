/* SPDX-License-Identifier: MIT */
/* with.h - context managers: what is entered is left, however the block ends. */
#ifndef ASYNCIO_WITH_H
#define ASYNCIO_WITH_H

#include <asyncio/scope.h>
#include <asyncio/sync.h>

ASYNC_BEGIN_DECLS

#ifndef __cplusplus
/* await_with (r, &lock) { }    a lock, semaphore or condition
 * await_with (r, hold) { }     any expression of type async_hold: two coroutine objects, see co.h
 * If enter fails, r is its error and the body is skipped. leave runs however the block is left, and
 * shielded: it may suspend although the task is being cancelled. Its error is the verdict if there is no
 * other. */
#define await_with(r, ...)                                                                         \
    ASYNC__SHADOWS                                                                                 \
    for (__typeof__(*ASYNC__WITH_TYPE(__VA_ARGS__)) async_w_ =                                     \
                 ASYNC__WITH(__VA_ARGS__)(&async_w_, async_blocks_, __VA_ARGS__),                  \
                 *async_once_ = &async_w_;                                                         \
         async_once_; async_once_ = NULL)                                                          \
    ASYNC__SHADOWED ASYNC__WITHIN(r, &async_w_.scope)

#define ASYNC__WITH_TYPE(...)                                                                      \
    _Generic((__VA_ARGS__), async_context_manager: (async_with *)NULL, default: (async_with_sync *)NULL)
#define ASYNC__WITH(...)                                                                           \
    _Generic((__VA_ARGS__),                                                                        \
            async_lock *: async_with_lock,                                                         \
            async_semaphore *: async_with_semaphore,                                               \
            async_condition *: async_with_condition,                                               \
            async_context_manager: async_with_context_manager)
#endif

/* In what leaves a block (the leave of an async_hold): how it ended, as Python's __aexit__ hears of an exception. r, or
 * the error of ASYNC_TRY, -ECANCELED too; -EINTR: a bare return, which carries no verdict, unless r was an error. Of
 * several blocks the one that is being left now; -EINVAL: none is; -EPERM: not in a task. */
int async_with_outcome(void);

/* In your frame; its members are the library's. */
typedef struct async_with {
    async_scope scope;
    async_context_manager manager;
} async_with;

/* The same for what needs no coroutine objects. */
typedef struct async_with_sync {
    async_scope scope;
} async_with_sync;

async_with async_with_context_manager(async_with *w, async_scope *blocks,
                                      async_context_manager manager);
async_with_sync async_with_lock(async_with_sync *w, async_scope *blocks, async_lock *l);
async_with_sync async_with_semaphore(async_with_sync *w, async_scope *blocks, async_semaphore *s);
async_with_sync async_with_condition(async_with_sync *w, async_scope *blocks, async_condition *c);

ASYNC_END_DECLS

#endif
