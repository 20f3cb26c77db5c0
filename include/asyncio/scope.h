/* SPDX-License-Identifier: MIT */
/* scope.h - timeouts, shields, and cancellation.
 *
 *   await_timeout       a block with a timeout
 *   await_timeout_at    a block with a deadline
 *   await_shield        a block that cancellation from outside does not interrupt
 *   await_wait_for      a call with a timeout
 *   async_reschedule    move the deadline of the timeout block around this line
 *   async_expired       has that deadline passed?
 *   async_cancel_cause  why the task is cancelled
 *   async_uncancel      withdraw a request to cancel this task
 *   async_cancelling    the number of such requests
 *
 * Cancellation is a property of a scope: of a task, a timeout block, a shield, or a group
 * (group.h). From the moment a scope is cancelled, each await_ call in it returns -ECANCELED, until
 * the scope is left. So no cancellation is lost because one result was not looked at. The scope
 * that was cancelled turns -ECANCELED into its own result when it is left, for example -ETIMEDOUT;
 * to all scopes in between, -ECANCELED is an error like others, and is returned on unchanged.
 *
 * All blocks have this form, and may be nested:
 *
 *   int r;
 *   await_timeout (r, 5) {
 *       r = await_fetch(url);
 *   }
 *
 * r is an int of the caller. It is 0 when the body begins, the body may set it, and after the block
 * it has the result of the block. A block is left at its end, by `break` or `continue`, by
 * ASYNC_TRY and ASYNC_RETURN. `break` and `continue` leave only this block, and have no effect on a
 * loop around it. A bare `return` leaves the block, too, but its result is lost. Entering a block
 * outside of a task sets r to -EPERM and skips the body. */
#ifndef ASYNCIO_SCOPE_H
#define ASYNCIO_SCOPE_H

#include <asyncio/co.h>
#include <asyncio/error.h>

ASYNC_BEGIN_DECLS

/* --- blocks --- */

/* Run a block with a timeout.
 *
 *   await_timeout (r, 5)
 *       r = await_fetch(url);
 *
 * r          an int variable; see above.
 * seconds    how long the block may take; with 0 or less, each await_ call in it is refused;
 *            ASYNC_FOREVER for no limit.
 * Result     -ETIMEDOUT if the deadline has passed and an await_ call in the block was interrupted
 *            by it, also if the body went on and set r to 0 or more; an error other than -ECANCELED
 *            that the body has set stays. Otherwise what the body has set.
 * Suspends   no; what is in the block does.
 *
 * If several deadlines have passed, they expire in their order, and of equal ones the outermost
 * first. If a scope around the block was cancelled before, its -ECANCELED is the result. */
#define await_timeout(r, seconds)                                                                  \
    ASYNC__BLOCK(r, async_scope_timeout((seconds), async_blocks_, ASYNC_HERE))

/* Like await_timeout(), with a point in time.
 *
 * when       the deadline, on the clock of async_time(). */
#define await_timeout_at(r, when)                                                                  \
    ASYNC__BLOCK(r, async_scope_timeout_at((when), async_blocks_, ASYNC_HERE))

/* Run a block that cancellation from outside does not interrupt: for cleanup that suspends. Give it
 * a timeout, because nothing else can end it early.
 *
 *   await_shield (r)
 *       await_timeout (r, 5)
 *           r = await_say_goodbye(connection);
 *
 * r          an int variable; see above.
 * Result     what the body has set.
 * Suspends   no; what is in the block does. A cancellation that came meanwhile is delivered to the
 *            first await_ call behind the block. */
#define await_shield(r) ASYNC__BLOCK(r, async_scope_shield(async_blocks_, ASYNC_HERE))

/* Make a call, in this task, with a timeout.
 *
 *   int r = await_wait_for(fetch(url), 5);
 *
 * co         the coroutine (copied).
 * seconds    how long the call may take; with 0 or less it is not begun; ASYNC_FOREVER for no
 *            limit.
 * Returns    what the coroutine returns, also if it returned a value or another error after its
 *            timeout; -ETIMEDOUT if the timeout has ended it, or it was not begun; -EPERM,
 *            -ECANCELED.
 * Cancelled  the coroutine is cancelled, too, and has returned.
 * Suspends   as the coroutine. */
#define await_wait_for(co, seconds) await_wait_for_at((co), (seconds), ASYNC_HERE)
int await_wait_for_at(async_co co, double seconds, const async_site *site) ASYNC_CHECK;

/* --- the timeout block around a line --- */

/* Move the deadline of the await_timeout block that this line stands in: for a timeout that counts
 * from the last sign of life. The block is one in the same function, and not one of a caller.
 *
 *   while ((r = await_read_message(stream, &message)) > 0)
 *       async_reschedule(30);
 *
 * seconds    from now on; ASYNC_FOREVER for no limit.
 * Returns    0; -EINVAL if the line stands in no such block, and a message is printed to stderr,
 *            or if the block has expired.
 * Suspends   no. The cost does not depend on the number of tasks in the block. */
#define async_reschedule(seconds) async_scope_reschedule(async_blocks_, async_time() + (seconds))
int async_scope_reschedule(async_scope *s, double when);

/* Like async_reschedule(), with a point in time on the clock of async_time(). */
#define async_reschedule_at(when) async_scope_reschedule(async_blocks_, (when))

