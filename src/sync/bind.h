/* SPDX-License-Identifier: MIT */
/* bind.h - an object belongs to the loop that uses it first, for as long as that loop is open. Two
 * loops run on two threads, and the objects are not thread-safe. The check costs one comparison, so
 * release builds make it, too. */
#ifndef SYNC_BIND_H
#define SYNC_BIND_H

#include "loop/scheduler.h"

/* A result of bind_here(): the object belonged to a loop that is closed. Tasks which that loop has
 * abandoned may still be in the object's queues, or own what they were given. They never run again,
 * so the caller drops them. */
enum { TAKEN_OVER = 1 };

/* Bind the object whose member *loop is given to the loop of this thread. Returns 0, TAKEN_OVER,
 * or, with a message, -EPERM if the object belongs to another loop that is open. */
int async__bind(uint64_t *loop, const char *what);

static inline int bind_here(uint64_t *loop, const char *what)
{
    const struct loop *l = async__loop;
    bool ours = l && __atomic_load_n(loop, __ATOMIC_RELAXED) == l->serial;
    return likely(ours) ? 0 : async__bind(loop, what);
}

/* The same for an object that has only one queue. Returns 0 or -EPERM. */
static inline int bind_with_queue(uint64_t *loop, async_waitq *q, const char *what)
{
    int r = bind_here(loop, what);
    if (likely(r != TAKEN_OVER))
        return r;
    q->head = NULL;
    return 0;
}

#endif
