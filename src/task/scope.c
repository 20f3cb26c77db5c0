/* SPDX-License-Identifier: MIT */
/* scope.c - the blocks: how they are entered and left, and what result they give. */
#include "task/scope.h"

#include <asyncio/with.h>

#include "task/error.h"

/* --- what the macros make --- */

static async_scope timeout_scope(int64_t deadline, async_scope *blocks, const async_site *site)
{
    return (async_scope){ .kind = SCOPE_TIMEOUT,
                          .deadline = deadline,
                          .blocks = blocks,
                          .cause = { ASYNC_CANCEL_TIMEOUT, NULL, "", site } };
}

/* A timeout of 0 must have expired at the first await_. Read the real clock for it, because the
 * coarse one may be ahead. */
async_scope async_scope_timeout(double seconds, async_scope *blocks, const async_site *site)
{
    struct loop *l = async__loop;
    int64_t now = !l ? 0 : seconds > 0 ? loop_coarse_now(l) : loop_read_clock(l);
    return timeout_scope(ns_after(now, ns_of(seconds)), blocks, site);
}

async_scope async_scope_timeout_at(double when, async_scope *blocks, const async_site *site)
{
    return timeout_scope(ns_of(when), blocks, site);
}

async_scope async_scope_shield(async_scope *blocks, const async_site *site)
{
    return (async_scope){ .kind = SCOPE_SHIELD,
                          .deadline = NEVER,
                          .blocks = blocks,
                          .cause.site = site };
}

async_scope async_scope_group(async_group *g, async_scope *blocks)
{
    return (async_scope){ .kind = SCOPE_GROUP, .owner = g, .deadline = NEVER, .blocks = blocks };
}

static int enter_context_manager(void *owner)
{
    async_co *co = &((async_with *)owner)->manager.enter;
    return co->run(co->frame);
}

static int leave_context_manager(void *owner)
{
    async_co *co = &((async_with *)owner)->manager.leave;
    return co->run(co->frame);
}

async_with async_with_context_manager(async_with *w, async_scope *blocks,
                                      async_context_manager manager)
{
    static const struct async_with_ops ops = { enter_context_manager, leave_context_manager };
    return (async_with){ async__with_scope(w, &ops, blocks), manager };
}

/* --- entering --- */

void async__scope_enter(async_scope *s, async_task *t)
{
    async_scope *outer = t->scope;
    bool shield = s->kind == SCOPE_SHIELD;
    s->outer = outer;
    s->task = t;
    s->state = SCOPE_IN;
    s->effectively_cancelled = !shield && outer->effectively_cancelled;
    s->next_deadline =
            !shield && outer->next_deadline < s->deadline ? outer->next_deadline : s->deadline;
    s->unarmed = s->deadline != NEVER || outer->unarmed;
    if (shield && outer->unarmed)
        async__arm_deadlines(t->loop, t);
    t->scope = s;
    update_needs_check(t);
}

/* Which of the task's message, traceback and causes belong to an error that may be on its way
 * out. */
static uint8_t fresh_marks(const async_task *t)
{
    return (uint8_t)(~t->node.why & (STALE_TRACE | STALE_CAUSE));
}

static const char *block_name(const async_scope *s)
{
    static const char *const names[] = { [SCOPE_TIMEOUT] = "await_timeout",
                                         [SCOPE_SHIELD] = "await_shield",
                                         [SCOPE_GROUP] = "await_group",
                                         [SCOPE_WITH] = "await_with" };
    return names[s->kind];
}

/* Enter the block of s, or skip it because its context manager fails: then *r is the error. */
static bool enter_block(async_scope *s, int *r)
{
    struct loop *l = async__loop;
    async_task *t = l ? l->sched.current : NULL;
    if (unlikely(!t)) {
        *r = async__not_in_task(block_name(s));
        s->state = SCOPE_LEFT;
        return false;
    }
    *r = 0;
    s->result_at = r;
    int e = s->kind == SCOPE_WITH ? s->with_ops->enter(s->owner) : 0;
    if (e < 0) {
        *r = e;
        s->state = SCOPE_LEFT;
        return false;
    }
    if (s->kind == SCOPE_GROUP)
        ((async_group *)s->owner)->open = true;
    s->fresh = fresh_marks(t);
    async__scope_enter(s, t);
    return true;
}

