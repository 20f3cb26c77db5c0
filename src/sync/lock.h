/* SPDX-License-Identifier: MIT */
/* lock.h - the functions of a lock on which conditions and read-write locks are built. */
#ifndef SYNC_LOCK_H
#define SYNC_LOCK_H

#include <asyncio/sync.h>

#include "loop/scheduler.h"

/* Acquire l for t, whose checkpoint has been passed. Returns as await_lock_acquire(). */
int async__lock_acquire(async_lock *l, async_task *t);

/* Bind l to the loop. Returns 0, -EPERM, or -EOWNERDEAD if a closed loop has left it held. */
int async__lock_bind(async_lock *l, struct loop *loop);

/* Wait in the queue of l, which t must not hold, until t is chosen. Returns 0; or an error, and
 * then *chosen is true if t was chosen all the same and must pass the lock on. */
int async__lock_wait(async_lock *l, async_task *t, bool *chosen);

static inline void lock_set_owner(async_lock *l, async_task *t)
{
    l->owner = t;
    t->id_and_locks += TASK_LOCK_ONE;
}

static inline void lock_clear_owner(async_lock *l)
{
    l->owner->id_and_locks -= TASK_LOCK_ONE;
    l->owner = NULL;
}

#endif
