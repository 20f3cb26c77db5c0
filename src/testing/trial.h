/* SPDX-License-Identifier: MIT */
/* trial.h - a trial is one run of a scenario in a sweep, with no fault, one or two. */
#ifndef TESTING_TRIAL_H
#define TESTING_TRIAL_H

#include <asyncio/testing.h>

#include "loop/loop.h"

enum sweep {
    SWEEP_NONE,
    SWEEP_CANCEL, /* this one and the next three are also the kinds of faults */
    SWEEP_ALLOC,
    SWEEP_ALLOC_REST,
    SWEEP_SYSCALL,
    SWEEP_ORDER,
    SWEEP_PAIRS,
};

/* The variants of a cancellation, as bits: what is cancelled. At a wait there are three more
 * variants, CANCEL_LATER bits further, in which all that is ready runs before the cancellation. */
enum {
    CANCEL_SCENARIO = 1, /* the root task */
    CANCEL_TIMEOUT = 2,  /* the timeout around the scenario expires */
    CANCEL_TASK = 4,     /* the task whose await it is */
    CANCEL_ANY = 7,
    CANCEL_LATER = 3
};

enum { VARIANTS = 16 }; /* the largest number of variants of a point */

struct fault {
    /* What to inject. A point is an await, an allocation or a system call. */
    enum sweep kind;  /* SWEEP_NONE: nothing */
    size_t point;     /* number of the point, from 1, counted since the previous fault */
    unsigned variant; /* which of the faults that are possible there */
    bool any_variant; /* if the point has no such variant, inject another one */

    /* What has happened in the run. */
    size_t points;     /* points that were counted */
    unsigned variants; /* bits: variants of the point; 0: the run had no such point */
    bool injected;
    bool harmless;        /* the result of the run must be the same as without the fault */
    uint32_t task_id;     /* of a cancellation: the task whose await it is */
    async_callback later; /* of a cancellation at a wait: cancels once the task waits */
    char what[160];       /* description for the report */
};

enum { FAULTS = 2 };

struct trial {
    struct probe probe;
    const struct async_sweep_opts *opts;
    const async_co *co;
    enum sweep sweep;
    uint64_t seed;
    struct fault faults[FAULTS]; /* injected one after the other */
    unsigned next_fault;         /* index of the next one to inject */

    size_t seen[SWEEP_ORDER];  /* points of each kind in this run */
    size_t after[SWEEP_ORDER]; /* points of each kind since the first fault */
    size_t steps, hangs;       /* awaits; how often the run has made no progress */
    int result;
    async_scope *timeout; /* around the scenario, while it runs */
    char wrong[256];      /* what was wrong with the run; "" if nothing was */
};

/* Count a point of this kind, which has these variants (bits). Returns the fault to inject here, or
 * NULL. */
struct fault *async__trial_inject(struct trial *t, enum sweep kind, unsigned variants);

/* Draw the faults of a pair. The first one is among the points that a run without a fault has
 * (`seen`), the second one among those that a run with the first fault alone has after it. The kind
 * of a fault is SWEEP_NONE if there are no points. */
void async__pair_first(struct fault *f, uint64_t seed, const size_t seen[SWEEP_ORDER]);
void async__pair_second(struct fault *f, uint64_t seed, const struct trial *first);

/* Record that something is wrong with the run. Only the first message is kept. */
ASYNC_FORMAT(2, 3)
void async__trial_wrong(struct trial *t, const char *fmt, ...);

void async__trial_run(struct trial *t);

/* Print a failed run to stderr. */
void async__sweep_report(const struct trial *t);

/* The trial that runs on this thread, or NULL. */
extern _Thread_local struct trial *async__trial;

/* Between these calls, allocations and mappings are counted, and faults are injected. Closing
 * records in t what was not released. */
void async__leak_check_open(void);
void async__leak_check_close(struct trial *t);

/* Wait for the threads that outlive the loop of the run, but not for ever. */
void async__leak_check_await_threads(void);

/* Replace the system calls by functions that can inject faults, and restore them. */
void async__faults_begin(void);
void async__faults_end(void);

/* Count an allocation. Returns true if it must fail. */
bool async__fault_memory(size_t bytes);

#endif
