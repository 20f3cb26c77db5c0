/* SPDX-License-Identifier: MIT */
/* task.h - the two records of a task, as the loop sees them. What they mean is the task layer's business.
 *
 * A task's record is small and lives among its like in a slab: creating, waking and awaiting a task touch two
 * cache lines that are near those of the tasks made before and after it. What only a running task needs, its body,
 * lies at the top of its stack, on the page that is touched in any case. Before it first runs, a task has neither,
 * but what it will start with. So a task that never suspends borrows a warm stack for a moment, and a million
 * tasks that sleep cost one page and a record each. */
#ifndef LOOP_TASK_H
#define LOOP_TASK_H

#include <asyncio/error.h>
#include <asyncio/scope.h>
#include <asyncio/task.h>

#include "arch/sanitize.h"
#include "arch/stack.h"
#include "loop/node.h"

struct loop;
struct context;
struct wait_set;

enum task_state { TASK_READY, TASK_RUNNING, TASK_PARKED, TASK_DONE };

enum {
    TASK_DETACHED = 1,         /* nobody holds a handle: the record goes with the task */
    TASK_CANCELLED_EARLY = 2,           /* cancelled before it started */
    TASK_OWNS_NAME = 4,        /* its name was copied for it */
    TASK_NEEDS_CHECK = ASYNC__NEEDS_CHECK, /* its scope is doomed or has a limit: a checkpoint must look closer */
    TASK_DROPPED = 16,         /* who gives up the handle waits for its end, not for its result */
    TASK_WANTS_LOCK = 32,      /* it stands in the line of a lock */
    TASK_WANTS_CONDITION = 64, /* in that of a condition */
    TASK_REMOTE = 128,         /* another thread has its handle */
};

/* Why a parked task runs again. */
enum wake {
    WOKEN,       /* by what it waited for; task->value may say more */
    INTERRUPTED, /* a scope around it was cancelled */
    TIMED,       /* the timer of its sleep */
};

/* What else a wake leaves in node.why. What the body says of errors is from before the task last suspended; an error that
 * is on its way out does not suspend, except where blocks are left: so this tells the next error from one that has been
 * dealt with. SUSPENDED is for whoever asks whether the task has. */
enum {
    WHY = 3,
    STALE_TRACE = 4,
    STALE_CAUSE = 8,
    SUSPENDED = 16,
    HAS_SUSPENDED = STALE_TRACE | STALE_CAUSE | SUSPENDED,
};

/* What a parked task waits for, said in place of its enum wake by waits that cannot be told from their line: for
 * reports only. Above all that a wake leaves there. */
enum waiting {
    WAITS_LOCK = 32,
    WAITS_EVENT,
    WAITS_CONDITION,
    WAITS_SEMAPHORE,
    WAITS_FUTURE,
    WAITS_GET,
    WAITS_PUT,
    WAITS_JOIN,
    WAITS_YIELD,
    WAITS_STREAM, /* in memory; in no line */
    WAITS_TASKS,  /* several, in no line */
    WAITS_BARRIER,
    WAITS_BARRIER_LATE, /* in its other line */
    WAITS_THREAD,
    WAITS_PROCESS,
    WAITS_FILE,
};

/* What a task will start with. One that is a call on a thread keeps it to its end, in place of a body. */
struct start {
    async_co co;
    struct context *context; /* a reference of its own */
    const async_site *site;
    uint8_t stack_class;
};

enum { TRACE_DEPTH = 16, TEXT_SIZE = 128, NAME_SIZE = 32, REASON_SIZE = 64 };

/* What a running task has at the top of its stack. The first part is written when it starts, and is kept short: each
 * cache line of a stack that has cooled costs as much as ten switches. */
struct body {
    async_scope root; /* answers for requests to the task itself */
    async_co co;
    struct context *context;
    const async_site *site; /* of its creation */
    async_error *cause;     /* errors of the latest group that failed in it */
    async_group *failed;    /* that group, while it still has them; or NULL */
    struct async_gen *gen;  /* whose body it runs, or NULL */
    struct stack stack;
    struct wait_set *wait_set; /* what await_wait() keeps for its next call, or NULL */
    int trace_code;      /* the latest error that was noted; 0: none, and its words are not set */
    uint8_t trace_depth; /* places on its way */
    uint16_t races;      /* in it that were won before all had begun */

