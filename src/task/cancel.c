/* SPDX-License-Identifier: MIT */
/* cancel.c - how a cancel, and a deadline that has passed, reach the tasks that they concern.
 *
 * Nothing here allocates, because a cancel must not fail, and nothing recurses, because trees of
 * groups may be deep and the stack is a task's. */
#include "task/scope.h"

/* --- the walk over everything inside a scope --- */

/* The innermost scope of t inside top that a change of top reaches. Scopes inside a shield are out
 * of reach. */
static async_scope *innermost_reached(async_task *t, const async_scope *top)
{
    async_scope *s = t->scope;
    for (async_scope *o = t->scope; o != top; o = o->outer)
        if (o->kind == SCOPE_SHIELD)
            s = o->outer;
    return s;
}

struct visitor {
    void (*scope)(const struct visitor *v, async_scope *s);
    void (*task)(async_task *t);
    async_scope *top;
    int64_t when;
};

/* Returns t, or the next of its siblings that has scopes, because it has started and not ended.
 * Thread tasks, which have no scopes, are visited on the way. */
static async_task *next_with_scopes(const struct visitor *v, async_task *t)
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
    async_scope *first = innermost_reached(t, top);
    if (first == t->scope && v->task)
        v->task(t);
    return first;
}

/* If s is the scope of a group with a child that has scopes, go down to it: store it in *t, and
 * return its innermost scope. */
static async_scope *visit_children(const struct visitor *v, async_scope *s, async_task **t)
{
    async_group *g = s->kind == SCOPE_GROUP ? s->owner : NULL;
    async_task *child = g ? next_with_scopes(v, g->first) : NULL;
    if (!child)
        return NULL;
    *t = child;
    return visit_task(v, child, &child->body->root);
}

/* Visit all scopes that a change of top reaches, inner ones before outer ones, and the tasks whose
 * innermost scope is among them. The walk needs no stack of its own: it goes from the first child
 * of a group to the last one, and back to the group by the links that are there anyway. */
static void visit_all(const struct visitor *v)
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
            async_task *sibling = next_with_scopes(v, t->next);
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

/* --- cancelling a scope --- */

static void interrupt(async_task *t)
{
    if (t->node.state != TASK_PARKED)
        return;
    disarm(t);
    async__wake(t, INTERRUPTED);
}

/* When the deadline of s passed, had that of a scope around it passed already? Of equal deadlines
 * the outer one counts as earlier. Only scopes inside of top matter, since top is the one that is
 * being cancelled. s is inside of it. */
static bool expired_first(const async_scope *s, const async_scope *top)
{
    if (s->outer->effectively_cancelled)
        return false;
    for (const async_scope *o = s->outer; o != top; o = o->outer)
        if (o->deadline <= s->deadline)
            return false;
    return true;
}

static void scope_changed(async_scope *s)
{
    if (s->task && s->task->scope == s)
        update_needs_check(s->task);
}

/* Mark a scope inside one that is cancelled at the time v->when. If its own deadline had passed
 * before, though no call has looked, then the scope expired first and will report so. */
static void mark_cancelled(const struct visitor *v, async_scope *s)
{
    if (s != v->top && !s->cancelled && s->deadline < v->when) {
        s->first = expired_first(s, v->top);
        s->expired = s->cancelled = true;
    }
    s->effectively_cancelled = true;
    scope_changed(s);
}

static void cancel_at(async_scope *s, int64_t when)
{
    s->cancelled = true;
    if (s->effectively_cancelled) /* everything inside is already, because of a scope around s */
        return;
    struct visitor v = { .scope = mark_cancelled, .task = interrupt, .top = s, .when = when };
    visit_all(&v);
}

void async__scope_cancel(async_scope *s, async_cause cause)
{
    if (s->cancelled)
        return;
    if (!cause.site)
        cause.site = s->cause.site; /* where the block is */
    s->cause = cause;
    cancel_at(s, ns_after(loop_now(async__loop), 1));
}

static void set_flags(const struct visitor *v, async_scope *s)
{
    (void)v;
    s->effectively_cancelled = false;
    for (const async_scope *o = s; o; o = o->kind == SCOPE_SHIELD ? NULL : o->outer)
        s->effectively_cancelled |= o->cancelled;
    s->next_deadline = async__next_deadline(s);
    scope_changed(s);
}

void async__scope_update(async_scope *s)
{
    struct visitor v = { .scope = set_flags, .top = s };
    visit_all(&v);
}

void async__scope_move(async_scope *s, async_scope *outer)
{
    bool was_cancelled = s->effectively_cancelled;
    s->outer = outer;
    async__scope_update(s);
    if (!s->effectively_cancelled || was_cancelled)
        return;
    s->effectively_cancelled = false; /* so that everything inside is marked, and interrupted */
    struct visitor v = { .scope = mark_cancelled,
                         .task = interrupt,
                         .top = s,
                         .when = ns_after(loop_now(async__loop), 1) };
    visit_all(&v);
}

/* --- deadlines --- */

int64_t async__next_deadline(const async_scope *s)
{
    int64_t next = NEVER;
    for (; s; s = s->kind == SCOPE_SHIELD ? NULL : s->outer)
        if (s->deadline < next)
            next = s->deadline;
    return next;
}

/* The deadline of s has passed. Expire it, and before it the scopes around it whose deadlines are
 * not later: of equal deadlines the outermost scope comes first. A scope with a deadline is that of
 * a block, so it has a scope around it. */
void async__scope_expire(async_scope *s)
{
    while (!s->cancelled) {
        async_scope *due = s;
        for (async_scope *o = s->outer; o; o = o->outer)
            if (!o->cancelled && o->deadline <= due->deadline)
                due = o;
        due->first = !due->outer->effectively_cancelled;
        due->expired = true;
        cancel_at(due, due->deadline);
    }
}

/* The scope around t whose deadline passed first, up to the nearest shield; of equal ones the
 * outermost. NULL: none has. None of these scopes is cancelled. */
static async_scope *first_overdue(const async_task *t, int64_t now)
{
    async_scope *due = NULL;
    for (async_scope *s = t->scope; s; s = s->kind == SCOPE_SHIELD ? NULL : s->outer)
        if (s->deadline <= now && (!due || s->deadline <= due->deadline))
            due = s;
    return due;
}

/* If a timeout further out has been moved, the next deadline of this scope may be earlier than any
 * that there is. Then it is derived anew. */
int async__expire_overdue(struct loop *l, async_task *t)
{
    probe_at(l, t, AT_CHECKPOINT);
    int64_t now = loop_read_clock(l);
    while (t->scope->next_deadline <= now && !t->scope->effectively_cancelled) {
        async_scope *due = first_overdue(t, now);
        if (!due) {
            t->scope->next_deadline = async__next_deadline(t->scope);
            update_needs_check(t);
            break;
        }
        async__scope_expire(due);
    }
    return t->scope->effectively_cancelled ? async__deliver_cancel(t) : 0;
}

int async__deliver_cancel(async_task *t)
{
    struct loop *l = t->loop;
    probe_at(l, t, AT_REFUSAL);
    for (async_scope *s = t->scope; s; s = s->kind == SCOPE_SHIELD ? NULL : s->outer)
        s->delivered |= s->cancelled;
    if (unlikely(l->debug))
        l->observer->call_refused(t);
    return -ECANCELED;
}

/* A task behind a shield does not check the deadlines beyond it. They still matter to the children
 * of groups out there, so what a shield hides is armed when the shield is entered. */
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
