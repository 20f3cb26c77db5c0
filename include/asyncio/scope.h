/* SPDX-License-Identifier: MIT */
/* scope.h - cancellation: timeouts, shields, and what every await_ block has in common. */
#ifndef ASYNCIO_SCOPE_H
#define ASYNCIO_SCOPE_H

#include <asyncio/co.h>
#include <asyncio/error.h>

ASYNC_BEGIN_DECLS

/* Cancellation is a property of a scope: a stretch of code inside a task, a timeout block, a group, a shield.
 * It is level-triggered: once a scope is cancelled, every await_ call in it fails with -ECANCELED until it is
 * left, so one unchecked return code cannot lose a cancellation. Only the scope that caused it turns
 * -ECANCELED into a verdict, at its own edge; a foreign cancellation passes through unchanged. */

enum async_cancel_kind {
    ASYNC_CANCEL_NONE, /* nothing is cancelled here */
    ASYNC_CANCEL_TASK, /* async_task_cancel(), or the end of the handle's block */
    ASYNC_CANCEL_TIMEOUT,
    ASYNC_CANCEL_GROUP,    /* a failure in it, async_group_cancel(), or its body was left */
    ASYNC_CANCEL_SHUTDOWN, /* main has returned */
    ASYNC_CANCEL_SIGNAL,
};

/* Why the current task is being cancelled, also within a shield. */
typedef struct async_cause {
    enum async_cancel_kind kind;
    const char *who;        /* the task that asked, failed or set the limit; "": none */
    const char *why;        /* the reason given, or "" */
    const async_site *site; /* of the cancel, the limit, the failure; or NULL: unknown */
} async_cause;

/* Of two causes the outermost, of two requests to one task the first. Valid until the cancelled scope is
 * left; who also only as long as that task's name stays. */
async_cause async_cancel_cause(void);

/* Withdraw one request that was made to the current task itself (async_task_cancel, Ctrl-C for main): "I have
 * dealt with it". It never touches a timeout's or a group's cancellation: these end at their own edges.
 * Both return how many requests to the task itself are not withdrawn: after two cancels, 2. */
int async_uncancel(void);
int async_cancelling(void);

/* Make the call here, in this task, under a limit in seconds. -ETIMEDOUT when this limit ended it, after its
 * cleanup; what the call returned nevertheless, a value or another error, is the result. Limit <= 0: never
 * started, -ETIMEDOUT. Suspends: as co does. */
#define await_wait_for(co, seconds) await_wait_for_at((co), (seconds), ASYNC_HERE)
int await_wait_for_at(async_co co, double seconds, const async_site *site) ASYNC_CHECK;

/* The blocks. r is an int of yours: 0 at the start, whatever the body sets it to, the verdict at the
 * end. Leave by the end, break, continue or ASYNC_TRY. break and continue leave this one block and never reach
 * a loop around it. A bare return carries no verdict out: out of await_timeout it hands on the -ECANCELED that
 * an await_ gave.
 *
 * await_timeout (r, seconds) { }      -ETIMEDOUT if the limit interrupted an await_ in it, whatever
 *                                     r >= 0 the body left; its own error (not -ECANCELED) stays. A limit
 *                                     that has passed already: every await_ inside fails, nothing is tried.
 * await_timeout_at (r, when) { }      the same, by async_time()
 *                                     Overdue limits fire in the order of their deadlines, of equal ones the
 *                                     outermost first. A limit that fires when a scope around it is
 *                                     already cancelled is silent: the foreign cancellation passes.
 * await_shield (r) { }                cancellation from outside waits until its end; for cleanup that
 *                                     suspends, with a limit: await_shield (r) await_timeout (r, 5) { } */
#define await_timeout(r, seconds)                                                                  \
    ASYNC__BLOCK(r, async_scope_timeout((seconds), async_blocks_, ASYNC_HERE))
#define await_timeout_at(r, when)                                                                  \
    ASYNC__BLOCK(r, async_scope_timeout_at((when), async_blocks_, ASYNC_HERE))
#define await_shield(r) ASYNC__BLOCK(r, async_scope_shield(async_blocks_, ASYNC_HERE))

/* Move the limit of the await_timeout block that this line stands in: seconds from now, or ASYNC_FOREVER.
 * 0; -EINVAL: it stands in none, or that one has fired. async_reschedule_at: by async_time(). */
