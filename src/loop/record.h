/* SPDX-License-Identifier: MIT */
/* record.h - the three records of a task.
 *
 * A task needs different things at different times:
 *   async_task         from its creation until its handle goes. Small, among its like in a slab:
 *                      creating, waking and awaiting a task touch two cache lines, near those of
 *                      the tasks created before and after it.
 *   struct task_start  until the task first runs: what it starts with. A task that is given a stack
 *                      when it is created has none.
 *   struct task_body   while it has a stack: at the top of its stack, on a page that is
 *                      touched in any case.
 * So a task that never suspends borrows a warm stack for a moment, and a million sleeping tasks
 * cost one page and one record each. The loop layer reads and writes only what concerns switching,
 * waiting and waking; the rest belongs to the task layer. */
#ifndef LOOP_RECORD_H
#define LOOP_RECORD_H

#include <asyncio/error.h>
#include <asyncio/scope.h>
#include <asyncio/task.h>

#include "arch/sanitize.h"
#include "arch/stack.h"
#include "loop/waitq.h"

struct loop;
struct context;
struct wait_set;

enum task_state { TASK_READY, TASK_RUNNING, TASK_PARKED, TASK_DONE };

/* The flags of a task, in node.flags. */
enum {
    TASK_DETACHED = 1,        /* it has no handle: its record goes when it ends */
    TASK_CANCELLED_EARLY = 2, /* it was cancelled before it started */
    TASK_HAS_EXTRA = 4,       /* its name lies in a struct task_extra */
    /* Its scope is cancelled or has a deadline: a checkpoint must check. */
    TASK_NEEDS_CHECK = ASYNC__NEEDS_CHECK,
    TASK_DROPPED = 16,    /* its handle is being dropped, by a task that waits for its end only */
    TASK_WANTS_LOCK = 32, /* it waits in the queue of a lock */
    TASK_WANTS_CONDITION = 64, /* it waits in the queue of a condition */
    TASK_REMOTE = 128,         /* its handle belongs to another thread (task/remote.c) */
};

/* Why a parked task runs again. */
enum wake {
    WOKEN,       /* what it waited for has happened; task.value may hold more */
    INTERRUPTED, /* a scope around it was cancelled */
    TIMED,       /* the timer of its sleep has expired */
};

/* What else a wake leaves in node.why. The traceback, message and cause in the body belong to an
 * error that occurred since the task last suspended. An error on its way out does not suspend,
 * except where blocks are left, so these flags distinguish a new error from one that was handled
 * before. A caller reads SUSPENDED to find out whether the task has suspended. */
enum {
    WHY = 3,
    STALE_TRACE = 4,
    STALE_CAUSE = 8,
    SUSPENDED = 16,
    YIELDED = 32, /* the task was ready all the time, and will hardly end in its next step */
    HAS_SUSPENDED = STALE_TRACE | STALE_CAUSE | SUSPENDED,
};

/* What a parked task waits for, kept in node.why for reports. Only waits that cannot be recognised
 * from their queue set it. The values lie above all that a wake leaves there. */
enum waiting {
    WAITS_LOCK = 64,
    WAITS_EVENT,
    WAITS_CONDITION,
    WAITS_SEMAPHORE,
    WAITS_FUTURE,
    WAITS_GET,
    WAITS_PUT,
    WAITS_JOIN,
    WAITS_YIELD,
    WAITS_TASK,
    WAITS_STREAM, /* a stream in memory; in no queue */
    WAITS_TASKS,  /* several tasks; in no queue */
    WAITS_BARRIER,
    WAITS_BARRIER_LATE, /* in the barrier's other queue */
    WAITS_THREAD,
    WAITS_PROCESS,
    WAITS_FILE,
    WAITS_RWLOCK,
    WAITS_LIMITER,
};

/* What a task starts with. A thread task keeps it to its end, because it never has a body. */
struct task_start {
    async_co co;
    struct context *context; /* owns a reference */
    const async_site *site;  /* where the task was created */
    uint8_t stack_class;
};

/* What only some tasks have: a name of their own, or an argument that goes with the task. */
struct task_extra {
    void *owned;
    void (*drop)(void *owned); /* NULL: there is nothing to drop, or it has been dropped */
    char name[];
};

enum { TRACE_DEPTH = 16, MESSAGE_SIZE = 128, LABEL_SIZE = 64, REASON_SIZE = 64 };

/* What a running task has at the top of its stack. The first part is written when the task starts,
 * and is kept short: each cache line of a stack that has cooled down costs as much as ten
 * switches. */
