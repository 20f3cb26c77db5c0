/* SPDX-License-Identifier: MIT */
/* task.c - the life of a task: how it is created, starts and ends. */
#include "task/task.h"

#include <asyncio/pool.h>

#include <stdio.h>

#include "base/alloc.h"
#include "task/error.h"
#include "task/scope.h"
#include "task/wait_set.h"

/* --- names, and arguments that go with the task --- */

static struct task_extra *extra_of(const async_task *t)
{
    return (struct task_extra *)((char *)t->name - offsetof(struct task_extra, name));
}

static bool add_extra(async_task *t, const char *name, void *owned, void (*drop)(void *owned))
{
    size_t size = strlen(name) + 1;
    struct task_extra *x = async__malloc(sizeof *x + size);
    if (!x)
        return false;
    x->owned = owned;
    x->drop = drop;
    t->name = memcpy(x->name, name, size);
    t->node.flags |= TASK_HAS_EXTRA;
    return true;
}

bool async__task_rename(async_task *t, const char *name)
{
    struct task_extra *old = t->node.flags & TASK_HAS_EXTRA ? extra_of(t) : NULL;
    if (!add_extra(t, name, old ? old->owned : NULL, old ? old->drop : NULL))
        return false;
    async__free(old);
    return true;
}

void async__task_release_extra(async_task *t)
{
    if (!(t->node.flags & TASK_HAS_EXTRA))
        return;
    async__free(extra_of(t));
    t->node.flags &= (uint8_t)~TASK_HAS_EXTRA;
    t->name = "";
}

/* Call a drop function as a callback is called: outside of tasks, so that it cannot suspend the
 * task that is at its end, or that is creating another one. If it calls fork(), the child was made
 * in that task. */
static void call_drop(void (*drop)(void *owned), void *owned)
{
    struct loop *l = async__loop;
    async_task *current = l ? l->sched.current : NULL;
    if (l)
        l->sched.current = NULL;
    drop(owned);
    if (!l)
        return;
    l->sched.current = current;
    if (unlikely(l->forked))
        async__task_forked(l);
}

static void drop_owned(async_task *t)
{
    struct task_extra *x = extra_of(t);
    void (*drop)(void *owned) = x->drop;
    x->drop = NULL;
    if (drop)
        call_drop(drop, x->owned);
}

void async__task_opts_drop(const struct async_task_opts *opts)
{
    if (opts && opts->drop)
        call_drop(opts->drop, opts->owned);
}

/* --- creation --- */

static const char *name_of(const async_co *co)
{
    const char *name = async__co_name(co);
    return name ? name : "task";
}

static const struct async_task_opts no_opts;

/* Debug mode and a probe look at each step and each await_ call. Then a thread task takes the long
 * way, as a task that has a stack and awaits the call. */
static bool needs_no_stack(const struct loop *l, const async_co *co)
{
    return co->run == l->thread_task->run && !l->debug && !l->probe;
}

/* An object without a constant name has its name in itself; the task must have a copy. */
static COLD int apply_opts(async_task *t, struct task_start *s, const async_co *co,
                           const struct async_task_opts *opts)
{
    struct task_label label = async__task_label(t);
    if (opts->stack_size && !async__stack_class(opts->stack_size, &s->stack_class)) {
        async__warn("task \"%s\": .stack_size of %zu bytes is more than 1 GiB", label.text,
                    opts->stack_size);
        return -EINVAL;
    }
    if (co->name && !opts->name && !opts->drop)
        return 0;
    const char *name = opts->name ? opts->name : label.text;
    return add_extra(t, name, opts->owned, opts->drop) ? 0 : -ENOMEM;
}

static COLD async_task *creation_failed(async_group *g, const async_co *co,
                                        const struct async_task_opts *opts, int r, int *err)
{
    if (g)
        async__group_child_not_started(g, co, opts, r);
    async__task_opts_drop(opts);
    if (err)
        *err = r;
    return NULL;
}

/* The members that all new tasks have. They are written one by one, here and below: the compiler
 * would clear the whole record first, by an instruction that is slow to start. The other members
 * are written when the task starts, parks or is linked. */
