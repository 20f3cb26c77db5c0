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
    const async_co *co;
    bool shutdown, verbose, watched; /* watched: for Ctrl-C */
    double limit;                    /* of the shutdown, seconds */
    int result;
    char text[TEXT_SIZE]; /* the sentence of an error */
};

/* 0, or a negative errno: there is no loop then. */
int async__runner_init(async_runner *rn, const struct async_run_opts *opts);
void async__runner_finish(struct loop *l); /* closes it */

/* Cancel and await what is left: in the main task; or outside of any run, which needs no memory. */
void async__shut_down(struct run *run, async_task *self);
void async__runner_shut_down(async_runner *rn);
void async__forget_records(struct loop *l); /* of tasks that nobody has a handle of any more */

/* Is this a child of fork() that has returned? Then it has been said. */
bool async__has_come_back(const struct loop *l);

/* Let run what is ready. */
void async__run_round(struct loop *l);

/* A whole run; or its beginning, and, when l->stop, its end. */
int async__run(async_runner *rn, struct run *r);
int async__run_begin(async_runner *rn, struct run *r);
int async__run_end(async_runner *rn, struct run *r);

#endif