    const async_site *trace[TRACE_DEPTH];
    char text[TEXT_SIZE];              /* its sentence */
    char who[NAME_SIZE], why[REASON_SIZE]; /* of the first request to cancel it, if root is cancelled */
    int64_t since;                     /* debug mode: when its latest step began, ns */
    struct sanitizer_stack sanitizer;            /* kept when the stack passes on to the next task */
};

struct async_task {
    struct async_waiter node;
    union {
        void *sp;       /* where it was left */
        uint64_t ended; /* afterwards: the how-manieth end it was */
    };
    async_scope *scope; /* the innermost that it is in */
    async_waitq *queue; /* the line in which it stands; NULL: none */
    union {
        struct start *start; /* before it starts */
        struct body *body;   /* while it runs */
        async_error *error;  /* afterwards: its failure that nobody has read */
    };
    int result;
    int value; /* from who wakes it, for it; afterwards: how many done callbacks are on their way */
    async_group *group;
    async_task *next, *prev; /* among the group's children */
    async_waitq joiners;
    const char *name;
    struct loop *loop;
    uint32_t id;
    uint16_t requests; /* to cancel it, not withdrawn */
    uint16_t locks;    /* that it holds */
};

_Static_assert(sizeof(async_task) == 128, "two cache lines");

/* In moves as narrow as those that wrote it: a wide load waits until the narrow stores under it have left the
 * processor's store buffer, and with them all stores before. Eight moves more cost a nanosecond, a wait costs eight. */
static inline void co_copy(async_co *to, const async_co *from)
{
    enum { WORDS = sizeof *to / 8 };
    for (int i = 0; i < WORDS; i++) {
        uint64_t word;
        memcpy(&word, (const char *)from + 8 * i, 8);
        __asm__("" : "+r"(word)); /* not two in one */
        memcpy((char *)to + 8 * i, &word, 8);
    }
}

static inline void wait_is(async_task *t, enum waiting what)
{
    t->node.why = (uint8_t)what;
}

static inline async_task *task_of(struct async_waiter *w)
{
    return (async_task *)w;
}

/* Nothing has happened to it yet. */
static inline void body_fresh(struct body *b)
{
    b->cause = NULL;
    b->failed = NULL;
    b->gen = NULL;
    b->trace_code = 0;
    b->trace_depth = 0;
    b->races = 0;
    b->wait_set = NULL;
}

static inline bool task_has_begun(const async_task *t)
{
    return t->node.kind != NODE_NEW && t->node.kind != NODE_THREAD_NEW;
}

/* The task layer's part in the loop's work: the only calls upwards. */
void async__task_run(async_task *t);             /* its body, to the end; may free the record */
void async__task_fail_start(async_task *t, int err); /* it cannot start */
void async__scope_expire(async_scope *s);          /* its limit has come */
void async__task_interrupt(struct loop *l);             /* Ctrl-C, if there was one */
void async__task_forked(struct loop *l);         /* a child of fork() goes on in a task of it */
/* The pool layer's: close what l has, when its gate is closed. */
void async__pools_close(struct loop *l);

/* And: what a call on a thread starts with, NULL: no memory; a step of such a task. */
struct start *async__thread_task_alloc(struct loop *l);
void async__thread_task_step(struct loop *l, async_task *t);

/* The file layer's: the same as the first. */
void async__files_close(struct loop *l);

/* The task layer's: task-local variables of who calls, a new reference, NULL: none is set; one reference less. */
struct context *async__context_of_caller(void);
struct context *async__context_ref(struct context *n);
void async__context_unref(struct context *n);

/* And those of the observer. */
bool async__deadlock(struct loop *l); /* nothing is ready, nothing can come: true; something is, now, or l stops */
void async__step_begins(struct loop *l, struct async_waiter *w);
void async__step_parks(struct loop *l, async_task *t); /* on its own stack */
void async__step_ends(struct loop *l);
void async__refused_again(async_task *t); /* that it is cancelled */
void async__bare_return(const async_scope *s);

#endif