static inline void init_record(struct loop *l, async_task *t, async_group *g, bool detached)
{
    t->node.state = TASK_READY;
    t->node.why = 0;
    t->node.flags = detached ? TASK_DETACHED : 0;
    t->node.timer = 0;
    t->queue = NULL;
    t->group = g;
    t->joiners.head = NULL;
    t->loop = l;
    t->id_and_locks = l->next_id;
}

/* Nothing can fail any more: make t visible. */
static inline async_task *publish(struct loop *l, async_task *t, enum node_kind kind)
{
    l->next_id++;
    t->node.kind = (uint8_t)kind;
    if (t->group)
        async__group_link(t->group, t);
    ready_push(l, &t->node);
    return t;
}

/* Create t on the cached stack, whose body is b, without a struct task_start in between. */
static inline async_task *create_on_stack(struct loop *l, async_task *t, struct task_body *b,
                                          const async_co *co, const async_site *site)
{
    t->name = co->name;
    t->body = b;
    co_copy(&b->co, co);
    b->context = context_for_callback(l);
    b->site = site;
    body_reset(b);
    return publish(l, t, NODE_NEW_ON_STACK);
}

/* t has options, or there is no cached stack. Returns 0 or a negative errno. */
static int create_with_start(struct loop *l, async_task *t, const async_co *co,
                             const struct async_task_opts *opts)
{
    const struct task_kind *kind = unlikely(needs_no_stack(l, co)) ? l->thread_task : NULL;
    struct task_start *s = kind ? kind->alloc(l) : slab_take(&l->starts);
    if (unlikely(!s))
        return -ENOMEM;
    t->name = likely(co->name) ? co->name : name_of(co);
    s->stack_class = l->sched.default_class;
    bool special = opts->stack_size || opts->name || opts->drop || !co->name;
    int r = unlikely(special) ? apply_opts(t, s, co, opts) : 0;
    if (unlikely(r < 0)) {
        kind ? kind->free(l, s) : slab_give(&l->starts, s);
        return r;
    }
    t->start = s;
    co_copy(&s->co, co);
    s->context = context_for_callback(l);
    s->site = opts->site;
    publish(l, t, kind ? NODE_THREAD_NEW : NODE_NEW);
    return 0;
}

/* Debug mode and a probe want to see each start, and sanitizers each stack. */
static inline bool may_start_on_cached_stack(const struct loop *l, const async_co *co,
                                             const struct async_task_opts *opts)
{
    return !SANITIZED && !l->stepwise && !l->probe && co->name && !opts->stack_size &&
           !opts->name && !opts->drop && co->run != l->thread_task->run;
}

async_task *async__task_new(struct loop *l, const async_co *co, const struct async_task_opts *opts,
                            async_group *g, bool detached, int *err)
{
    if (!opts)
        opts = &no_opts;
    async_task *t = slab_take(&l->tasks);
    if (unlikely(!t))
        return creation_failed(g, co, opts, -ENOMEM, err);
    t->node.kind = 0; /* until the task is complete, a walk over all records passes it by */
    init_record(l, t, g, detached);
    if (likely(l->sched.cached.body && may_start_on_cached_stack(l, co, opts)))
        return create_on_stack(l, t, take_cached_stack(l, t), co, opts->site);
    int r = create_with_start(l, t, co, opts);
    if (likely(r == 0))
        return t;
    slab_give(&l->tasks, t);
    return creation_failed(g, co, opts, r, err);
}

void async__task_free(async_task *t)
{
    if (unlikely(t->joiners.head))
        async__wait_nodes_detach(t);
    if (unlikely(t->value > 0)) { /* the last of its done callbacks frees it */
        t->node.flags |= TASK_DETACHED;
        t->group = NULL;
        return;
    }
    if (unlikely(t->error != NULL))
        async__error_free(t->error);
    if (unlikely(task_holds_locks(t))) {
        t->error = NULL;
        t->group = NULL;
        return;
    }
    async__task_release_extra(t);
    t->node.kind = 0; /* so that a walk over all records passes it by */
    slab_give(&t->loop->tasks, t);
}

/* --- the start --- */

