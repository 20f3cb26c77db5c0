/* SPDX-License-Identifier: MIT */
/* trial.h - one run of a scenario, with one thing going wrong in it, or two, or nothing. */
#ifndef TESTING_TRIAL_H
#define TESTING_TRIAL_H

#include <asyncio/testing.h>

#include "loop/loop.h"

enum sweep {
    SWEEP_NONE,
    SWEEP_CANCEL, /* these four are also the kinds of a fault */
    SWEEP_ALLOC,
    SWEEP_ALLOC_REST,
    SWEEP_SYSCALL,
    SWEEP_ORDER,
    SWEEP_PAIRS,
};

/* The variants of a cancellation: whom it is asked of, and at a wait also when. */
enum {
    ASK_SCENARIO = 1,
    ASK_LIMIT = 2,
    ASK_TASK = 4,
    ASK_ALL = 7,
    ASK_LATER = 3 /* bits further */
};

enum { VARIANTS = 16 }; /* of one point, at most */

struct fault {
    enum sweep kind; /* SWEEP_NONE: none */
    size_t point;    /* which await, allocation or call is hit, from 1, since the fault before it */
    unsigned variant; /* and how */
    bool any_variant; /* if it cannot be hit so, then in another way */

    size_t points;     /* how many came by */
    unsigned variants; /* bits: how the point can be hit; 0: there was no such point */
    bool struck;
    bool harmless; /* it must change nothing */
    uint32_t who;
    async_callback later;
    char what[160]; /* was done */
};

enum { FAULTS = 2 };

struct trial {
    struct probe probe;
    const struct async_sweep_opts *opts;
    const async_co *co;
    enum sweep sweep;
    uint64_t seed;
    struct fault faults[FAULTS]; /* one after the other */
    unsigned due;                /* the next one of them */

    size_t seen[SWEEP_ORDER],
            after[SWEEP_ORDER]; /* points of each kind: all, and since the first fault */
    size_t steps, hangs;
    int result;
    async_scope *limit; /* around the scenario, while it runs */
    char wrong[256];    /* came of it; "": nothing */
};

/* The fault whose turn it is, if it is to strike here and now; else NULL. Counts the point. */
struct fault *async__trial_hits(struct trial *t, enum sweep kind, unsigned variants);

/* Draw the first fault of a pair; seen: what a run without any comes by. And the second, after what
 * a run with the first alone has come by; its kind is SWEEP_NONE if that is nothing. */
void async__pair_first(struct fault *f, uint64_t seed, const size_t seen[SWEEP_ORDER]);
void async__pair_second(struct fault *f, uint64_t seed, const struct trial *first);

ASYNC_FORMAT(2, 3)
void async__trial_wrong(struct trial *t, const char *fmt, ...); /* the first counts */

void async__trial_run(struct trial *t);
void async__sweep_report(const struct trial *t);

/* The trial that runs; NULL for other threads than its own. */
extern _Thread_local struct trial *async__trial;

/* Between these, allocations and system calls are counted and may fail. The end says what is
 * missing. */
void async__leak_check_open(void);
void async__leak_check_close(struct trial *t);

/* Put the failing calls of a sweep in their places, and take them out again. */
void async__faults_begin(void);
void async__faults_end(void);

/* This request for memory fails. */
bool async__fault_memory(size_t bytes);

#endif
