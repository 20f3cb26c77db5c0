/* SPDX-License-Identifier: MIT */
/* future.h - futures: a result that one task or callback sets, and others wait for.
 *
 *   await_future                       wait for the result
 *   async_future_set_result            set the result
 *   async_future_set_exception         set an error as the result
 *   async_future_cancel                set -ECANCELED as the result
 *   async_future_add_done_callback     call a function when there is a result
 *   async_future_remove_done_callback  no longer call it
 *   async_future_done                  is there a result?
 *   async_future_cancelled             is it -ECANCELED?
 *   async_future_result                the result
 *
 * A future lies in memory of the caller, and zero is pending: async_future f = { 0 }. It belongs to
 * the loop that first used it, until that loop is closed; elsewhere its functions return -EPERM,
 * and a message is printed to stderr. */
#ifndef ASYNCIO_FUTURE_H
#define ASYNCIO_FUTURE_H

#include <asyncio/loop.h>

ASYNC_BEGIN_DECLS

/* A future. Its members are private. */
typedef struct async_future {
    uint64_t loop; /* that uses it */
    int result;
    bool done;
    async_waitq waiters;
    struct async_future_callback *callbacks; /* the latest first */
} async_future;

/* Wait for the result of a future. Any number of tasks may do so.
 *
 * Returns    the result, which may be an error; -EPERM, -ECANCELED.
 * Cancelled  the future stays pending, because other tasks may wait for it.
 * Suspends   until there is a result. */
int await_future(async_future *f) ASYNC_CHECK;

/* Set the result of a future. The tasks that wait wake up in the order in which they came.
 *
 * result     the result, 0 or more, or an error.
 * Returns    0; -EALREADY if there is a result already; -EPERM. When it returns, the memory of the
 *            future may go, also if tasks have waited.
 * Suspends   no. Any task of the loop, and a callback, may call it. */
int async_future_set_result(async_future *f, int result);

/* The same with an error.
 *
 * err        a negative errno value; otherwise the call returns -EINVAL. */
int async_future_set_exception(async_future *f, int err);

/* Set -ECANCELED as the result.
 *
 * Returns    true; false if there is a result already. */
bool async_future_cancel(async_future *f);

/* A callback for the result of a future, in memory of the caller, until it has run or was removed.
 * Zero is idle. Its members are private. */
typedef struct async_future_callback {
    async_callback callback;
    struct async_future_callback *next;
    async_future *future;
    void (*fn)(async_future *f, void *arg);
    void *arg;
    void *context;
} async_future_callback;

/* Call a function when a future has a result, or soon if it has one: outside of tasks, in the order
 * in which the callbacks were added, with the task-local variables of the caller.
 *
 * f          the future, whose memory must stay until then.
 * cb         memory for the callback, zero at first.
 * fn, arg    fn(f, arg) is called once. It must not await.
 * Returns    0; -EALREADY if cb was added and has not run, and a message is printed to stderr;
 *            -EPERM.
 * Suspends   no. */
int async_future_add_done_callback(async_future *f, async_future_callback *cb,
                                   void (*fn)(async_future *f, void *arg), void *arg);

/* Remove a callback.
 *
 * Returns    true if the function will not be called; false if it was called, or was not to be. */
bool async_future_remove_done_callback(async_future *f, async_future_callback *cb);

/* Return whether there is a result; whether it is -ECANCELED; and the result, which is -EINPROGRESS
 * if there is none. */
ASYNC_UNUSED static inline bool async_future_done(const async_future *f) { return f->done; }
ASYNC_UNUSED static inline bool async_future_cancelled(const async_future *f)
{
    return f->done && f->result == -ECANCELED;
}
ASYNC_UNUSED static inline int async_future_result(const async_future *f)
{
    return f->done ? f->result : -EINPROGRESS;
}

ASYNC_END_DECLS

#endif
