/* SPDX-License-Identifier: MIT */
/* future.h - a result that one task (or callback) sets and others await. */
#ifndef ASYNCIO_FUTURE_H
#define ASYNCIO_FUTURE_H

#include <asyncio/loop.h>

ASYNC_BEGIN_DECLS

/* Zero is pending. Its members are the library's. */
typedef struct async_future {
    uint64_t loop; /* that uses it */
    int result;
    bool done;
    async_waitq waiters;
    struct async_future_callback *callbacks; /* the latest first */
} async_future;

/* Its result or error, at once if it is done. Suspends: until it is. A cancelled waiter leaves it pending: it may
 * have others. */
int await_future(async_future *f) ASYNC_CHECK;

/* Once, by anybody on the loop's thread: 0; the second time -EALREADY. Its waiters wake in the order in which they came,
 * and f may go when this returns. err < 0, else -EINVAL. */
int async_future_set_result(async_future *f, int result);
int async_future_set_exception(async_future *f, int err);

/* A callback for the end of a future, in your memory until it has run or was removed. Its members are the library's. */
typedef struct async_future_callback {
    async_callback callback;
    struct async_future_callback *next;
    async_future *future;
    void (*fn)(async_future *f, void *arg);
    void *arg;
    void *context;
    bool scheduled;
} async_future_callback;

/* Call fn(f, arg) once when f is done, or soon if it is already: between the steps of tasks, in the order in which the callbacks
 * were added. f must stay where it is until then. Returns 0; -EPERM outside of the future's loop. _remove: returns true if the
 * function will not be called, false if it was called or never was to be. */
int async_future_add_done_callback(async_future *f, async_future_callback *cb,
                                   void (*fn)(async_future *f, void *arg), void *arg);
bool async_future_remove_done_callback(async_future *f, async_future_callback *cb);

/* Its waiters get -ECANCELED. false: it was done. */
bool async_future_cancel(async_future *f);

ASYNC_UNUSED static inline bool async_future_done(const async_future *f) { return f->done; }
ASYNC_UNUSED static inline bool async_future_cancelled(const async_future *f)
{
    return f->done && f->result == -ECANCELED;
}
/* -EINPROGRESS: pending. */
ASYNC_UNUSED static inline int async_future_result(const async_future *f)
{
    return f->done ? f->result : -EINPROGRESS;
}

ASYNC_END_DECLS

#endif
