/* SPDX-License-Identifier: MIT */
/* loop.h - the state of one thread's loop.
 *
 * scheduler.h has what tasks do with it: switch, wait, wake. This header has the rest: time,
 * timers, descriptors, other threads, and how a loop begins and ends. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <asyncio/group.h>
#include <asyncio/loop.h>
#include <asyncio/run.h>

#include <stdatomic.h>

#include "arch/switch.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slab.h"
#include "base/sys.h"
#include "loop/client.h"
#include "loop/context.h"
#include "loop/handle.h"
#include "loop/module.h"
#include "loop/observer.h"
#include "loop/poller.h"
#include "loop/probe.h"
#include "loop/record.h"
#include "loop/timers.h"

/* A marker in the ready queue: passed once everything has run that was ready when the marker was
 * put there. */
struct ready_marker {
    struct async_waiter node;
    bool passed;
};

/* The hot part: all that a switch touches. */
struct scheduler {
    async_waitq ready;
    async_task *current; /* NULL: a callback runs, or the loop itself */
    /* See async__use_credit(); with current this is the struct async_running of
     * <asyncio/inline.h>. */
    int credit;
    int budget; /* steps until the loop polls again; not used by a loop that is stepwise */
    void *sp;   /* where the loop's own stack was left */
    struct switch_thread switching;
    /* A free stack of the default size, kept apart from the pool; body NULL: there is none. */
    struct {
        struct task_body *body;
        void *sp; /* where the function at its bottom was left */
    } cached;
    uint8_t default_class; /* size class of the stack of a task that does not choose one */
    struct fp_control fp;  /* the floating point control words that every task starts with */
    struct sanitizer_stack sanitizer; /* of the thread's own stack */
};

_Static_assert(offsetof(struct scheduler, credit) - offsetof(struct scheduler, current) ==
                       offsetof(struct async_running, credit),
               "current and credit are a struct async_running");

/* A kind of task that needs no stack. The pool layer has one: a task that is only a call on a
 * thread. */
struct task_kind {
    int (*run)(void *frame); /* the coroutine by which such a task is recognised */

    /* Allocate what a task of this kind starts with; NULL: no memory. Give it back unused. */
    struct task_start *(*alloc)(struct loop *l);
    void (*free)(struct loop *l, struct task_start *s);

    /* Run a step of t on the loop's own stack: start what it stands for, or end it. */
    void (*step)(struct loop *l, async_task *t);
};

struct loop {
    struct scheduler sched;
    uint64_t serial; /* that of the handle: unique in this process, never 0 */
    struct coarse_clock coarse;
    int64_t virtual_now;
    int64_t idle_since; /* embedded, virtual: real time since which it waits for calls; 0: not */
    int64_t last_poll;  /* when the clock was last read by an iteration, ns */
    int renewals;       /* how often the budget was renewed since then */
    int64_t trim_at;    /* when surplus stacks are given back, ns; 0: there is no surplus */
    /* The next_deadline of a scope that needs no check: NEVER, or what a probe sets. */
    int64_t no_deadline;
    int allowance; /* how large the budget was, see iteration.c */
    int steps;     /* steps until a stepwise loop polls again */
    uint64_t seed; /* state of the random order of a seeded run; 0: first in, first out */

    struct timers timers;
    struct poller poller;
    struct slab tasks, starts;
    struct stacks stacks;
    async_loop *handle; /* what other threads may hold */

    /* Bit fields instead of a word of flags: as small, and as readable as members. */
    bool stop : 1; /* the run is over, except for the done callbacks that are still to run */
    /* Time stands still while tasks run, and jumps when all of them sleep. */
    bool virtual_clock : 1;
    bool debug : 1;
    /* Seeded or in debug mode: no task switches to another, the loop runs each step. */
    bool stepwise : 1;
    bool shared : 1; /* async_get_running_loop() was called, so other threads may use the handle */
    bool embedded : 1;       /* driven by another loop, one iteration at a time */
    bool deadlocked : 1;     /* a deadlock was found in this run, and the run is being cancelled */
    bool interruptible : 1;  /* Ctrl-C cancels the main task */
    bool forked : 1;         /* the copy in the child of fork(), which never runs again */
    bool abandoned : 1;      /* some tasks would not end; the loop closes without them */
    bool forever : 1;        /* the run has no main task and ends with async_stop() */
    bool stop_requested : 1; /* async_stop() was called */

    unsigned external; /* operations outside the loop that will wake a task */
    /* Operations outside the loop that no task waits for, but that may wake one when they end. */
    unsigned detached;
    const struct loop_observer *observer;
    const struct task_kind *thread_task;
    struct loop_module *module[LOOP_MODULES];
    struct probe *probe; /* of a test, or NULL */
    /* Registered with the first lock: t has ended and still holds locks. */
    void (*owner_ended)(async_task *t);

