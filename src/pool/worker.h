/* SPDX-License-Identifier: MIT */
/* worker.h - the worker's side. One thread, no loop: it reads a call, makes it, answers. */
#ifndef POOL_WORKER_H
#define POOL_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "pool/frame.h"

struct worker_orders {
    bool sandbox;
    size_t memory; /* bytes of address space; 0: no limit */
    unsigned cpu;  /* seconds of processor time for each call; 0: no limit */
};

/* Answer calls until the other end is closed. */
_Noreturn void async__worker_serve(const struct worker_orders *o);

/* Whether there is a sandbox on this processor. */
bool async__sandbox_known(void);

/* Give up what a call with untrusted data has no need of. 0, or a negative errno. */
int async__sandbox_enter(void);

#endif
