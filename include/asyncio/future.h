/* SPDX-License-Identifier: MIT */
/* future.h - a result that one task (or callback) sets and others await. */
#ifndef ASYNCIO_FUTURE_H
#define ASYNCIO_FUTURE_H

#include <asyncio/base.h>

ASYNC_BEGIN_DECLS

/* Zero is pending. Its members are the library's. */
typedef struct async_future {
    async_loop *loop; /* that uses it */
    int result;
    bool done;
    async_waitq waiters;
} async_future;

/* Its result or error, at once if it is done. Suspends: until it is. A cancelled waiter leaves it pending: it may
 * have others. */
int await_future(async_future *f) ASYNC_CHECK;

/* Once, by anybody on the loop's thread: 0; the second time -EALREADY. Its waiters wake in the order in which they came,
 * and f may go when this returns. err < 0, else -EINVAL. */
int async_future_set_result(async_future *f, int result);
int async_future_set_exception(async_future *f, int err);

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
