/* SPDX-License-Identifier: MIT */
/* worker_start.h - start a worker process. */
#ifndef POOL_WORKER_START_H
#define POOL_WORKER_START_H

#include "child/child.h"
#include "pool/worker.h"

/* Start a worker. Returns 0, and in ret_ends our end of its socket and a copy of its own; or a
 * negative errno, and nothing is left. */
int async__worker_start(struct child *c, const struct worker_orders *o, int ret_ends[2]);

#endif
