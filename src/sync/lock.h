/* SPDX-License-Identifier: MIT */
/* lock.h - what a condition needs of a lock. */
#ifndef SYNC_LOCK_H
#define SYNC_LOCK_H

#include <asyncio/sync.h>

/* Acquire l for t, whose checkpoint has been passed. Returns as await_lock_acquire(). */
int async__lock_acquire(async_lock *l, async_task *t);

#endif
