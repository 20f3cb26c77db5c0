/* SPDX-License-Identifier: MIT */
/* run.h - one loop, and the runs on it. */
#ifndef TASK_RUN_H
#define TASK_RUN_H

#include "loop/loop.h"

struct async_runner {
    struct loop *loop;
    async_group background;
    double limit;        /* of its shutdown, seconds */
    bool running;        /* now */
    struct run *started; /* by turns; NULL: none */
};

/* One run: what its main task does. */
struct run {
    async_runner *runner;
    const async_co *co;              /* NULL: only the shutdown */
    bool shutdown, verbose, watched; /* watched: for Ctrl-C */
    double limit;                    /* of the shutdown, seconds */
    int result;
};

/* 0, or a negative errno: there is no loop then. */
int async__runner_init(async_runner *rn, const struct async_run_opts *opts);
void async__runner_finish(struct loop *l); /* closes it */

/* A whole run; or its beginning, and, when l->stop, its end. */
int async__run(async_runner *rn, struct run *r);
int async__run_begin(async_runner *rn, struct run *r);
int async__run_end(async_runner *rn, struct run *r);

#endif
