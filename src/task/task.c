/* SPDX-License-Identifier: MIT */
/* task.c - a task's life: made, started, ended, awaited. */
#include "task/task.h"

#include <asyncio/pool.h>

#include <stdio.h>

#include "base/alloc.h"
#include "task/error.h"
#include "task/scope.h"
#include "task/wait_set.h"

int async__not_in_task(const char *what)
{
    if (async__forked && !async__loop)
        async__warn("%s in a child of fork(), whose loop is its parent's: call _exit() or exec, or "
                        "async_run() for a loop of its own",
                        what);
    else if (async__thread_call)
        async__warn("%s on the thread of \"%s\": what runs on a thread must not await", what,
                        async__thread_call->name);
    else
        async__warn("%s outside of a task", what);
    return -EPERM;
}

static const struct async_task_opts no_opts;

static bool set_name(async_task *t, const char *name)
{
    char *copy = async__strdup(name);
    if (!copy)
        return false;
    if (t->node.flags & TASK_OWNS_NAME)
        async__free((char *)t->name);
    t->name = copy;
    t->node.flags |= TASK_OWNS_NAME;
    return true;
}

async_task *async__task_new(struct loop *l, const async_co *co, const struct async_task_opts *opts,
                            async_group *g, bool detached)
{
    if (!opts)
        opts = &no_opts;
    async_task *t = slab_take(&l->tasks);
    /* Who is watched goes the long way, with a stack. */
    bool direct = unlikely(co->run == await_thread_) && !l->debug && !l->probe;
    struct start *s = unlikely(!t) ? NULL : direct ? async__thread_task_alloc(l) : slab_take(&l->starts);
    if (unlikely(!s))
        goto no_memory;
    s->context = async__context_of_caller();
    /* Field by field: the compiler would zero the whole record first, by an instruction that is slow to start. The
     * others are set when the task starts, parks or is linked. */
    t->node.kind = direct ? NODE_THREAD_NEW : NODE_NEW;
    t->node.state = TASK_READY;
    t->node.why = 0;
    t->node.flags = detached ? TASK_DETACHED : 0;
    t->node.timer = 0;
    t->queue = NULL;
    t->start = s;
    t->group = g;
    t->joiners.head = NULL;
    t->name = co->name ? co->name : "task";
    t->loop = l;
    t->id = l->next_id++;
    t->requests = 0;
    t->locks = 0;
    co_copy(&s->co, co);
    s->site = opts->site;
    s->stack_class = l->default_class;
    if (unlikely(opts->stack_size && !async__stack_class(opts->stack_size, &s->stack_class)))
        goto no_memory;
    if (unlikely(opts->name && !set_name(t, opts->name)))
        goto no_memory;
    if (g)
        async__group_link(g, t);
    ready_push(l, &t->node);
    return t;
no_memory:
    if (s) {
        async__context_unref(s->context);
        slab_give(direct ? &l->directs : &l->starts, s);
    }
    if (t) {
        t->node.kind = 0;
        slab_give(&l->tasks, t);
    }
    if (g)
        async__group_child_not_started(g, co, opts);
    return NULL;
}

void async__task_free(async_task *t)
{
    if (unlikely(t->joiners.head))
        async__wait_nodes_detach(t);
    if (unlikely(t->value > 0)) { /* its done callbacks will do it */
        t->node.flags |= TASK_DETACHED;
        t->group = NULL;
        return;
    }
    if (unlikely(t->error != NULL))
        async__error_free(t->error);
    if (unlikely(t->locks > 0)) {
        t->error = NULL;
        t->group = NULL;
        return;
    }
    if (t->node.flags & TASK_OWNS_NAME)
        async__free((char *)t->name);
    t->node.kind = 0; /* for who looks through all records */
    slab_give(&t->loop->tasks, t);
}

