/* SPDX-License-Identifier: MIT */
/* context.h - task-local variables: asyncio's contextvars.
 *
 * A context is a list of settings, one record each. Contexts share their tails, so copying one for
 * a new task is counting a reference. A task has its context in its body. A callback, a post and a
 * watch keep a reference to the context in which they were made, and run in it. Outside of
 * these a thread has a context of its own. */
#ifndef LOOP_CONTEXT_H
#define LOOP_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

struct context;

/* A new reference to the caller's context; NULL: nothing is set in it. */
struct context *async__context_of_caller(void);

/* Add a reference to c, and drop one. c may be NULL. References may be dropped by any thread. */
struct context *async__context_ref(struct context *c);
void async__context_unref(struct context *c);

/* The context outside of tasks on this thread. */
struct thread_context {
    struct context *context;
    /* It belongs to a callback or a thread call that runs now, not to the thread itself. */
    bool lent;
};
extern _Thread_local struct thread_context async__thread_context
        __attribute__((tls_model("initial-exec")));

/* Let what runs now on this thread, outside of tasks, run in c, until context_leave(). The
 * reference to c goes with it.
 * Returns the context that was in force. */
static inline struct thread_context context_enter(struct context *c)
{
    struct thread_context before = async__thread_context;
    async__thread_context = (struct thread_context){ c, true };
    return before;
}

static inline void context_leave(struct thread_context before)
{
    struct context *c = async__thread_context.context;
    async__thread_context = before;
    if (unlikely(c != NULL))
        async__context_unref(c);
}

#endif