/* Return whether the await_timeout block that this line stands in has expired. */
#define async_expired() async_scope_expired(async_blocks_)
bool async_scope_expired(const async_scope *s);

/* --- why a task is cancelled --- */

/* What has cancelled a task. */
enum async_cancel_kind {
    ASYNC_CANCEL_NONE,     /* it is not cancelled */
    ASYNC_CANCEL_TASK,     /* async_task_cancel(), or its handle was dropped */
    ASYNC_CANCEL_TIMEOUT,  /* a deadline has passed */
    ASYNC_CANCEL_GROUP,    /* a failure in its group, async_group_cancel(), or its body was left */
    ASYNC_CANCEL_SHUTDOWN, /* the main task has returned */
    ASYNC_CANCEL_SIGNAL,   /* Ctrl-C */
};

/* The cause of a cancellation. The strings are valid until the cancelled scope is left; `who` also
 * becomes invalid when that task is renamed. */
typedef struct async_cause {
    enum async_cancel_kind kind;
    const char *who;        /* the task that cancelled or failed, or whose timeout it is; or "" */
    const char *why;        /* the reason that was given, the message of the failure, or "" */
    const async_site *site; /* where the cancel, the failure, or the block stands; or NULL */
} async_cause;

/* Return why the current task is cancelled, also inside a shield.
 *
 *   if (r == -ECANCELED)
 *       printf("cancelled by %s: %s\n", async_cancel_cause().who, async_cancel_cause().why);
 *
 * Returns    the cause; of several, that of the outermost cancelled scope, and of two requests to
 *            one task that of the first. Its kind is ASYNC_CANCEL_NONE if the task is not
 *            cancelled.
 * Suspends   no. */
async_cause async_cancel_cause(void);

/* Withdraw one request to cancel the current task, made by async_task_cancel() or Ctrl-C: the task
 * has dealt with it and goes on. It has no effect on timeouts and groups, whose cancellation ends
 * when they are left.
 *
 * Returns    the number of requests that are left, 0 or more; -EPERM outside of a task.
 * Suspends   no. */
int async_uncancel(void);

/* Return the number of requests to cancel the current task that were not withdrawn; -EPERM outside
 * of a task. */
int async_cancelling(void);

/* --- private: how the blocks work --- */

/* How await_with enters and leaves a context manager. */
struct async_with_ops {
    int (*enter)(void *owner); /* may suspend; if it fails, the body is skipped */
    int (*leave)(void *owner); /* may suspend, in a shield */
};

/* A scope, in the stack frame of the function whose block it is. */
struct async_scope {
    async_scope *outer;  /* around it at run time */
    async_scope *blocks; /* around it in the same function */
    async_task *task;    /* that has entered it */
    void *owner;         /* its group, or its context manager */
    const struct async_with_ops *with_ops;
    int *result_at;        /* the variable r */
    int64_t deadline;      /* its own, ns */
    int64_t next_deadline; /* the earliest of it and those around it, inside the nearest shield */
    uint32_t timer;
    uint8_t kind, state;
    uint8_t fresh;              /* which of the task's marks were fresh when a shield was entered */
    bool cancelled;             /* this scope itself */
    bool effectively_cancelled; /* it, or one around it inside the nearest shield */
    bool expired;               /* its deadline has passed */
    bool first;                 /* its deadline passed before a scope around it was cancelled */
    bool delivered;             /* an await_ call was interrupted by it */
    bool bare;                  /* it was left by a bare return */
    bool unarmed; /* it, or one of the task's around it, may have a deadline without a timer */
    async_cause cause;
};

/* The innermost block that a line of source stands in. Blocks define their own, which hide it. */
static async_scope *const async_blocks_ ASYNC_UNUSED = NULL;

/* The body stands in a loop of its own that runs once. What leaves it by `break` or `continue`
 * reaches await_block_step(), so await_block_drop() finds a block that was not left only after a
 * `return`. */
#define ASYNC__ONCE for (bool async_body_ = true; async_body_; async_body_ = false)
#define ASYNC__BLOCK(r, init)                                                                      \
    ASYNC__SHADOWS                                                                                 \
    for (async_scope async_s_ ASYNC_AUTO(await_block_drop) = init,                                 \
                     *async_blocks_ ASYNC_UNUSED = &async_s_;                                      \
         await_block_step(&async_s_, &(r));)                                                       \
        ASYNC__ONCE                                                                                \
    ASYNC__SHADOWED
/* The same for a scope that is a member of something else. */
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

/* The scopes of await_timeout, await_timeout_at and await_shield. */
async_scope async_scope_timeout(double seconds, async_scope *blocks, const async_site *site);
async_scope async_scope_timeout_at(double when, async_scope *blocks, const async_site *site);
async_scope async_scope_shield(async_scope *blocks, const async_site *site);

bool await_block_step(async_scope *s, int *r); /* enter: true; leave, at its end: false */
void await_block_drop(async_scope *s);         /* leave it after a bare return */
void await_block_drop_at(async_scope **s);
int await_leave(async_scope *blocks, int err, const async_site *site);  /* for ASYNC_TRY */
int await_return(async_scope *blocks, int err, const async_site *site); /* for ASYNC_RETURN */

ASYNC_END_DECLS

#endif
