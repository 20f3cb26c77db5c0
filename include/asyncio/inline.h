/* SPDX-License-Identifier: MIT */
/* inline.h - what the inline functions of the other headers use of the library.
 *
 * Nothing here is for users. It may change with every version, together with the functions that are
 * inlined. */
#ifndef ASYNCIO_INLINE_H
#define ASYNCIO_INLINE_H

#include <asyncio/base.h>

ASYNC_BEGIN_DECLS

/* The head of every record that can stand in a queue: tasks, callbacks, wait nodes. */
struct async_waiter {
    struct async_waiter *next, *prev;
    uint8_t kind;
    uint8_t state;
    uint8_t why;
    uint8_t flags;
    uint32_t timer;
};

/* A flag of a task: its scope is cancelled or has a deadline, so an await_ call must check both. */
#define ASYNC__NEEDS_CHECK 8

/* What a thread is running. */
struct async_running {
    async_task *task; /* or NULL */
    int credit;       /* await_ calls that the task may still make without suspending */
};

/* Where the loop of this thread keeps it. The pointer is never NULL: in a thread without a loop it
 * points to a record without a task. */
extern __thread struct async_running *async_running_
        __attribute__((tls_model("initial-exec")));

/* Return whether an inlined await_ function may go on without a call into the library: it runs in a
 * task, the task's scope has nothing to check, and the task has credit left. Each call uses one
 * unit of the credit. */
static inline bool async__may_go_on(void)
{
    struct async_running *running = async_running_;
    const struct async_waiter *task = (const struct async_waiter *)running->task;
    return task && !(task->flags & ASYNC__NEEDS_CHECK) && --running->credit > 0;
}

ASYNC_END_DECLS

#endif
