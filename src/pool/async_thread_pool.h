/* SPDX-License-Identifier: MIT */
/* async_thread_pool.h - which calls on threads tasks wait for, for reports. */
#ifndef POOL_ASYNC_THREAD_POOL_H
#define POOL_ASYNC_THREAD_POOL_H

#include "loop/loop.h"

struct thread_wait {
    /* The name of the call; NULL: the task waits until the queue of the pool has room for it. */
    const char *job;
    /* The name of a pool that the user has opened; NULL: the pool is the loop's own. */
    const char *pool;
};

/* Find out for which job t waits. Returns false if it waits for none. */
bool async__thread_wait_of(const async_task *t, struct thread_wait *ret);

#endif
