/* SPDX-License-Identifier: MIT */
/* loop.h - one thread's loop: the ready queue, who runs, and how a task leaves and comes back.
 *
 * There is one way to wait: be put in a line (or arm a timer) and async__park(). There is one way to end a wait:
 * async__wake(), which takes the task out of its line and appends it to the ready queue. A task that parks switches
 * straight to the next ready task; the loop's own stack is for callbacks and for asking the kernel, which happens when
 * nothing is ready, or when the budget of steps since the last time is spent. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <asyncio/group.h>
#include <asyncio/loop.h>
#include <asyncio/run.h>

#include <stdatomic.h>

#include "arch/fp.h"
#include "base/clock.h"
#include "base/slab.h"
#include "base/sys.h"
#include "loop/poller.h"
#include "loop/handle.h"
#include "loop/probe.h"
#include "loop/task.h"
#include "loop/timers.h"

/* Debug mode: the step that runs. */
struct step {
    int64_t began, slow;       /* ns, of the real clock */
    int (*fresh)(void *frame); /* of a task that starts: its function */
    void (*fn)(void *arg);     /* of a callback */
    const async_site *site;    /* where its task was created */
    unsigned refusals;             /* how often it heard that it is cancelled */
    bool is_task, reported;
    char name[NAME_SIZE];
};

enum { POOLS = 3 }; /* as enum async_pool */

struct loop {
    async_waitq ready;
    async_task *current; /* NULL: the loop itself, in a callback */
    void *sp;            /* where the loop's own stack was left */
    int *errno_at;       /* of this thread */
    int budget;          /* steps until the next look at the clock and the kernel; stepwise */
    int steps;           /* none, so that each step is the loop's choice, and these count instead */
    int allowance;       /* how large it was, see turn.c */
    bool stop;           /* the run is over, but for the callbacks that are owed */
    bool iteration_over;         /* so is the turn, of a loop that is driven */
    bool virtual_clock;
    bool debug;
    bool stepwise;      /* seeded, or in debug mode: each step is the loop's */
    bool shared;        /* async_get_running_loop() has been called: other threads may know of it */
    bool embedded;        /* a turn at a time, by a foreign loop that may do anything in between */
    bool deadlocked;    /* in this run: the tasks are being told */
    bool interruptible; /* Ctrl-C cancels main */
    bool forked;        /* the copy of it in a child of fork(): never runs again */
    bool abandoned;     /* with tasks that would not end */
    uint64_t seed;      /* not 0: the state of the random order */
    int64_t virtual_now;
    int64_t no_deadline;       /* the limit of a scope that is no reason to look closer: NEVER */
    struct probe *probe; /* or NULL */
    struct coarse_clock coarse;
    int64_t last_poll; /* when the clock was last read by a turn */
    int64_t trim;   /* when surplus stacks are given back; 0: there are none */

    struct timers timers;
    struct slab tasks, starts;
    struct slab directs; /* the pool layer's, from the first on: what starts calls on threads */
    struct stacks stacks;
    struct body *cached_body; /* a stack of the usual size that is free, apart from the pool; or NULL */
    void *cached_sp;     /* where it was left */
    uint8_t default_class;
    struct sanitizer_stack sanitizer; /* of the thread's own stack */
    struct fp_control fp;   /* what every task begins with */
    struct poller poller;
    struct crew *crews[POOLS]; /* the pool layer's, each from its first job on */
    struct async_process_pool *own_processes,
            *process_pools; /* the same; those that the user has opened */
    int jobs;               /* on threads, that a task waits for */
    int abandoned_jobs;     /* that nobody waits for, but whose release may wake somebody */
    int64_t patience;       /* with those that nobody waits for, when l closes */
    struct uring *uring;    /* the file layer's, from its first call on; NULL: none */
    bool no_uring;          /* and there will be none */
    int files;              /* open */
    int in_memory;          /* ends of streams in memory that are open */
    async_loop *handle;       /* what other threads see of it */

    async_task *root_task; /* whose end is the end of the run; NULL: there is none */
    async_task *main;      /* whom Ctrl-C cancels; NULL: nobody */
    async_group *background;
    uint32_t next_id;
    uint64_t ended;  /* tasks that have */
    size_t done_callbacks; /* done callbacks on their way */
    size_t done_callbacks_owed; /* of these, the ones that were when the run was over: no run ends before them */
    struct step step;
    struct loop *former; /* abandoned before this one */
};

/* The thread's loop. A task never leaves its thread, so a cached address of this is right for ever. */
extern _Thread_local struct loop *async__loop __attribute__((tls_model("initial-exec")));

int async__loop_open(struct loop **ret, const struct async_run_opts *opts);
void async__loop_leave(void);           /* this thread has none from here on */
void async__loop_close(struct loop *l); /* no task lives; frees l */

/* Close what the outside world sees of l, whose tasks would not end, and leave the rest alone for ever. */
void async__loop_abandon(struct loop *l);

