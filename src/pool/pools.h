/* SPDX-License-Identifier: MIT */
/* pools.h - what the pool layer keeps for each loop: its thread pools, its process pools, the
 * records of thread tasks.
 *
 * Each loop has pools of its own. So there is no state of the process and no lock that two loops
 * share, and the child of a fork() inherits nothing of its parent's: its loops have pools of their
 * own. */
#ifndef POOL_POOLS_H
#define POOL_POOLS_H

#include <asyncio/pool.h>

#include "loop/loop.h"

enum { POOL_KINDS = 3 }; /* of enum async_pool */

struct thread_pool;
struct async_process_pool;

struct pools {
    struct loop_module module;                /* first */
    struct thread_pool *by_kind[POOL_KINDS];  /* each is opened by its first call */
    struct async_thread_pool *opened_threads; /* thread pools that the user has opened */
    unsigned opened_count;                    /* how many these were so far, for their names */
    /* Of ASYNC_PROCESS functions; opened by the first call. */
    struct async_process_pool *own_processes;
    struct async_process_pool *opened_processes; /* process pools that the user has opened */
    struct slab thread_tasks;

    /* How the parts above are closed: set by the files that use them, when they first do; NULL:
     * there is nothing to close. */
    void (*close_threads)(struct pools *p, struct loop *l, int64_t until);
    void (*close_processes)(struct pools *p);
    /* The loop was abandoned: their records stay for ever. */
    void (*keep_thread_tasks)(struct pools *p);
    struct pools *next_kept;
};

/* The pools of l, allocated at the first call. NULL: no memory. */
struct pools *async__pools(struct loop *l);

/* The same, NULL if there are none yet. */
static inline struct pools *pools_of(const struct loop *l)
{
    return (struct pools *)l->module[MODULE_POOLS];
}

/* The thread pool of that kind of l, opened at the first call. NULL: no memory. */
struct thread_pool *async__pool_of_kind(struct loop *l, enum async_pool kind);

/* How many threads a pool may have unless it is told otherwise. */
unsigned async__threads_default(void);

/* The name of the job of these pools that t waits for; NULL if there is none. For reports. */
const char *async__pools_job_name(const async_task *t);

#endif
