/* SPDX-License-Identifier: MIT */
/* scope.c - the blocks: how they are entered and left, and what their verdict is. */
#include "task/scope.h"

#include <asyncio/with.h>

#include "task/error.h"

static async_scope timeout_scope(int64_t deadline, async_scope *blocks, const async_site *site)
{
    return (async_scope){ .kind = SCOPE_TIMEOUT,
                          .deadline = deadline,
                          .blocks = blocks,
                          .cause = { ASYNC_CANCEL_TIMEOUT, NULL, "", site } };
}

async_scope async_scope_timeout(double seconds, async_scope *blocks, const async_site *site)
{
    /* Without any time the first await_ must find it over: by the clock, since a bound on it may lie ahead. */
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
    return (async_scope){ .kind = SCOPE_SHIELD, .deadline = NEVER, .blocks = blocks, .cause.site = site };
}

async_scope async_scope_group(async_group *g, async_scope *blocks)
{
    return (async_scope){ .kind = SCOPE_GROUP, .owner = g, .deadline = NEVER, .blocks = blocks };
}

static int enter_hold(void *owner)
{
    async_co *co = &((async_with *)owner)->hold.enter;
    return co->run(co->frame);
}

static int leave_hold(void *owner)
{
    async_co *co = &((async_with *)owner)->hold.leave;
    return co->run(co->frame);
}

async_with async_with_hold(async_with *w, async_scope *blocks, async_hold hold)
{
    static const struct async_with_ops manager = { enter_hold, leave_hold };
    return (async_with){ async__with_scope(w, &manager, blocks), hold };
}

void async__scope_enter(async_scope *s, async_task *t)
{
    async_scope *outer = t->scope;
    bool shield = s->kind == SCOPE_SHIELD;
    s->outer = outer;
    s->task = t;
    s->state = SCOPE_IN;
    s->effectively_cancelled = !shield && outer->effectively_cancelled;
    s->next_deadline = !shield && outer->next_deadline < s->deadline ? outer->next_deadline : s->deadline;
    s->unarmed = s->deadline != NEVER || outer->unarmed;
    if (shield && outer->unarmed)
        async__arm_deadlines(t->loop, t);
    t->scope = s;
    update_needs_check(t);
}

static inline void leave(async_scope *s)
{
    s->state = SCOPE_LEFT;
    s->task->scope = s->outer;
    update_needs_check(s->task);
    if (unlikely(s->timer)) {
        async__timer_cancel(&s->task->loop->timers, s->timer);
        s->timer = 0;
    }
}

/* The edge of a timeout: -ECANCELED, or a value that came too late, becomes -ETIMEDOUT, if it was this limit that
 * interrupted, and if it came before what cancelled a scope around it (or that has been withdrawn). */
static int timeout_result(const async_scope *s, int err)
{
    bool ours = s->expired && s->delivered && (s->first || !s->outer->effectively_cancelled);
    if (likely(!ours || (err < 0 && err != -ECANCELED)))
        return err;
    async__trace_timeout(s);
    return -ETIMEDOUT;
}

static int with_finish(async_scope *s, int err)
{
    async_scope shield;
    int outcome = s->bare && err >= 0 ? -EINTR : err;
    leave(s);
    shield_enter(&shield, s->task);
    shield.owner = &outcome; /* no other shield has one */
    int r = s->manager->leave(s->owner);
    shield_leave(&shield, s->task);
    return err >= 0 && r < 0 ? r : err;
}

int async_with_outcome(void)
{
    struct loop *l = async__loop;
    if (!l || !l->current)
        return async__not_in_task("async_with_outcome");
    const async_scope *s = l->current->scope;
    while (s && !(s->kind == SCOPE_SHIELD && s->owner))
        s = s->outer;
    return s ? *(const int *)s->owner : -EINVAL;
}

static int finish(async_scope *s, int err, bool tried)
{
    switch (s->kind) {
    case SCOPE_GROUP:
        err = async__group_finish(s->owner, err, tried);
        leave(s);
        return err;
    case SCOPE_WITH:
        return with_finish(s, err);
    case SCOPE_TIMEOUT:
        leave(s);
        return timeout_result(s, err);
    default:
        leave(s);
        return err;
    }
}

