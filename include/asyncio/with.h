/* SPDX-License-Identifier: MIT */
/* with.h - context managers: what a block has entered is left, however the block ends.
 *
 *   await_with          a block in which a lock is held, or a context manager is entered
 *   async_with_outcome  how the block that is being left has ended
 *
 * It is `async with` of Python. The general rules of blocks stand in scope.h. */
#ifndef ASYNCIO_WITH_H
#define ASYNCIO_WITH_H

#include <asyncio/scope.h>
#include <asyncio/sync.h>

ASYNC_BEGIN_DECLS

#ifndef __cplusplus
/* Enter a context manager, run a block, and leave the context manager.
 *
 *   await_with (r, &lock)
 *       count++;
 *
 *   await_with (r, ((async_context_manager){ connect_to(db), disconnect_from(db) }))
 *       r = await_query(db);
 *
 * r          an int variable; see scope.h.
 * ...        the address of a lock, semaphore or condition, or an async_context_manager (co.h).
 * Result     the error of entering, and then the body is skipped; what the body has set; or, if
 *            that is no error, the error of leaving.
 * Cancelled  leaving runs in a shield, so it may suspend although the task is cancelled.
 * Suspends   as entering and leaving do. */
#define await_with(r, ...)                                                                         \
    ASYNC__SHADOWS                                                                                 \
    for (__typeof__(*ASYNC__WITH_TYPE(__VA_ARGS__)) async_w_ =                                     \
                 ASYNC__WITH(__VA_ARGS__)(&async_w_, async_blocks_, __VA_ARGS__),                  \
                 *async_once_ = &async_w_;                                                         \
         async_once_; async_once_ = NULL)                                                          \
    ASYNC__SHADOWED ASYNC__WITHIN(r, &async_w_.scope)
#endif

/* In the coroutine that leaves a context manager: return how the block has ended.
 *
 *   ASYNC_DEF(end_transaction, (db *)d)
 *   {
 *       return async_with_outcome() < 0 ? await_rollback(d) : await_commit(d);
 *   }
 *
 * Returns    what the body has set, or the error with which ASYNC_TRY has left it, -ECANCELED, too;
 *            -EINTR if the body was left by a bare return, and had not set an error; -EINVAL if no
 *            block is being left; -EPERM outside of a task. Of several blocks, the innermost
 *            counts.
 * Suspends   no. */
int async_with_outcome(void);

/* --- private: how the block works --- */

/* In the stack frame of the function whose block it is. */
typedef struct async_with {
    async_scope scope;
    async_context_manager manager;
} async_with;

/* The same for locks and the like, which need no coroutine objects. */
typedef struct async_with_sync {
    async_scope scope;
} async_with_sync;

#ifndef __cplusplus
#define ASYNC__WITH_TYPE(...)                                                                      \
    _Generic((__VA_ARGS__),                                                                        \
            async_context_manager: (async_with *)NULL,                                             \
            default: (async_with_sync *)NULL)
#define ASYNC__WITH(...)                                                                           \
    _Generic((__VA_ARGS__),                                                                        \
            async_lock *: async_with_lock,                                                         \
            async_semaphore *: async_with_semaphore,                                               \
            async_condition *: async_with_condition,                                               \
            async_context_manager: async_with_context_manager,                                     \
            default: async_with_expects_an_address_such_as_and_lock_)
/* Stands in for every other type, and accepts none. The compiler's message has its name. */
struct async_with_expects_an_address_such_as_and_lock_ { char none; };
ASYNC_UNUSED static inline async_with_sync async_with_expects_an_address_such_as_and_lock_(
        async_with_sync *w, async_scope *blocks,
        struct async_with_expects_an_address_such_as_and_lock_ manager)
{
    return (void)blocks, (void)manager, *w;
}
#endif

async_with async_with_context_manager(async_with *w, async_scope *blocks,
                                      async_context_manager manager);
async_with_sync async_with_lock(async_with_sync *w, async_scope *blocks, async_lock *l);
async_with_sync async_with_semaphore(async_with_sync *w, async_scope *blocks, async_semaphore *s);
async_with_sync async_with_condition(async_with_sync *w, async_scope *blocks, async_condition *c);

ASYNC_END_DECLS

#endif
