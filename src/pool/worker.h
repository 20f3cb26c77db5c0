/* SPDX-License-Identifier: MIT */
/* worker.h - a worker process: a new process of the same program that reads calls, makes them, and
 * replies. It has one thread of its own and no loop. */
#ifndef POOL_WORKER_H
#define POOL_WORKER_H

#include <stdbool.h>
#include <stddef.h>

struct worker_orders {
    bool sandbox;
    size_t max_memory; /* bytes of address space; 0: no bound */
};

/* Answer calls until the other end of the socket is closed. In the worker. */
_Noreturn void async__worker_main(const struct worker_orders *o);

/* Is there a sandbox for this processor? */
bool async__sandbox_is_known(void);

/* Give up everything that a call with untrusted data does not need, for all threads. keep: a
 * descriptor besides the worker's socket that stays open, or -1. Returns 0 or a negative errno. In
 * the worker. */
int async__sandbox_enter(int keep);

#endif