static void init_root(async_task *t)
{
    async_scope *root = &t->body->root, *outer = t->group ? &t->group->scope : NULL;
    bool cancelled = t->node.flags & TASK_CANCELLED_EARLY;
    root->outer = outer;
    root->blocks = NULL;
    root->task = t;
    root->owner = root->result_at = NULL;
    root->deadline = NEVER;
    root->next_deadline = outer ? outer->next_deadline : NEVER;
    root->timer = 0;
    root->kind = SCOPE_ROOT;
    root->state = SCOPE_IN;
    root->cancelled = cancelled;
    root->effectively_cancelled = cancelled || (outer && outer->effectively_cancelled);
    root->cause.site = NULL;
    root->expired = root->first = root->delivered = root->unarmed = false;
    /* The reason was not stored, because no function of the task will run and read it. */
    if (unlikely(cancelled))
        root->cause = (async_cause){ ASYNC_CANCEL_TASK, "", "", NULL };
    t->scope = root;
    update_needs_check(t);
}

void async__task_run(async_task *t)
{
    init_root(t);
    int r = checkpoint(t);
    if (likely(r == 0))
        r = t->body->co.run(t->body->co.frame);
    async__task_end(t, r);
}

void async__task_borrow_body(async_task *t, struct task_body *b)
{
    const struct task_start *s = t->start;
    b->co.name = s->co.name;
    b->context = s->context;
    b->site = s->site;
    b->stack = (struct stack){ .bottom = NULL };
    body_reset(b);
    t->body = b;
    t->node.kind = NODE_TASK;
    t->node.state = TASK_RUNNING;
    t->loop->sched.current = t;
    init_root(t);
}

/* The task ends without having begun: there is no memory for its stack, or it is cancelled. */
void async__task_fail_start(async_task *t, int err)
{
    struct task_body b = { .root.kind = SCOPE_ROOT, .message = "no memory for a stack" };
    async__body_init(t, &b);
    init_root(t);
    t->node.kind = NODE_TASK;
    b.trace_code = err;
    async__task_end(t, b.root.effectively_cancelled ? -ECANCELED : err);
}

/* --- the end --- */

/* A task that awaits t receives the error of t as the result of the call, and its record as the
 * cause of whatever it fails with itself. */
static void hand_error_to(async_task *heir, async_task *t, int result)
{
    async_error *e = async__error_new(t, result);
    if (e)
        e->retrieved = true;
    async__error_set_cause(heir, e);
}

/* Does another task wait for the result of t? One that drops the handle waits for the end only. */
static bool is_awaited(const async_task *t)
{
    const async_task *first = first_task(t->joiners.head);
    return first && (!(t->node.flags & TASK_DROPPED) || first_task(first->node.next));
}

/* The task that receives the error of t: the first that awaits it; NULL if none does. */
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
            async__done_callback_schedule(w, t);
        }
    }
}

/* A task's error is never dropped. Its group keeps it; without a group, the first waiter receives
 * it; without a waiter, the handle keeps it until it is retrieved. */
void async__task_end(async_task *t, int result)
{
    struct loop *l = t->loop;
    if (unlikely(t->node.flags & TASK_HAS_EXTRA))
        drop_owned(t);
    async_group *g = t->group;
    bool failed = result < 0 && result != -ECANCELED, awaited = failed && is_awaited(t);
    async_task *heir = failed ? first_waiter(t) : NULL;
    t->result = result;
    t->value = 0;
    t->node.state = TASK_DONE;
    t->ended = ++l->ended;
    wake_joiners(t, result);
    if (unlikely(t == l->root_task))
        async__loop_stop(l);
    if (unlikely(task_holds_locks(t)))
        l->owner_ended(t);
    async_error *failure = NULL;
    if (g)
        async__group_child_ended(g, t);
    if (t->group) /* it has the error, if there is one; a group of lost tasks has given t up */
        ;
    else if (heir)
        hand_error_to(heir, t, result);
    else if (failed && !awaited && !(t->node.flags & TASK_DETACHED))
        failure = async__error_new(t, result);
    if (unlikely(t->body->cause))
        async__error_free_causes(t, result);
    if (unlikely(t->body->wait_set))
        async__wait_set_discard(t);
    if (unlikely(t->body->context))
        async__context_unref(t->body->context);
    t->error = failure; /* in the place of the body, which is no more */
    if (t->node.flags & TASK_DETACHED)
        async__task_free(t);
}