/* See to it that the child of a fork() does not use its parent's loop. */
void async__fork_watch(void);
extern _Thread_local bool async__forked; /* this thread had a loop when it became a child */

/* Run until l->stop, or until the turn is over. */
void async__loop_run(struct loop *l);

static inline bool loop_is_over(const struct loop *l)
{
    return l->stop && !l->done_callbacks_owed;
}

static inline void loop_stop(struct loop *l)
{
    l->stop = true;
    l->done_callbacks_owed = l->done_callbacks;
}

/* The time in ns: fresh, or virtual. */
static inline int64_t loop_now(struct loop *l)
{
    return l->virtual_clock ? l->virtual_now : async__sys.clock();
}

/* The same, and the counter is set by it. */
static inline int64_t loop_read_clock(struct loop *l)
{
    uint64_t tick = ticks();
    int64_t now = loop_now(l);
    if (!l->virtual_clock)
        async__coarse_clock_update(&l->coarse, tick, now);
    return now;
}

/* What is set outside of tasks: the thread's own, or while a callback runs what it was given. */
struct thread_context {
    struct context *context;
    bool lent;
};
extern _Thread_local struct thread_context async__thread_context __attribute__((tls_model("initial-exec")));

/* The settings that a callback is to see; a new reference. NULL: none. */
static inline struct context *context_for_callback(const struct loop *l)
{
    const struct context *n = l->current ? l->current->body->context : async__thread_context.context;
    return unlikely(n != NULL) ? async__context_of_caller() : NULL;
}

/* A callback runs between these. The reference goes with it. */
static inline struct thread_context context_enter(struct context *context)
{
    struct thread_context before = async__thread_context;
    async__thread_context = (struct thread_context){ context, true };
    return before;
}

static inline void context_leave(struct thread_context before)
{
    struct context *set = async__thread_context.context;
    async__thread_context = before;
    if (unlikely(set != NULL))
        async__context_unref(set);
}

/* async_call_soon(), with a reference to the settings that it takes over. */
void async__call_soon(async_callback *cb, void (*fn)(void *arg), void *arg, struct context *context);

static inline void probe_at(struct loop *l, async_task *t, enum probe_point point)
{
    if (unlikely(l->probe != NULL))
        l->probe->at(l->probe, l, t, point);
}

static inline void ready_push(struct loop *l, struct async_waiter *w)
{
    waitq_push(&l->ready, w);
}

/* Now, or a few microseconds later: what a delay counts from. */
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

/* Leave the current task, which stands in a line, or in none, until async__wake(). Its checkpoint has been passed, and
 * its deadlines are armed. Returns why it goes on. */
enum wake async__park(struct loop *l, async_task *t, async_waitq *q);

/* Let everything that is ready run once: 0. */
int async__yield(struct loop *l, async_task *t);

/* A thread wakes a task of another one's loop: there is no going on from that. */
_Noreturn void async__wrong_thread(const async_task *t);

/* t's wait ends by something else than its timer. */
static inline void disarm(async_task *t)
{
    if (!t->node.timer)
        return;
    async__timer_cancel(&t->loop->timers, t->node.timer);
    t->node.timer = 0;
}

/* End t's wait, for which no timer is armed any more. */
static inline void async__wake(async_task *t, enum wake why)
{
    struct loop *l = async__loop;
    if (unlikely(t->loop != l))
        async__wrong_thread(t);
    if (t->queue) {
        waitq_remove(t->queue, &t->node);
        t->queue = NULL;
    }
    t->node.why = (uint8_t)(why | HAS_SUSPENDED);
    t->node.state = TASK_READY;
    ready_push(l, &t->node);
}

/* End the wait of the first in line, if there is one: who it was. */
async_task *async__wake_first(async_waitq *q, int value);
void async__wake_all(async_waitq *q, int value);

/* Give a new task its stack: where to switch to. NULL: it was refused for lack of memory, and has ended. */
void *async__begin(struct loop *l, async_task *t);
void async__body_init(async_task *t, struct body *b);

/* One of those that are ready, by the seeded order. */
struct async_waiter *async__pick(struct loop *l);

/* Make everything ready whose time has come; look at the clock, the other threads and the kernel. */
void async__loop_run_timers(struct loop *l, int64_t now);
void async__loop_iterate(struct loop *l);
void async__loop_poll_once(struct loop *l); /* the same, without waiting, for a loop that is driven */

/* Note the callbacks that are ready: are there any; is one of those noted still to run? */
bool async__callbacks_note(struct loop *l);
bool async__callbacks_noted(const struct loop *l);

/* The loop closes, no task lives: what is ready will not run, and is its owners' again. */
void async__callbacks_drop(struct loop *l);

/* Complain, in one line on stderr. */
void async__warn(const char *fmt, ...) ASYNC_FORMAT(1, 2);

/* Who hears that too, and whether stderr does not: for tests that make a thousand runs go wrong. */
extern struct log_hook {
    void (*line)(const char *line);
    bool silent;
} async__log;

#endif
