/* SPDX-License-Identifier: MIT */
/* run.h - one loop, and the runs on it. This layer opens the loop, and registers with it what the
 * layers in between provide: observers, modules, and the kind of tasks that are calls on
 * threads. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "loop/scheduler.h"

struct async_runner {
    struct loop *loop; /* NULL once the runner is closed */
    async_group background;
    async_group lost;        /* at shutdown: the tasks that are in no other group */
    struct context *context; /* of the main task of the latest run; a reference */
    double shutdown_timeout; /* seconds; 0: none */
    bool running;            /* a call of the runner runs the loop now */
    struct run *started;     /* the run that another loop drives, or NULL */
};

/* One run of a main task. */
struct run {
    async_runner *runner;
    const async_co *co;
    bool verbose; /* report main's error on stderr */
    bool watched; /* Ctrl-C cancels main */
    bool forever; /* there is no main task; async_stop() ends the run */
    int result;
    char message[MESSAGE_SIZE]; /* of the error that main has returned */
};

/* Open the loop of rn. Returns 0; or a negative errno, in which case there is no loop to close. */
int async__runner_init(async_runner *rn, const struct async_run_opts *opts);

/* Close the loop of rn. By now it has no tasks, or was abandoned, or this is the child of a
 * fork(). */
void async__runner_finish(async_runner *rn);

/* Run r from its beginning to its end. */
int async__run(async_runner *rn, struct run *r);

/* Begin a run, which creates its main task, and end it once the loop has stopped. Ending returns
 * the result of the run. */
int async__run_begin(async_runner *rn, struct run *r);
int async__run_end(async_runner *rn, struct run *r);

/* Cancel and await the tasks that are left in the loop, release its records, and reject further
 * posts. If tasks do not end in time, the result in r becomes -ETIME. Allocates no memory. */
void async__shut_down(async_runner *rn, struct run *r);

/* Is this the child of a fork() in which a task of its parent has returned? If so, warn. */
bool async__returned_in_child(const struct loop *l);

/* Run everything that is ready now, once. */
void async__run_ready(struct loop *l);

#endif
