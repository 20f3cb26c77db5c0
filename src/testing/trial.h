/* SPDX-License-Identifier: MIT */
/* trial.h - one run of a scenario, with one thing going wrong in it, or nothing. */
#ifndef TESTING_TRIAL_H
#define TESTING_TRIAL_H

#include <asyncio/testing.h>

#include "loop/loop.h"

enum sweep { SWEEP_NONE, SWEEP_CANCEL, SWEEP_ALLOC, SWEEP_ALLOC_REST, SWEEP_SYSCALL, SWEEP_ORDER };

/* The variants of a cancellation: whom it is asked of, and at a wait also when. */
enum {
    ASK_SCENARIO = 1,
    ASK_LIMIT = 2,
    ASK_TASK = 4,
    ASK_ALL = 7,
    ASK_LATER = 3 /* bits further */
};

enum { VARIANTS = 16 }; /* of one point, at most */

struct trial {
    struct probe probe;
    const struct async_sweep_opts *opts;
    const async_co *co;
    enum sweep sweep;
    uint64_t seed;
    size_t point;     /* which await, allocation or call is hit, from 1; 0: none */
    unsigned variant; /* and how */

    size_t points;     /* how many came by */
    unsigned variants; /* bits: how the point can be hit; 0: there was no such point */
    size_t steps, hangs;
    bool harmless; /* what has struck must change nothing */
    int result;
    async_scope *limit; /* around the scenario, while it runs */
    async_callback later;
    uint32_t who;
    char what[160];  /* was done to it */
    char wrong[256]; /* came of it; "": nothing */
};

/* Whether it is this one's turn: counts it. */
bool async__trial_hits(struct trial *t, unsigned variants);

ASYNC_FORMAT(2, 3)
void async__trial_wrong(struct trial *t, const char *fmt, ...); /* the first counts */

void async__trial_run(struct trial *t);
void async__sweep_report(const struct trial *t);

/* The trial that runs; NULL for other threads than its own. */
extern _Thread_local struct trial *async__trial;

/* Between these, allocations and system calls are counted and may fail. The end says what is missing. */
void async__ledger_open(void);
void async__ledger_close(struct trial *t);

/* Put the failing calls of a sweep in their places, and take them out again. */
void async__faults_begin(void);
void async__faults_end(void);

/* This request for memory fails. */
bool async__fault_memory(size_t bytes);

#endif