/* --- leaving --- */

static inline void scope_exit(async_scope *s)
{
    s->state = SCOPE_LEFT;
    s->task->scope = s->outer;
    update_needs_check(s->task);
    if (unlikely(s->timer)) {
        async__timer_cancel(&s->task->loop->timers, s->timer);
        s->timer = 0;
    }
}

/* The result of a timeout. -ECANCELED, or a value that came too late, becomes -ETIMEDOUT if an
 * await_ was interrupted by this timeout, and if it expired before a scope around it was cancelled
 * (or that cancellation has been withdrawn). */
static int timeout_result(const async_scope *s, int err)
{
    bool ours = s->expired && s->delivered && (s->first || !s->outer->effectively_cancelled);
    if (likely(!ours || (err < 0 && err != -ECANCELED)))
        return err;
    async__trace_timeout(s);
    return -ETIMEDOUT;
}

static int with_leave(async_scope *s, int err)
{
    async_scope shield;
    int outcome = s->bare && err >= 0 ? -EINTR : err;
    scope_exit(s);
    shield_enter(&shield, s->task);
    shield.owner = &outcome; /* for async_with_outcome(): no other shield has an owner */
    int r = s->with_ops->leave(s->owner);
    shield_leave(&shield, s->task);
    return err >= 0 && r < 0 ? r : err;
}

int async_with_outcome(void)
{
    struct loop *l = async__loop;
    if (!l || !l->sched.current)
        return async__not_in_task("async_with_outcome");
    const async_scope *s = l->sched.current->scope;
    while (s && !(s->kind == SCOPE_SHIELD && s->owner))
        s = s->outer;
    return s ? *(const int *)s->owner : -EINVAL;
}

static int leave_by_kind(async_scope *s, int err, bool tried)
{
    switch (s->kind) {
    case SCOPE_GROUP:
        err = async__group_leave(s->owner, err, tried);
        scope_exit(s);
        return err;
    case SCOPE_WITH:
        return with_leave(s, err);
    case SCOPE_TIMEOUT:
        scope_exit(s);
        return timeout_result(s, err);
    default:
        scope_exit(s);
        return err;
    }
}

/* Leaving a block may suspend, which marks the task's message and traceback as stale. If an error
 * is on its way out, restore the marks, because it is still the same error. Inside a shield a
 * function usually cleans up after an error that it is about to return; so behind a shield the
 * marks are as they were before it. */
int async__scope_leave(async_scope *s, int err, bool tried)
{
    if (s->state != SCOPE_IN)
        return err;
    async_task *t = s->task;
    uint8_t fresh = err < 0 ? fresh_marks(t) : 0;
    if (s->kind == SCOPE_SHIELD)
        fresh |= s->fresh;
    int result = leave_by_kind(s, err, tried);
    t->node.why &= (uint8_t)~fresh;
    return result;
}

bool await_block_step(async_scope *s, int *r)
{
    if (s->state == SCOPE_NEW)
        return enter_block(s, r);
    *r = async__scope_leave(s, *r, false);
    return false;
}

/* The block was not left yet, so this is a bare return. The result goes to a variable that is never
 * read again. */
void await_block_drop(async_scope *s)
{
    if (s->state != SCOPE_IN)
        return;
    struct loop *l = s->task->loop;
    if (unlikely(l->debug))
        l->observer->left_by_return(s);
    s->bare = true;
    *s->result_at = async__scope_leave(s, *s->result_at, false);
}

void await_block_drop_at(async_scope **s)
{
    await_block_drop(*s);
}

int await_leave(async_scope *s, int err, const async_site *site)
{
    int result = err;
    async__trace_add(err, site);
    for (; s; s = s->blocks)
        result = async__scope_leave(s, result, true);
    return result < 0 ? result : err;
}

