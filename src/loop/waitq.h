/* SPDX-License-Identifier: MIT */
/* waitq.h - queues of what waits: the ready queue of the loop, and the queue of a lock, an event, a
 * task's end.
 *
 * A task waits in one queue at a time, so the links are part of its record and waiting allocates
 * nothing. The queue of a task's end also holds wait nodes, which stand for a task that waits for
 * several others, and done callbacks.
 *
 * struct async_waiter, the head of all these records, is declared in <asyncio/inline.h>. Its bytes
 * mean:
 *   kind   enum node_kind
 *   state  of a task enum task_state; of a callback enum callback_state; of a wait node enum
 *          wait_node_state
 *   why    of a task: enum wake and what the wake left behind; of a parked one also enum waiting
 *          (record.h)
 *   flags  of a task: TASK_... (record.h)
 *   timer  slot of an armed timer, or 0 */
#ifndef LOOP_WAITQ_H
#define LOOP_WAITQ_H

#include <asyncio/inline.h>

#include "base/compiler.h"

enum node_kind {
    NODE_NEW = 1,      /* a task that has not started, and has no stack yet */
    NODE_NEW_ON_STACK, /* a task that has not started, and has its stack and its body already */
    NODE_TASK,         /* a task that has started */
    /* A thread task (a task that is only a call on a thread) that has not started. */
    NODE_THREAD_NEW,
    NODE_THREAD,   /* a thread task that has started; it never gets a stack */
    NODE_CALLBACK, /* an async_callback */
    NODE_MARKER,   /* a marker in the ready queue (scheduler.h) */
    NODE_WAIT,     /* a wait node (task/wait_set.h) */
    NODE_DONE,     /* a done callback, until its task has ended */
};

static inline void waitq_push(async_waitq *q, struct async_waiter *w)
{
    w->next = NULL;
    w->prev = q->tail;
    *(q->head ? &q->tail->next : &q->head) = w;
    q->tail = w;
}

/* Take out w, the head of q. The tail of an empty queue and the prev of a head are not
 * maintained. */
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
