/* SPDX-License-Identifier: MIT */
/* overflow.h - a task that overflows its stack dies with its name, not with a bare "Segmentation fault". */
#ifndef ARCH_OVERFLOW_H
#define ARCH_OVERFLOW_H

#include <stdbool.h>
#include <stddef.h>

/* What is known of the stack that a faulting address lies below. */
struct overflow {
    char task[64]; /* its name */
    size_t size;   /* of its stack */
};

/* Asked by the signal handler, on the thread that faulted: is this address in the guard below the current task's stack?
 * The loop layer says. */
bool async__overflow_find(const void *address, struct overflow *ret);

/* Give this thread a stack for signal handlers, and the process our handler for SIGSEGV: nested calls are counted. A
 * fault that is not an overflow goes to whoever had the signal before. 0, -ENOMEM. */
int async__overflow_watch(void);
void async__overflow_forget(void);
void async__overflow_lock(bool lock); /* around a fork() */

#endif
