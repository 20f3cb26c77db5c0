/* SPDX-License-Identifier: MIT */
/* scope.h - cancellation inside: what every await_ call does first, and how a cancel reaches whom it concerns.
 *
 * Each scope knows by itself whether an await_ in it fails (doomed) and what the next limit is (limit): its own state and
 * that of the scopes around it, as far as a shield. The flags are kept right where something changes: when a scope is
 * entered, and, by a walk over everything inside, when one is cancelled or moved. So a checkpoint looks at one scope. */
#ifndef TASK_SCOPE_H
#define TASK_SCOPE_H

#include "loop/loop.h"

enum scope_kind { SCOPE_NONE, SCOPE_ROOT, SCOPE_TIMEOUT, SCOPE_SHIELD, SCOPE_GROUP, SCOPE_WITH };
enum scope_state { SCOPE_NEW, SCOPE_IN, SCOPE_LEFT };

int async__not_in_task(const char *what); /* complain: -EPERM */
int async__deliver_cancel(async_task *t);    /* note who interrupted: -ECANCELED */
int async__expire_overdue(struct loop *l, async_task *t);
void async__arm_deadlines(struct loop *l, async_task *t);

/* t's innermost scope is another one, or has changed. */
static inline void update_needs_check(async_task *t)
{
    bool alert = t->scope->effectively_cancelled || t->scope->next_deadline != t->loop->no_deadline;
    t->node.flags = (uint8_t)((t->node.flags & ~TASK_NEEDS_CHECK) | (alert ? TASK_NEEDS_CHECK : 0));
}

/* 0, or -ECANCELED. The usual case is settled by the task's record alone. */
static inline int checkpoint(struct loop *l, async_task *t)
{
    if (likely(!(t->node.flags & TASK_NEEDS_CHECK)))
        return 0;
    const async_scope *s = t->scope;
    if (s->effectively_cancelled)
        return async__deliver_cancel(t);
    return coarse_clock_before(&l->coarse, s->next_deadline) ? 0 : async__expire_overdue(l, t);
}

/* The head of every await_ function: who we are, past the checkpoint. */
static inline int await_begin(async_task **ret, const char *what)
{
    struct loop *l = async__loop;
    if (unlikely(!l || !l->current))
        return async__not_in_task(what), -EPERM;
    *ret = l->current;
    return checkpoint(l, l->current);
}

/* Stand in line q (or in none) until woken or interrupted; the checkpoint has been passed. */
static inline enum wake wait_in(async_task *t, async_waitq *q)
{
    struct loop *l = async__loop;
    if (unlikely(t->node.flags & TASK_NEEDS_CHECK))
        async__arm_deadlines(l, t);
    return async__park(l, t, q);
}

/* For waits that take nothing from others: 0 if it was woken, which beats a cancel that came after; else -ECANCELED. */
static inline int wait_for_event(async_task *t, async_waitq *q)
{
    return likely(wait_in(t, q) != INTERRUPTED) ? 0 : async__deliver_cancel(t);
}

/* For waits that take something from others: 0 if it is ours. -ECANCELED otherwise; then *chosen says whether it
 * was given to us nevertheless, so that it must be handed on. */
static inline int wait_to_acquire(async_task *t, async_waitq *q, bool *chosen)
{
    *chosen = wait_in(t, q) != INTERRUPTED;
    return likely(*chosen) ? checkpoint(async__loop, t) : async__deliver_cancel(t);
}

void async__scope_enter(async_scope *s, async_task *t);

/* Cancel s: everything inside is interrupted, as far as a shield. Nothing if it is cancelled already. why and who must
 * live as long as s; who NULL: the task of s. */
void async__scope_cancel(async_scope *s, async_cause cause);

/* The state of s, or of one around it, has changed in some other way: set the flags inside anew. */
void async__scope_update(async_scope *s);

/* Leave s with err: what err is worth outside. tried: through ASYNC_TRY. */
int async__scope_leave(async_scope *s, int err, bool tried);
int async__group_finish(async_group *g, int err, bool tried);

/* The scope of an await_with block. */
static inline async_scope async__with_scope(void *owner, const struct async_with_ops *manager,
                                            async_scope *blocks)
{
    return (async_scope){ .kind = SCOPE_WITH,
                          .owner = owner,
                          .manager = manager,
                          .deadline = NEVER,
                          .blocks = blocks };
}

/* A shield for a few lines of ours. */
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
