/* SPDX-License-Identifier: MIT */
/* cancel.c - how a cancel, and a limit that has come, reach the tasks that they concern. Nothing here allocates, nothing
 * here recurses: trees of groups may be deep, and the stack is a task's. */
#include "task/scope.h"

/* The innermost scope of t inside top that a change of top reaches: everything inside a shield is out of reach. */
static async_scope *first_inside(async_task *t, async_scope *top)
{
    async_scope *first = t->scope;
    for (async_scope *s = t->scope; s != top; s = s->outer)
        if (s->kind == SCOPE_SHIELD)
            first = s->outer;
    return first;
}

struct visitor {
    void (*scope)(const struct visitor *v, async_scope *s);
    void (*task)(async_task *t);
    async_scope *top;
    int64_t when;
};

/* t, or the next of its siblings that has scopes: that has started, and not ended. Calls on threads, which have none, are
 * visited on the way. */
static async_task *with_scopes(const struct visitor *v, async_task *t)
{
    while (t && (t->node.kind != NODE_TASK || t->node.state == TASK_DONE)) {
        if (t->node.kind == NODE_THREAD && v->task)
            v->task(t);
        t = t->next;
    }
    return t;
}

static async_scope *visit_task(const struct visitor *v, async_task *t, async_scope *top)
{
    async_scope *first = first_inside(t, top);
    if (first == t->scope && v->task)
        v->task(t);
    return first;
}

static async_scope *visit_children(const struct visitor *v, async_scope *s, async_task **t)
{
    async_task *child =
            s->kind == SCOPE_GROUP ? with_scopes(v, ((async_group *)s->owner)->first) : NULL;
    if (!child)
        return NULL;
    *t = child;
    return visit_task(v, child, &child->body->root);
}

/* Visit all scopes that a change of top reaches, the inner before the outer, and the tasks whose innermost scope
 * is among them. A walk without a stack of its own: from a group's first child to the last, then back by way of
 * the group. */
static void visit(const struct visitor *v)
{
    async_task *t = v->top->task;
    async_scope *s = t ? visit_task(v, t, v->top) : v->top;
    for (;;) {
        async_scope *inner = visit_children(v, s, &t);
        if (inner) {
            s = inner;
            continue;
        }
        v->scope(v, s);
        while (s != v->top && s == &t->body->root) {
            async_task *sibling = with_scopes(v, t->next);
            if (sibling) {
                t = sibling;
                s = visit_task(v, t, &t->body->root);
                goto next;
            }
            s = &t->group->scope;
            t = s->task;
            v->scope(v, s);
        }
        if (s == v->top)
            return;
        s = s->outer;
next:;
    }
}

static void interrupt(async_task *t)
{
    if (t->node.state != TASK_PARKED)
        return;
    disarm(t);
    async__wake(t, INTERRUPTED);
}

/* Was there, when the limit of s came, another one around it that had come already? Of equal ones the outer is first.
 * Only limits inside of top count: top is what strikes now. */
static bool was_first(const async_scope *s, const async_scope *top)
{
    if (s->outer && s->outer->effectively_cancelled)
        return false;
    for (const async_scope *o = s->outer; o && o != top; o = o->outer)
        if (o->deadline <= s->deadline)
            return false;
    return true;
}

static void changed(async_scope *s)
{
    if (s->task && s->task->scope == s)
        update_needs_check(s->task);
}

/* A scope inside one that is struck at a time: if its own limit had come before, though nobody had looked, it fired
 * first and will say so. */
static void doom(const struct visitor *v, async_scope *s)
{
    if (s != v->top && !s->cancelled && s->deadline < v->when) {
        s->first = was_first(s, v->top);
        s->expired = s->cancelled = true;
    }
    s->effectively_cancelled = true;
    changed(s);
}

static void cancel_at(async_scope *s, int64_t when)
{
    s->cancelled = true;
    if (s->effectively_cancelled) /* from outside already */
        return;
    struct visitor v = { .scope = doom, .task = interrupt, .top = s, .when = when };
    visit(&v);
}

void async__scope_cancel(async_scope *s, async_cause cause)
{
    if (s->cancelled)
        return;
    s->cause = cause;
    cancel_at(s, ns_after(loop_now(async__loop), 1));
}

/* Fire the limit of s, and before it those of scopes around it that come no later: of equal ones the outermost first. */
void async__scope_expire(async_scope *s)
{
    while (!s->cancelled) {
        async_scope *due = s;
        for (async_scope *o = s->outer; o; o = o->outer)
            if (!o->cancelled && o->deadline <= due->deadline)
                due = o;
        due->first = !(due->outer && due->outer->effectively_cancelled);
        due->expired = true;
        cancel_at(due, due->deadline);
    }
}

/* The limit of t's scope may have passed: look at the clock, and fire what is overdue, earliest first. */
int async__expire_overdue(struct loop *l, async_task *t)
{
    probe_at(l, t, AT_CHECKPOINT);
    int64_t now = loop_read_clock(l);
    while (t->scope->next_deadline <= now && !t->scope->effectively_cancelled) {
        async_scope *due = NULL;
        for (async_scope *s = t->scope; s; s = s->kind == SCOPE_SHIELD ? NULL : s->outer)
            if (!s->cancelled && s->deadline <= now && (!due || s->deadline <= due->deadline))
                due = s;
        if (!due)
            break;
        async__scope_expire(due);
    }
    return t->scope->effectively_cancelled ? async__deliver_cancel(t) : 0;
}

int async__deliver_cancel(async_task *t)
{
    probe_at(t->loop, t, AT_REFUSAL);
    for (async_scope *s = t->scope; s; s = s->kind == SCOPE_SHIELD ? NULL : s->outer)
        s->delivered |= s->cancelled;
    if (unlikely(t->loop->debug))
        async__refused_again(t);
    return -ECANCELED;
}

/* A task behind a shield is not alert for the limits beyond, but they still matter to the children of its groups out
 * there: what a shield hides is armed when it is entered. */
void async__arm_deadlines(struct loop *l, async_task *t)
{
    probe_at(l, t, AT_WAIT);
    if (!t->scope->unarmed)
        return;
    for (async_scope *s = t->scope; s && s->task == t; s = s->outer) {
        if (s->deadline != NEVER && !s->timer && !s->cancelled)
            s->timer = async__timer_arm(&l->timers, s->deadline, s, TIMER_SCOPE);
        s->unarmed = false;
    }
}

static void set_flags(const struct visitor *v, async_scope *s)
{
    (void)v;
    s->effectively_cancelled = false;
    s->next_deadline = NEVER;
    for (const async_scope *o = s; o; o = o->kind == SCOPE_SHIELD ? NULL : o->outer) {
        s->effectively_cancelled |= o->cancelled;
        if (o->deadline < s->next_deadline)
            s->next_deadline = o->deadline;
    }
    changed(s);
}

void async__scope_update(async_scope *s)
{
    struct visitor v = { .scope = set_flags, .top = s };
    visit(&v);
}
