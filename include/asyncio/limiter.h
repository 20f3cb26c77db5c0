/* SPDX-License-Identifier: MIT */
/* limiter.h - a capacity limiter: at most so many tasks at a time, a number that can be changed.
 *
 *   ASYNC_LIMITER                 make a limiter
 *   await_limiter_acquire         wait for a token
 *   async_limiter_acquire_nowait  take a token if one is free
 *   async_limiter_release         give a token back
 *   async_limiter_resize          change the number of tokens
 *   async_limiter_total           the number of tokens
 *   async_limiter_borrowed        the number of tokens that are in use
 *   async_limiter_borrow          a context manager for await_with
 *
 * It differs from a semaphore in two ways. Each borrower has an async_token of its own, in memory
 * that it provides, so borrowing twice and giving back what was not borrowed are errors and not a
 * wrong count. And the total can be changed while tokens are in use.
 *
 * It limits how many tasks are inside at a time, and not how many begin in a second. For the latter
 * see examples/rate_limit.c.
 *
 * Tokens are given out in the order in which tasks came. The limiter belongs to the loop that first
 * used it, until that loop is closed. Tokens that abandoned tasks of that loop have borrowed
 * (.shutdown_timeout, run.h) stay borrowed. Common errors:
 *   -EPERM      not called from a task, or the limiter belongs to another open loop; a message is
 *               printed to stderr
 *   -ECANCELED  the caller was cancelled; no token is taken */
#ifndef ASYNCIO_LIMITER_H
#define ASYNCIO_LIMITER_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

/* A limiter. Its members are private. */
typedef struct async_limiter {
    uint64_t loop; /* that uses it */
    size_t total, borrowed;
    async_waitq waiters;
} async_limiter;

/* The initial value of a limiter with n tokens.
 *
 *   static async_limiter connections = ASYNC_LIMITER(10); */
#define ASYNC_LIMITER(n) ASYNC__INIT(.total = (n))

/* What a borrower has: a token, or none. Zero is none: async_token token = { 0 }. It must stay
 * where it is, and alive, while it is borrowed. Its members are private. */
typedef struct async_token {
    const async_limiter *limiter; /* that the token was borrowed from, or is awaited from */
    bool borrowed;
} async_token;

/* Wait for a token.
 *
 *   async_token token = { 0 };
 *   ASYNC_TRY(await_limiter_acquire(&connections, &token));
 *   int r = await_fetch(url);
 *   async_limiter_release(&connections, &token);
 *
 * l          the limiter.
 * token      receives the token; given back with async_limiter_release().
 * Returns    0, or -EALREADY if token is borrowed already, from this limiter or from another one;
 *            -EPERM, -ECANCELED.
 * Cancelled  no token is taken; one that was about to be given to the caller goes to the next task.
 * Suspends   until a token is free and all tasks that came before have one. */
int await_limiter_acquire(async_limiter *l, async_token *token) ASYNC_CHECK;

/* Take a token if one is free and no task waits for one.
 *
 * Returns    0, or -EAGAIN if there is none; -EALREADY, -EPERM.
 * Suspends   no; it may be called in callbacks, too. */
int async_limiter_acquire_nowait(async_limiter *l, async_token *token) ASYNC_CHECK;

/* Give a token back; it goes to the task that has waited longest.
 *
 * Returns    0; -EINVAL if token was not borrowed from l, and a message is printed to stderr;
 *            -EPERM.
 * Suspends   no. Any task may call it, and a callback. */
int async_limiter_release(async_limiter *l, async_token *token);

/* Change the number of tokens.
 *
 * total      the new number. If it is less than the number of borrowed tokens, none is taken away;
 *            tasks wait until enough have been given back. With 0, all tasks wait.
 * Returns    0; -EPERM.
 * Suspends   no. */
int async_limiter_resize(async_limiter *l, size_t total);

/* Return the number of tokens, and how many of them are borrowed. */
ASYNC_UNUSED static inline size_t async_limiter_total(const async_limiter *l) { return l->total; }
ASYNC_UNUSED static inline size_t async_limiter_borrowed(const async_limiter *l)
{
    return l->borrowed;
}

/* Return a context manager that borrows a token while a block runs.
 *
 *   async_token token = { 0 };
 *   await_with (r, async_limiter_borrow(&connections, &token))
 *       r = await_fetch(url);
 *
 * l, token   as for await_limiter_acquire(), whose errors await_with (with.h) has when it enters.
 * Returns    the context manager.
 * Suspends   no; entering the block does, until there is a token. */
async_context_manager async_limiter_borrow(async_limiter *l, async_token *token);

ASYNC_END_DECLS

#endif
