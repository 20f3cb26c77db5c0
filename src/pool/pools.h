/* SPDX-License-Identifier: MIT */
/* pools.h - what the pool layer keeps for each loop. */
#ifndef POOL_POOLS_H
#define POOL_POOLS_H

#include <asyncio/pool.h>

#include "loop/loop.h"

struct crew;
struct async_process_pool;

enum { POOLS = 3 }; /* as enum async_pool */

struct pools {
    struct loop_module module;           /* first */
    struct crew *threads[POOLS];         /* each from its first call on */
    struct async_process_pool *own;      /* of ASYNC_PROCESS functions, from the first call on */
    struct async_process_pool *opened;   /* those that the user has opened */
    struct slab thread_tasks;
};

/* Those of l, allocated at the first call. NULL: no memory. */
struct pools *async__pools(struct loop *l);

/* The same, NULL if there are none yet. */
static inline struct pools *pools_of(const struct loop *l)
{
    return (struct pools *)l->module[MODULE_POOLS];
}

#endif
