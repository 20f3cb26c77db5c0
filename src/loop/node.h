/* SPDX-License-Identifier: MIT */
/* node.h - what stands in a line: in the loop's ready queue, or in the queue of a lock, an event, a task's end.
 * A task stands in one line at a time, so the links are in it and waiting never allocates. In the line of a task's end
 * there may also be what stands in for a task that waits for several (a watch), and done callbacks. */
#ifndef LOOP_NODE_H
#define LOOP_NODE_H

#include <asyncio/inline.h>

#include "base/compiler.h"

enum node_kind {
    NODE_NEW = 1,    /* a task that has not started: it has no stack */
    NODE_TASK,       /* a task that has */
    NODE_THREAD_NEW, /* a task that is nothing but a call on a thread, and has not started */
    NODE_THREAD,     /* one that has: it has no stack */
    NODE_CALLBACK,   /* an async_callback */
    NODE_WAIT,      /* task/wait_set.h */
    NODE_DONE,       /* a done callback, until its task has ended */
};

/* struct async_waiter, of <asyncio/inline.h>:
 * kind   enum node_kind
 * state  tasks: enum task_state; callbacks: enum callback_state
 * why    tasks: enum wake, why it became ready, and what that leaves
 * flags  tasks: TASK_...
 * timer  slot, 0: none */

static inline void waitq_push(async_waitq *q, struct async_waiter *w)
{
    w->next = NULL;
    w->prev = q->tail;
    *(q->head ? &q->tail->next : &q->head) = w;
    q->tail = w;
}

/* The first one. The tail of an empty queue and the prev of a first node say nothing: nobody keeps them. */
static inline void waitq_pop(async_waitq *q, struct async_waiter *w)
{
    q->head = w->next;
}

static inline void waitq_remove(async_waitq *q, struct async_waiter *w)
{
    if (w == q->head) {
        q->head = w->next;
        return;
    }
    w->prev->next = w->next;
    *(w->next ? &w->next->prev : &q->tail) = w->prev;
}

#endif
