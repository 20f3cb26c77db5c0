/* SPDX-License-Identifier: MIT */
/* scope.h - cancellation: what every await_ call checks first, and how a cancel reaches what it
 * concerns.
 *
 * Each scope stores whether an await_ call in it is refused (effectively_cancelled) and which
 * deadline comes next for it (next_deadline): its own state combined with that of the scopes
 * around it, up to the nearest shield. Both are kept right when something changes: when a scope is
 * entered, and, by a walk over everything inside, when one is cancelled. So a checkpoint looks at
 * one scope, however deep it lies. */
#ifndef TASK_SCOPE_H
#define TASK_SCOPE_H

#include "loop/scheduler.h"

enum scope_kind { SCOPE_NONE, SCOPE_ROOT, SCOPE_TIMEOUT, SCOPE_SHIELD, SCOPE_GROUP, SCOPE_WITH };
enum scope_state { SCOPE_NEW, SCOPE_IN, SCOPE_LEFT };

/* Warn that `what` was called outside of a task, and what to do about it. Returns -EPERM. */
int async__not_in_task(const char *what);

/* Record which scopes have interrupted t. Returns -ECANCELED. */
int async__deliver_cancel(async_task *t);

/* The next deadline of t's scope may have passed: read the clock and expire what is overdue.
 * Returns 0 or -ECANCELED. */
int async__expire_overdue(struct loop *l, async_task *t);

/* The earliest deadline of s and the scopes around it, up to the nearest shield. */
int64_t async__next_deadline(const async_scope *s);

/* Arm a timer for each deadline of the scopes of t that has none. */
void async__arm_deadlines(struct loop *l, async_task *t);

/* The innermost scope of t is another one, or has changed. */
static inline void update_needs_check(async_task *t)
{
    bool needs = t->scope->effectively_cancelled || t->scope->next_deadline != t->loop->no_deadline;
    t->node.flags = (uint8_t)((t->node.flags & ~TASK_NEEDS_CHECK) | (needs ? TASK_NEEDS_CHECK : 0));
}

/* Returns 0, or -ECANCELED if t is cancelled. The usual case is decided by the task's record
 * alone. */
static inline int checkpoint(async_task *t)
{
    if (likely(!(t->node.flags & TASK_NEEDS_CHECK)))
        return 0;
    const async_scope *s = t->scope;
    if (s->effectively_cancelled)
        return async__deliver_cancel(t);
    return coarse_clock_before(&t->loop->coarse, s->next_deadline)
                   ? 0
                   : async__expire_overdue(t->loop, t);
}

/* The head of every await_ function. Store the calling task in *ret and pass its checkpoint.
 * Returns 0, -ECANCELED, or -EPERM if no task is calling. The call counts for fairness
 * (use_credit()), so other tasks may have run when it returns: look at the object of the call only
 * afterwards. */
static inline int await_begin(async_task **ret, const char *what)
{
    struct loop *l = async__loop;
    if (unlikely(!l || !l->sched.current))
        return async__not_in_task(what), -EPERM;
    async_task *t = *ret = l->sched.current;
    use_credit(l, t);
    return checkpoint(t);
}

/* The same for a function of the library that is called by another one, in the middle of its work:
 * it never lets other tasks run. */
static inline int await_begin_nested(async_task **ret, const char *what)
{
    struct loop *l = async__loop;
    if (unlikely(!l || !l->sched.current))
        return async__not_in_task(what), -EPERM;
    *ret = l->sched.current;
    return checkpoint(*ret);
}

/* Wait in q (or in no queue) until woken or interrupted. The checkpoint has been passed. */
static inline enum wake wait_in(async_task *t, async_waitq *q)
{
    struct loop *l = async__loop;
    if (unlikely(t->node.flags & TASK_NEEDS_CHECK))
        async__arm_deadlines(l, t);
    return async__park(l, t, q);
}

/* Wait for something that is not taken from others, such as an event. Returns 0 if the task was
 * woken, which counts more than a cancel that came afterwards; otherwise -ECANCELED. */
static inline int wait_for_event(async_task *t, async_waitq *q)
{
    return likely(wait_in(t, q) != INTERRUPTED) ? 0 : async__deliver_cancel(t);
}

/* Wait for something that is taken from others, such as a lock. Returns 0 if the task has it,
 * otherwise -ECANCELED. If *chosen is true in the latter case, it was given to the task before the
 * task was cancelled, and must be passed on. */
static inline int wait_to_acquire(async_task *t, async_waitq *q, bool *chosen)
{
    *chosen = wait_in(t, q) != INTERRUPTED;
    return likely(*chosen) ? checkpoint(t) : async__deliver_cancel(t);
}

void async__scope_enter(async_scope *s, async_task *t);

/* Cancel s: interrupt everything inside, up to the shields. Does nothing if s is cancelled already.
 * The strings of cause must live as long as s; NULL as the name stands for the task of s. */
void async__scope_cancel(async_scope *s, async_cause cause);

/* A request to the task of s, its root scope, was withdrawn: derive the flags of everything inside
 * anew. */
void async__scope_update(async_scope *s);

/* Move s, the root scope of a task, from one scope into another one, which may be cancelled. */
void async__scope_move(async_scope *s, async_scope *outer);

/* Leave s with the error or value err. tried: through ASYNC_TRY. Returns what err is worth outside
 * of s. */
int async__scope_leave(async_scope *s, int err, bool tried);
int async__group_leave(async_group *g, int err, bool tried);

/* The scope of an await_with block. */
static inline async_scope async__with_scope(void *owner, const struct async_with_ops *ops,
                                            async_scope *blocks)
{
    return (async_scope){ .kind = SCOPE_WITH,
                          .owner = owner,
                          .with_ops = ops,
                          .deadline = NEVER,
                          .blocks = blocks };
}

/* A shield for a few lines of the library's own. */
static inline void shield_enter(async_scope *s, async_task *t)
{
    *s = (async_scope){ .kind = SCOPE_SHIELD, .deadline = NEVER };
    async__scope_enter(s, t);
}

static inline void shield_leave(async_scope *s, async_task *t)
{
    t->scope = s->outer;
    update_needs_check(t);
}

#endif