struct task_body {
    /* The first cache line has what the end of a task reads. */
    _Alignas(64) struct context *context; /* owns a reference */
    async_error *cause;                   /* errors of the latest group that failed in the task */
    struct wait_set *wait_set;            /* kept by await_wait() for its next call, or NULL */
    async_group *failed; /* the group of `cause`, while it still owns these errors; or NULL */
    struct stack stack;
    const async_site *site; /* where the task was created */
    struct async_gen *gen;  /* the generator whose body the task runs, or NULL */

    async_scope root; /* cancelled by requests to the task itself */
    async_co co;
    int trace_code;      /* the latest error that was recorded; 0: none, and message is not set */
    uint8_t trace_depth; /* entries of trace */
    uint16_t refusals;   /* debug mode: await_ calls in a row that were refused */
    uint16_t requests;   /* requests to cancel the task itself that were not withdrawn */
    uint16_t races;      /* races in the task that were won before all coroutines had started */

    const async_site *trace[TRACE_DEPTH];
    char message[MESSAGE_SIZE];       /* of the error trace_code */
    char canceller[LABEL_SIZE];       /* of the first request to cancel it, if root is cancelled */
    char reason[REASON_SIZE];         /* of the same request */
    int64_t since;                    /* debug mode: when its latest step began, ns */
    struct sanitizer_stack sanitizer; /* stays when the stack passes on to the next task */
};

_Static_assert(offsetof(struct task_body, root) == 64, "a cache line");

struct async_task {
    struct async_waiter node;
    union {
        void *sp;       /* where its stack was left */
        uint64_t ended; /* once it has ended: its number in the order of the ends */
    };
    async_scope *scope; /* the innermost scope that it is in */
    async_waitq *queue; /* where it waits; NULL: in no queue */
    union {
        struct task_start *start; /* before it starts */
        struct task_body *body;   /* while it runs */
        async_error *error;       /* afterwards: its failure, if that was not retrieved yet */
    };
    int result;
    /* Passed by a wake; once it has ended: how many of its done callbacks are still to run. */
    int value;
    async_group *group;
    async_task *next, *prev; /* among the children of the group */
    async_waitq joiners;
    const char *name;
    struct loop *loop;
    uint64_t id_and_locks; /* its number in the lower 48 bits; above, how many locks it holds */
};

_Static_assert(sizeof(async_task) == 128, "two cache lines");

/* Copy in moves as narrow as those that wrote it. A wide load waits until the narrow stores under
 * it have left the processor's store buffer, and with them all stores before. Eight more moves cost
 * a nanosecond, such a wait costs eight. */
static inline void co_copy(async_co *to, const async_co *from)
{
    enum { WORDS = sizeof *to / 8 };
    for (int i = 0; i < WORDS; i++) {
        uint64_t word;
        memcpy(&word, (const char *)from + 8 * i, 8);
        __asm__("" : "+r"(word)); /* so that the compiler does not join two moves */
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

static inline void body_reset(struct task_body *b)
{
    b->cause = NULL;
    b->failed = NULL;
    b->gen = NULL;
    b->trace_code = 0;
    b->trace_depth = 0;
    b->refusals = 0;
    b->requests = 0;
    b->races = 0;
    b->wait_set = NULL;
}

static inline bool task_has_started(const async_task *t)
{
    return t->node.kind != NODE_NEW && t->node.kind != NODE_NEW_ON_STACK &&
           t->node.kind != NODE_THREAD_NEW;
}

/* Can the entry w of the ready queue be switched to? Compiles to one comparison. */
static inline bool has_stack(const struct async_waiter *w)
{
    return w->kind == NODE_TASK || w->kind == NODE_NEW_ON_STACK;
}

/* Where t, which has not ended, was created; NULL: unknown. */
static inline const async_site *task_site(const async_task *t)
{
    return has_stack(&t->node) ? t->body->site : t->start->site;
}

#define TASK_LOCK_ONE (UINT64_C(1) << 48) /* one lock in id_and_locks */

/* The number of t: unique in its loop, since 2^48 tasks take months even at a million a second. */
static inline uint64_t task_id(const async_task *t)
{
    return t->id_and_locks & (TASK_LOCK_ONE - 1);
}

static inline bool task_holds_locks(const async_task *t)
{
    return t->id_and_locks >= TASK_LOCK_ONE;
}

/* The name of a task for messages: the name it was given, or that of its coroutine and its number
 * ("fetch-7"). Longer names are cut. */
struct task_label {
    char text[LABEL_SIZE];
};
struct task_label async__task_label(const async_task *t);

#endif
