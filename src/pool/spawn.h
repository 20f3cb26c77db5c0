/* SPDX-License-Identifier: MIT */
/* spawn.h - a worker as a process: how it is started, ended and mourned. */
#ifndef POOL_SPAWN_H
#define POOL_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "pool/frame.h"
#include "pool/worker.h"

struct process {
    pid_t pid;
    int pidfd; /* -1: the kernel has none */
    int wire;  /* our end */
    struct board *board;
};

/* Start one. 0, or a negative errno and nothing is left. */
int async__process_start(struct process *p, const struct worker_orders *o);

/* End it, and what it has started, unless that left its group. Returns at once. */
void async__process_kill(const struct process *p);

enum end { END_UNKNOWN, END_EXIT, END_SIGNAL };

/* How it ended: number is a status or a signal. UNKNOWN: somebody else has waited for it, or SIGCHLD is ignored. */
struct ending {
    enum end how;
    int number;
};

/* Wait for its end, which is near, and close what belongs to it. */
struct ending async__process_bury(struct process *p);

#endif