static void init_root(async_task *t)
{
    async_scope *root = &t->body->root, *outer = t->group ? &t->group->scope : NULL;
    bool asked = t->node.flags & TASK_CANCELLED_EARLY;
    root->outer = outer;
    root->blocks = NULL;
    root->task = t;
    root->owner = root->verdict = NULL;
    root->deadline = NEVER;
    root->next_deadline = outer ? outer->next_deadline : NEVER;
    root->timer = 0;
    root->kind = SCOPE_ROOT;
    root->state = SCOPE_IN;
    root->cancelled = asked;
    root->effectively_cancelled = asked || (outer && outer->effectively_cancelled);
    root->expired = root->first = root->delivered = root->unarmed = false;
    if (unlikely(asked)) /* the words were not kept: no body of the task's own will ask for them */
        root->cause = (async_cause){ ASYNC_CANCEL_TASK, "", "", NULL };
    t->scope = root;
    update_needs_check(t);
}

/* Is there anybody who waits for t's result? */
static bool is_awaited(const async_task *t)
{
    const async_task *first = first_task(t->joiners.head);
    return first && (!(t->node.flags & TASK_DROPPED) || first_task(first->node.next));
}

/* The first of those who await t, who learns why it failed; NULL: nobody does. */
static async_task *first_waiter(const async_task *t)
{
    return t->node.flags & TASK_DROPPED ? NULL : first_task(t->joiners.head);
}

static void wake_joiners(async_task *t, int result)
{
    for (struct async_waiter *w = t->joiners.head, *next; w; w = next) {
        next = w->next;
        if (likely(w->kind == NODE_TASK)) {
            task_of(w)->value = result;
            async__wake(task_of(w), WOKEN);
        } else if (w->kind == NODE_WAIT) {
            async__wait_node_completed((struct wait_node *)w, t);
        } else {
            async__done_call(w, t);
        }
    }
}

/* Nobody may lose what the task has failed of: its group keeps it, or who awaits it gets it, or its handle keeps it until
 * somebody asks. */
void async__task_end(async_task *t, int result)
{
    struct loop *l = t->loop;
    async_group *g = t->group;
    bool failed = result < 0 && result != -ECANCELED, awaited = failed && is_awaited(t);
    async_task *who = failed ? first_waiter(t) : NULL;
    t->result = result;
    t->value = 0;
    t->node.state = TASK_DONE;
    t->ended = ++l->ended;
    wake_joiners(t, result);
    if (unlikely(t == l->root_task))
        loop_stop(l);
    if (unlikely(t->locks > 0))
        async__locks_abandoned(t);
    async_error *failure = NULL;
    if (g)
        async__group_child_ended(g, t);
    else if (who)
        async__error_set_cause(who, async__error_new(t, result));
    else if (failed && !awaited && !(t->node.flags & TASK_DETACHED))
        failure = async__error_new(t, result);
    async_error *causes = t->body->cause;
    async__wait_set_discard(t);
    if (unlikely(t->body->context))
        async__context_unref(t->body->context);
    t->error = failure; /* the body is no more */
    if (unlikely(causes))
        async__error_free(causes);
    if (t->node.flags & TASK_DETACHED)
        async__task_free(t);
}

void async__task_run(async_task *t)
{
    init_root(t);
    int r = checkpoint(t->loop, t);
    if (likely(r == 0))
        r = t->body->co.run(t->body->co.frame);
    async__task_end(t, r);
}

void async__task_borrow_body(async_task *t, struct body *b)
{
    const struct start *s = t->start;
    b->co.name = s->co.name;
    b->context = s->context;
    b->site = s->site;
    b->stack = (struct stack){ .bottom = NULL };
    body_fresh(b);
    t->body = b;
    t->node.kind = NODE_TASK;
    t->node.state = TASK_RUNNING;
    t->loop->current = t;
    init_root(t);
}

/* There is no stack for it: it ends without having begun, which is what a cancel wants, too. */
void async__task_fail_start(async_task *t, int err)
{
    struct body b = { .root.kind = SCOPE_ROOT, .text = "no memory for a stack" }; /* to end with */
    async__body_init(t, &b);
    init_root(t);
    t->node.kind = NODE_TASK;
    b.trace_code = err;
    async__task_end(t, b.root.effectively_cancelled ? -ECANCELED : err);
}

async_task *async_create_task_opt(const async_co *co, const struct async_task_opts *opts)
{
    struct loop *l = async__loop;
    if (!l) {
        async__not_in_task("async_create_task");
        return NULL;
    }
    return async__task_new(l, co, opts, NULL, false);
}

static void mark_retrieved(async_task *t)
{
    if (unlikely(t->error != NULL)) {
        async__error_free(t->error);
        t->error = NULL;
    }
}

