/* SPDX-License-Identifier: MIT */
/* inline.h - what inline functions of the other headers see of the library. Nothing for users: it may change with
 * every version, together with what is inlined. */
#ifndef ASYNCIO_INLINE_H
#define ASYNCIO_INLINE_H

#include <asyncio/base.h>

ASYNC_BEGIN_DECLS

/* The head of a task. */
struct async_waiter {
    struct async_waiter *next, *prev;
    uint8_t kind;
    uint8_t state;
    uint8_t why;
    uint8_t flags;
    uint32_t timer;
};

/* Among its flags: its scope is doomed or has a limit, so that a checkpoint must look closer. */
#define ASYNC__NEEDS_CHECK 8

/* Where this thread's running task is noted, if there is one. */
extern __thread async_task *const *async_running_ __attribute__((tls_model("initial-exec")));

/* Is the caller a task whose checkpoint has nothing to look at? */
static inline bool async__needs_no_check(void)
{
    const struct async_waiter *w = (const struct async_waiter *)*async_running_;
    return w && !(w->flags & ASYNC__NEEDS_CHECK);
}

ASYNC_END_DECLS

#endif
