/* SPDX-License-Identifier: MIT */
/* overflow.h - a task that overflows its stack ends the process with a message that names it, not
 * with a bare "Segmentation fault". */
#ifndef ARCH_OVERFLOW_H
#define ARCH_OVERFLOW_H

#include <stdbool.h>
#include <stddef.h>

/* The stack below which a faulting address lies. */
struct overflow {
    char task[64]; /* name of the task that runs on it */
    size_t size;   /* bytes */
};

/* Is this address in the guard below the stack of the task that runs on this thread? Called by the
 * signal handler, on the thread that faulted. */
typedef bool overflow_finder(const void *address, struct overflow *ret);

/* Give this thread a stack for signal handlers, unless it has one, and handle SIGSEGV and SIGBUS. A
 * fault that is not an overflow goes to the handler that was installed before. Each call is undone
 * by one call of async__overflow_forget(). Returns 0 or -ENOMEM. */
int async__overflow_watch(overflow_finder *find);
void async__overflow_forget(void);

/* Lock or unlock the state of this file. A fork() needs it, because in the child a lock that
 * another thread held would stay locked. */
void async__overflow_lock(bool lock);

#endif