int await_task(async_task *t)
{
    async_task *self;
    int r = await_begin(&self, "await_task");
    if (r < 0)
        return r;
    if (!t)
        return -ENOMEM;
    if (unlikely(t->loop != self->loop)) {
        async__warn("task \"%s\" awaits a task of another thread's loop", self->name);
        return -EPERM;
    }
    if (unlikely(t == self)) {
        async__warn("task \"%s\" awaits itself", t->name);
        return -EDEADLK;
    }
    if (t->node.state == TASK_DONE) {
        if (unlikely(t->error != NULL)) {
            async__error_set_cause(self, t->error);
            t->error = NULL;
        }
        r = t->result;
    } else {
        r = wait_for_event(self, &t->joiners);
        if (r < 0)
            return r;
        r = self->value; /* the record may have gone with its handle */
    }
    return r;
}

ASYNC__MAKE(joining, "await_task", await_task, (async_task *)t)

async_co async_joining(async_task *t)
{
    return joining(t);
}

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

bool async__task_request(async_task *t, enum async_cancel_kind kind, const char *why,
                         const async_site *site)
{
    if (!t || t->node.state == TASK_DONE)
        return false;
    if (t->requests < UINT16_MAX)
        t->requests++;
    if (t->node.kind != NODE_TASK) {
        t->node.flags |= TASK_CANCELLED_EARLY;
        if (t->node.state == TASK_PARKED)
            async__wake(t, INTERRUPTED);
        return true;
    }
    struct body *b = t->body;
    if (!b->root.cancelled) {
        const async_task *who = t->loop->current;
        copy_text(b->who, sizeof b->who, who ? who->name : "");
        copy_text(b->why, sizeof b->why, why);
        async__scope_cancel(&b->root, (async_cause){ kind, b->who, b->why, site });
    }
    return true;
}

bool async_task_cancel_opt(async_task *t, const struct async_cancel_opts *opts)
{
    if (t && t->loop != async__loop) {
        async__warn("async_task_cancel of task \"%s\" from a foreign thread", t->name);
        return false;
    }
    return async__task_request(t, ASYNC_CANCEL_TASK, opts ? opts->reason : NULL,
                               opts ? opts->site : NULL);
}

void async__task_end_and_wait(async_task *self, async_task *t, enum async_cancel_kind kind,
                              const char *why)
{
    async_scope shield;
    async__task_request(t, kind, why, NULL);
    t->node.flags |= TASK_DROPPED;
    shield_enter(&shield, self);
    while (t->node.state != TASK_DONE)
        wait_in(self, &t->joiners);
    shield_leave(&shield, self);
}

void await_task_drop(async_task **handle)
{
    async_task *t = *handle;
    struct loop *l = async__loop;
    *handle = NULL;
    if (!t)
        return;
    if (t->node.state != TASK_DONE) {
        if (!l || l != t->loop || !l->current || l->current == t) {
            async__warn("task \"%s\" is dropped where it cannot be awaited; it goes on",
                            t->loop == l ? t->name : "?");
            return;
        }
        async__task_end_and_wait(l->current, t, ASYNC_CANCEL_TASK, "its block was left");
    }
    if (!t->group) { /* else the handle is the group's */
        async__report_unretrieved(t);
        async__task_free(t);
    }
}

/* The handle of a task that could not be made is NULL: it counts as one that has ended for lack of memory. */
bool async_task_done(const async_task *t)
{
    return !t || t->node.state == TASK_DONE;
}

bool async_task_cancelled(const async_task *t)
{
    return t && t->node.state == TASK_DONE && t->result == -ECANCELED;
}

int async_task_result(const async_task *t)
{
    if (!t)
        return -ENOMEM;
    if (t->node.state != TASK_DONE)
        return -EINPROGRESS;
    mark_retrieved((async_task *)t); /* our own record */
    return t->result;
}

uint64_t async_task_id(const async_task *t)
{
    return t ? t->id : 0;
}

const char *async_task_name(const async_task *t)
{
    return t ? t->name : "";
}

void async_task_set_name(async_task *t, const char *name)
{
    if (t)
        set_name(t, name);
}

async_task *async_current_task(void)
{
    return async__loop ? async__loop->current : NULL;
}
