/* SPDX-License-Identifier: MIT */
/* run.h - one loop, and the runs on it. This layer is above all others: it opens the loop and
 * registers with it what the layers in between provide. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "loop/scheduler.h"

struct async_runner {
    struct loop *loop; /* NULL once the runner is closed */
    async_group background;
    async_group lost;        /* while it shuts down: tasks whose handles are lost */
    struct context *context; /* of the main task of the latest run; a reference */
    double shutdown_timeout; /* seconds; 0: none */
    bool running;            /* now */
    struct run *started;     /* a run that is driven by another loop; NULL: none */
    async_runner *next;      /* among those that are closed */
};

/* One run: what its main task does. */
struct run {
    async_runner *runner;
    const async_co *co;
    bool verbose; /* report main's error on stderr */
    bool watched; /* Ctrl-C cancels main */
    bool forever; /* there is no main task; async_stop() ends the run */
    int result;
    char message[MESSAGE_SIZE]; /* of an error */
};

/* Open the loop of rn. Returns 0 or a negative errno; then there is no loop. */
int async__runner_init(async_runner *rn, const struct async_run_opts *opts);

/* Close it. Nothing lives in it any more, or it was abandoned, or this is the child of a fork(). */
void async__runner_finish(async_runner *rn);

/* A whole run. */
int async__run(async_runner *rn, struct run *r);

/* Its beginning, and, once the loop has stopped, its end. */
int async__run_begin(async_runner *rn, struct run *r);
int async__run_end(async_runner *rn, struct run *r);

/* Cancel and await what is left in the loop, release what it holds, and reject further posts. r
 * receives the result if something would not end in time. Needs no memory. */
void async__shut_down(async_runner *rn, struct run *r);

/* Is this the child of a fork() in which a task of its parent has returned? Then it has been
 * warned. */
bool async__returned_in_child(const struct loop *l);

/* Run what is ready now, once. */
void async__run_ready(struct loop *l);

#endif