/* An error that leaves a block is still the same when the block has been left, though leaving may suspend. */
int async__scope_leave(async_scope *s, int err, bool tried)
{
    if (s->state != SCOPE_IN)
        return err;
    struct async_waiter *node = &s->task->node;
    int fresh = ~node->why & (STALE_TRACE | STALE_CAUSE);
    int verdict = finish(s, err, tried);
    if (err < 0)
        node->why &= (uint8_t)~fresh;
    return verdict;
}

static bool begin(async_scope *s, int *r)
{
    struct loop *l = async__loop;
    async_task *t = l ? l->current : NULL;
    if (unlikely(!t)) {
        *r = async__not_in_task("a block");
        return false;
    }
    *r = 0;
    s->verdict = r;
    int e = s->kind == SCOPE_WITH ? s->manager->enter(s->owner) : 0;
    if (e < 0) {
        *r = e;
        s->state = SCOPE_LEFT;
        return false;
    }
    if (s->kind == SCOPE_GROUP)
        ((async_group *)s->owner)->open = true;
    async__scope_enter(s, t);
    return true;
}

bool await_block_step(async_scope *s, int *r)
{
    if (s->state == SCOPE_NEW)
        return begin(s, r);
    *r = async__scope_leave(s, *r, false);
    return false;
}

/* Not left yet: a bare return. The verdict goes to a variable that nobody will read. */
void await_block_drop(async_scope *s)
{
    if (s->state != SCOPE_IN)
        return;
    if (unlikely(s->task->loop->debug))
        async__bare_return(s);
    s->bare = true;
    *s->verdict = async__scope_leave(s, *s->verdict, false);
}

void await_block_drop_at(async_scope **s)
{
    await_block_drop(*s);
}

int await_leave(async_scope *s, int err, const async_site *site)
{
    int verdict = err;
    async__trace_add(err, site);
    for (; s; s = s->blocks)
        verdict = async__scope_leave(s, verdict, true);
    return verdict < 0 ? verdict : err;
}

static async_scope *timeout_around(async_scope *s)
{
    while (s && s->kind != SCOPE_TIMEOUT)
        s = s->blocks;
    return s;
}

int async_scope_reschedule(async_scope *s, double when)
{
    s = timeout_around(s);
    if (!s || s->state != SCOPE_IN || s->expired)
        return -EINVAL;
    async_task *t = s->task;
    if (s->timer)
        async__timer_cancel(&t->loop->timers, s->timer);
    s->timer = 0;
    s->deadline = when == ASYNC_FOREVER ? NEVER : ns_of(when);
    async__scope_update(s);
    for (async_scope *in = t->scope; in != s->outer; in = in->outer)
        in->unarmed = true;
    async__arm_deadlines(t->loop, t); /* at once: we may wait behind a shield, where nobody would */
    return 0;
}

bool async_scope_expired(const async_scope *s)
{
    s = timeout_around((async_scope *)s);
    return s && s->expired;
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
    leave(&s);
    return r == -ECANCELED ? timeout_result(&s, r) : r; /* a result is a result */
}

int async_uncancel(void)
{
    struct loop *l = async__loop;
    async_task *t = l ? l->current : NULL;
    if (!t)
        return async__not_in_task("async_uncancel");
    async_scope *root = &t->body->root;
    if (t->requests > 0 && --t->requests == 0) {
        root->cancelled = root->delivered = false;
        async__scope_update(root);
    }
    return t->requests;
}

int async_cancelling(void)
{
    struct loop *l = async__loop;
    return l && l->current ? l->current->requests : async__not_in_task("async_cancelling");
}

/* The outermost cancelled scope within the nearest shield; failing that, beyond it. */
async_cause async_cancel_cause(void)
{
    struct loop *l = async__loop;
    async_scope *found = NULL;
    for (async_scope *s = l && l->current ? l->current->scope : NULL; s; s = s->outer) {
        if (s->cancelled)
            found = s;
        if (s->kind == SCOPE_SHIELD && found)
            break;
    }
    if (!found)
        return (async_cause){ .who = "", .why = "" };
    async_cause cause = found->cause;
    if (!cause.who) /* the task whose scope it is; its name may have been set anew since */
        cause.who = found->task->name;
    return cause;
}