int await_return(async_scope *s, int err, const async_site *site)
{
    int result = err;
    if (err < 0)
        async__trace_add(err, site);
    for (; s; s = s->blocks)
        result = async__scope_leave(s, result, false);
    return result < 0 ? result : err;
}

int await_wait_for_at(async_co co, double seconds, const async_site *site)
{
    async_task *t;
    int r = await_begin(&t, "await_wait_for");
    if (r < 0)
        return r;
    if (!(seconds > 0))
        return -ETIMEDOUT;
    async_scope s = async_scope_timeout(seconds, NULL, site);
    async__scope_enter(&s, t);
    r = co.run(co.frame);
    scope_exit(&s);
    /* A value that was returned nevertheless is the result. */
    return r == -ECANCELED ? timeout_result(&s, r) : r;
}

/* --- moving a deadline --- */

static async_scope *timeout_around(async_scope *s)
{
    while (s && s->kind != SCOPE_TIMEOUT)
        s = s->blocks;
    return s;
}

/* Derive the next deadline of each scope of the calling task anew, from s inwards to the innermost
 * one. Tasks in groups further inside keep what they have: one that is too early makes them look
 * once more, and for one that is too late there is the timer of s, which is armed. So the cost does
 * not depend on how many tasks there are. */
static void update_deadlines(async_scope *s)
{
    async_task *t = s->task;
    for (async_scope *in = t->scope; in != s->outer; in = in->outer) {
        in->next_deadline = async__next_deadline(in);
        in->unarmed = true;
    }
    update_needs_check(t);
}

int async_scope_reschedule(async_scope *s, double when)
{
    s = timeout_around(s);
    if (!s)
        async__warn("async_reschedule() outside of an await_timeout block; the block of a caller "
                    "does not count");
    if (!s || s->state != SCOPE_IN || s->expired)
        return -EINVAL;
    struct loop *l = s->task->loop;
    if (s->timer)
        async__timer_cancel(&l->timers, s->timer);
    s->timer = 0;
    s->deadline = when == ASYNC_FOREVER ? NEVER : ns_of(when);
    update_deadlines(s);
    if (s->deadline <= loop_read_clock(l))
        async__scope_expire(s);
    else
        /* At once: the task may wait behind a shield, where it would not be armed. */
        async__arm_deadlines(l, s->task);
    return 0;
}

bool async_scope_expired(const async_scope *s)
{
    s = timeout_around((async_scope *)s);
    return s && s->expired;
}

/* --- requests to the task itself --- */

int async_uncancel(void)
{
    struct loop *l = async__loop;
    async_task *t = l ? l->sched.current : NULL;
    if (!t)
        return async__not_in_task("async_uncancel");
    struct task_body *b = t->body;
    if (b->requests > 0 && --b->requests == 0) {
        b->root.cancelled = b->root.delivered = false;
        async__scope_update(&b->root);
    }
    return b->requests;
}

int async_cancelling(void)
{
    struct loop *l = async__loop;
    return l && l->sched.current ? l->sched.current->body->requests
                                 : async__not_in_task("async_cancelling");
}

/* The outermost cancelled scope inside the nearest shield; if there is none, the first one
 * outside. */
static async_scope *cancelled_scope(const async_task *t)
{
    async_scope *found = NULL;
    for (async_scope *s = t->scope; s; s = s->outer) {
        if (s->cancelled)
            found = s;
        if (s->kind == SCOPE_SHIELD && found)
            break;
    }
    return found;
}

async_cause async_cancel_cause(void)
{
    struct loop *l = async__loop;
    async_scope *s = l && l->sched.current ? cancelled_scope(l->sched.current) : NULL;
    if (!s)
        return (async_cause){ .who = "", .why = "" };
    async_cause cause = s->cause;
    if (!cause.who) /* the task whose scope it is; its name may have been changed since */
        cause.who = async_task_name(s->task);
    return cause;
}