    async_task *root_task; /* the run ends with it; NULL: it does not end with a task */
    async_task *main_task; /* cancelled by Ctrl-C; NULL: none */
    /* The run ends when this group is empty; NULL: it does not end with a group. */
    async_group *draining;
    async_group *background;
    const async_site *run_site; /* where the run was started; NULL: unknown */
    async_callback stop_callback;
    int64_t grace; /* how long closing waits for abandoned calls, ns */
    uint64_t next_id;
    uint64_t ended;        /* tasks that have ended */
    size_t done_callbacks; /* done callbacks in the ready queue */
    /* The run is not over before it is passed, if done callbacks were ready when it stopped. */
    struct ready_marker last;
    struct loop *former; /* the loop that async__loop_keep() was called for before this one */
};

/* The loop of this thread; NULL: none. A task never leaves its thread, so a function that suspends
 * may keep the value. */
extern _Thread_local struct loop *async__loop __attribute__((tls_model("initial-exec")));

/* This thread had a loop when it became the child of fork(). */
extern _Thread_local bool async__forked;

/* How many fork() calls lie between the first process that had a loop and this one. It changes only
 * in the child, before the child goes on, so a thread that finds another value than before runs in
 * a child. */
extern unsigned async__fork_generation;

/* Open a loop for this thread. The caller has checked that there are stacks of the size in the
 * options. Returns 0 or a negative errno. */
int async__loop_open(struct loop **ret, const struct async_run_opts *opts);

/* Close and free the loop of this thread, in which no task lives any more. */
void async__loop_close(struct loop *l);

/* Close what the outside world can see of a loop whose tasks would not end, and leave the rest
 * alone for ever. */
void async__loop_abandon(struct loop *l);

/* The memory of l is never freed. Keep a pointer to it, so that leak checkers find it. */
void async__loop_keep(struct loop *l);

/* This thread has no loop from here on. */
void async__loop_leave(void);

/* Make the child of a fork() of this process leave its parent's loops alone. */
void async__fork_watch(void);

/* Run until the run is over, or, if until is not NULL, until that marker has been passed. */
void async__loop_run(struct loop *l, const struct ready_marker *until);

/* One iteration: expire timers, run posts, poll the kernel. It waits if nothing is ready. */
void async__loop_iterate(struct loop *l);

/* The same without waiting, for a loop that another loop drives. */
void async__loop_iterate_embedded(struct loop *l);

static inline bool loop_is_over(const struct loop *l)
{
    bool over = l->stop || (l->draining && !l->draining->running);
    return over && (!l->last.node.kind || l->last.passed);
}

/* The time in ns: a fresh reading, or virtual time. */
static inline int64_t loop_now(const struct loop *l)
{
    return l->virtual_clock ? l->virtual_now : async__sys.clock();
}

/* The same, and update the coarse clock by it. */
static inline int64_t loop_read_clock(struct loop *l)
{
    uint64_t tick = cpu_ticks();
    int64_t now = loop_now(l);
    if (!l->virtual_clock)
        async__coarse_clock_update(&l->coarse, tick, now);
    return now;
}

/* The time from which a delay counts: now, or a few microseconds later. Cheaper than the clock. */
static inline int64_t loop_coarse_now(struct loop *l)
{
    if (l->virtual_clock)
        return l->virtual_now;
    int64_t now = coarse_now(&l->coarse);
    if (unlikely(!now)) {
        now = loop_read_clock(l);
        if (now < l->coarse.latest)
            now = l->coarse.latest;
    }
    return now;
}

/* Return a new reference to the context for a callback that is scheduled now; NULL if nothing is
 * set in it. */
static inline struct context *context_for_callback(const struct loop *l)
{
    const async_task *t = l->sched.current;
    const struct context *c = t ? t->body->context : async__thread_context.context;
    return unlikely(c != NULL) ? async__context_of_caller() : NULL;
}

/* async_call_soon(), with a reference to the context in which fn runs. */
void async__call_soon(async_callback *cb, void (*fn)(void *arg), void *arg,
                      struct context *context);

/* Is cb ready, or armed, in the loop of this thread? */
bool async__callback_is_scheduled(const async_callback *cb);

/* Call the function of a callback that has come to the front of the ready queue. */
void async__callback_run(async_callback *cb);

/* The loop closes, and no task lives: callbacks that are ready or armed will not run, and belong to
 * their owners again. */
void async__callbacks_drop(struct loop *l);

static inline void probe_at(struct loop *l, async_task *t, enum probe_point point)
{
    if (unlikely(l->probe != NULL))
        l->probe->at(l->probe, l, t, point);
}

#endif