#define async_reschedule(seconds)  async_scope_reschedule(async_blocks_, async_time() + (seconds))
#define async_reschedule_at(when)  async_scope_reschedule(async_blocks_, (when))

/* Whether the limit of the await_timeout block that this line stands in has fired. */
#define async_expired() async_scope_expired(async_blocks_)

/* How await_with enters and leaves a context manager. */
struct async_with_ops {
    int (*enter)(void *owner); /* may suspend; < 0: the body is skipped */
    int (*leave)(void *owner); /* may suspend, shielded */
};

/* What every block has in the stack frame of its function. Its members are private. */
struct async_scope {
    async_scope *outer;  /* around it at run time */
    async_scope *blocks; /* around it in the same function */
    async_task *task;    /* that entered it */
    void *owner;         /* its group, or its context manager */
    const struct async_with_ops *with_ops;
    int *result_at;        /* the variable of the block's user */
    int64_t deadline;      /* its own, ns */
    int64_t next_deadline; /* the earliest of it and the scopes around it, inside the nearest shield */
    uint32_t timer;
    uint8_t kind, state;
    uint8_t fresh;              /* of a shield: was the task's message and traceback current when it was entered? */
    bool cancelled;             /* this scope itself */
    bool effectively_cancelled; /* this scope, or an enclosing one inside the nearest shield: every await_ fails */
    bool expired;               /* its deadline has passed... */
    bool first;                 /* ...before a scope around it was cancelled */
    bool delivered;             /* an await_ call was interrupted by it */
    bool bare;                  /* it was left by a bare return */
    bool unarmed;               /* it, or one of the task's around it, may have a deadline without a timer */
    async_cause cause;
};

/* The functions behind the macros, for other languages. */
async_scope async_scope_timeout(double seconds, async_scope *blocks, const async_site *site);
async_scope async_scope_timeout_at(double when, async_scope *blocks, const async_site *site);
async_scope async_scope_shield(async_scope *blocks, const async_site *site);
int async_scope_reschedule(async_scope *s, double when);
bool async_scope_expired(const async_scope *s);

/* The innermost block that a source line stands in: the blocks shadow it. */
static async_scope *const async_blocks_ ASYNC_UNUSED = NULL;

/* They shadow on purpose: -Wshadow is for the others. */
#define ASYNC__SHADOWS _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wshadow\"")
#define ASYNC__SHADOWED _Pragma("GCC diagnostic pop")

/* The body is in a loop of its own, once: what leaves it by break or continue comes by await_block_step(), so that
 * await_block_drop() finds a block that was not left only after a bare return. */
#define ASYNC__ONCE for (bool async_body_ = true; async_body_; async_body_ = false)
#define ASYNC__BLOCK(r, init)                                                                      \
    ASYNC__SHADOWS                                                                                 \
    for (async_scope async_s_ ASYNC_AUTO(await_block_drop) = init,                                 \
                     *async_blocks_ ASYNC_UNUSED = &async_s_;                                      \
         await_block_step(&async_s_, &(r));)                                                       \
        ASYNC__ONCE                                                                                \
    ASYNC__SHADOWED
#define ASYNC__WITHIN(r, scope)                                                                    \
    ASYNC__SHADOWS                                                                                 \
    for (async_scope *async_blocks_ ASYNC_AUTO(await_block_drop_at) =                              \
                 async_scope_placed((scope), ASYNC_HERE);                                          \
         await_block_step(async_blocks_, &(r));)                                                   \
        ASYNC__ONCE                                                                                \
    ASYNC__SHADOWED

ASYNC_UNUSED static inline async_scope *async_scope_placed(async_scope *s, const async_site *site)
{
    s->cause.site = site;
    return s;
}

bool await_block_step(async_scope *s, int *r); /* enter: true; at the end: leave, false */
void await_block_drop(async_scope *s);         /* leave, unless left: a bare return */
void await_block_drop_at(async_scope **s);
int await_leave(async_scope *blocks, int err, const async_site *site);  /* for ASYNC_TRY */
int await_return(async_scope *blocks, int err, const async_site *site); /* for ASYNC_RETURN */

ASYNC_END_DECLS

#endif
