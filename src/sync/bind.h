/* SPDX-License-Identifier: MIT */
/* bind.h - an object belongs to the loop that used it first, for as long as that loop is open: two loops are two threads, and
 * nothing in it is made for two. The price is one comparison; whoever loses the race for an unbound one is refused. */
#ifndef SYNC_BIND_H
#define SYNC_BIND_H

#include "loop/loop.h"

/* bound_here() may return it: the object was a closed loop's. Tasks that this loop has abandoned still stand in its lines,
 * and own what they were given: they never come back for it, so the caller forgets them. */
enum { TAKEN_OVER = 1 };

/* -EPERM, and a message: it is another thread's. */
int async__bind(async_loop **to, const char *what);

static inline int bound_here(async_loop **to, const char *what)
{
    const struct loop *l = async__loop;
    bool ours = l && __atomic_load_n(to, __ATOMIC_RELAXED) == l->handle;
    return likely(ours) ? 0 : async__bind(to, what);
}

/* The same for what has but one line. */
static inline int bound_with_line(async_loop **to, async_waitq *line, const char *what)
{
    int r = bound_here(to, what);
    if (likely(r != TAKEN_OVER))
        return r;
    line->head = NULL;
    return 0;
}

#endif
