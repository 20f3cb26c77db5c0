/* SPDX-License-Identifier: MIT */
/* group.c - groups: tasks that cannot outlive the block that started them. */
#include "task/group.h"

#include <stdio.h>

#include "task/error.h"
#include "task/scope.h"
#include "task/task.h"

/* --- children --- */

void async__group_unlink(async_group *g, async_task *t)
{
    *(t->prev ? &t->prev->next : &g->first) = t->next;
    *(t->next ? &t->next->prev : &g->last) = t->prev;
}

static void group_stop(async_group *g, const char *who, const char *why, const async_site *site)
{
    async__scope_cancel(&g->scope, (async_cause){ ASYNC_CANCEL_GROUP, who, why, site });
}

static void append_error(async_group *g, async_error *e)
{
    *(g->errors ? &g->latest_error->next : &g->errors) = e;
    g->latest_error = e;
}

/* The group keeps the record of the failure, and with it the strings of the cause of the
 * cancellation. */
static void child_failed(async_group *g, async_task *t)
{
    async_error *e = async__error_new(t, t->result);
    if (e)
        append_error(g, e);
    if (g->policy == GROUP_COLLECT || g->policy == GROUP_RACE)
        return;
    if (!g->err)
        g->err = t->result;
    group_stop(g, e ? e->task : "", e ? e->text : "", e ? e->site : NULL);
}

/* A gather fails if a child was cancelled alone, and not together with the gather. */
static void child_was_cancelled(async_group *g)
{
    if (g->policy != GROUP_GATHER || g->scope.effectively_cancelled)
        return;
    g->err = -ECANCELED;
    group_stop(g, "", "a child was cancelled", NULL);
}

void async__group_child_not_started(async_group *g, const async_co *co,
                                    const struct async_task_opts *opts, int err)
{
    static const char no_memory[] = "no memory for a child", no_stack[] = "no stack of that size";
    const char *why = err == -ENOMEM ? no_memory : no_stack;
    const char *name = opts->name ? opts->name : async__co_name(co);
    if (!name)
        name = "task";
    async_error *e = g->policy == GROUP_BACKGROUND
                             ? NULL
                             : async__error_not_started(name, err, why, opts->site);
    if (e)
        append_error(g, e);
    if (!g->err)
        g->err = err;
    if (g->policy == GROUP_DEFAULT || g->policy == GROUP_GATHER || g->policy == GROUP_START)
        group_stop(g, "", why, opts->site);
}

static void race_won(async_group *g, async_task *t)
{
    g->winner = t;
    g->all_started = task_has_started(g->last);
    snprintf(g->canceller, sizeof g->canceller, "%s", async__task_label(t).text);
    group_stop(g, g->canceller, "another coroutine won the race", NULL);
}

static void background_child_ended(async_task *t)
{
    if (t->node.flags & TASK_REMOTE)
        async__remote_ended(t);
    else if (t->result < 0 && t->result != -ECANCELED)
        async__report(t, t->result);
}

/* What a child that has succeeded needs only in a race, or in a group that is not a user's. */
static NOINLINE void account_for_end(async_group *g, async_task *t)
{
    if (g->policy == GROUP_RACE && !g->winner && !g->scope.effectively_cancelled)
        race_won(g, t);
    if (g->policy == GROUP_BACKGROUND)
        background_child_ended(t);
    else if (g->policy == GROUP_LOST)
        ; /* its error is kept for its handle */
    else if (t->result < 0 && t->result != -ECANCELED)
        child_failed(g, t);
    else if (t->result == -ECANCELED)
        child_was_cancelled(g);
    if (g->policy == GROUP_LOST) {
        async__group_unlink(g, t);
        t->group = NULL;
    }
}

void async__group_child_ended(async_group *g, async_task *t)
{
    if (unlikely(t->result < 0 || g->policy >= GROUP_RACE))
        account_for_end(g, t);
    if (t->group && t->node.flags & TASK_DETACHED)
        async__group_unlink(g, t);
    if (--g->running == 0)
        async__wake_all(&g->idle, 0);
}

/* --- spawning --- */

/* Does g belong to the loop of another thread, or to none? */
static bool is_foreign(const async_group *g, const struct loop *l)
{
    return g->scope.task ? g->scope.task->loop != l : !l || g != l->background;
}

int async__group_check_spawn(const async_group *g)
{
    const struct loop *l = async__loop;
    if (unlikely(!l || !g))
        return async__not_in_task("async_spawn");
    if (unlikely(is_foreign(g, l))) {
        async__warn("async_spawn() into a group of another thread's loop, or into one whose block "
                    "was not entered; use async_create_task_threadsafe()");
        return -EPERM;
    }
    return unlikely(!g->open || g->scope.effectively_cancelled) ? -ECANCELED : 0;
}

static async_task *spawn(async_group *g, const async_co *co, const struct async_task_opts *opts,
                         bool detached, int *err)
{
    *err = async__group_check_spawn(g);
    if (likely(*err == 0))
        return async__task_new(async__loop, co, opts, g, detached, err);
    async__task_opts_drop(opts);
    return NULL;
}

int async_spawn_opt(async_group *g, const async_co *co, const struct async_task_opts *opts)
{
    int err;
    spawn(g, co, opts, true, &err);
    return err;
}

/* The handle of a task that has ended already: what a refused start returns. */
static async_task *refused_task(async_group *g, const async_co *co)
{
    struct loop *l = async__loop;
    async_task *t = slab_take(&l->tasks);
    if (!t)
        return NULL;
    *t = (async_task){ .node.kind = NODE_TASK,
                       .node.state = TASK_DONE,
                       .ended = ++l->ended,
                       .group = g,
                       .result = -ECANCELED,
                       .name = co->name ? co->name : "task",
                       .loop = l,
                       .id_and_locks = l->next_id++ };
    async__group_link(g, t);
    g->running--;
    return t;
}

async_task *async_group_create_task_opt(async_group *g, const async_co *co,
                                        const struct async_task_opts *opts)
{
    int err;
    async_task *t = spawn(g, co, opts, false, &err);
    return err == -ECANCELED ? refused_task(g, co) : t;
}

void async_group_cancel_at(async_group *g, const async_site *site)
{
    const async_task *t = async_current_task();
    if (!g) {
        async__warn("async_group_cancel() of NULL: ignored");
        return;
    }
    if (unlikely(is_foreign(g, async__loop))) {
        async__warn(
                "async_group_cancel() of a group of another thread's loop, or of one whose block "
                "was not entered: ignored; "
                "use async_call_soon_threadsafe()");
        return;
    }
    if (g->scope.cancelled)
        return;
    snprintf(g->canceller, sizeof g->canceller, "%s", t ? async__task_label(t).text : "");
    group_stop(g, g->canceller, "async_group_cancel", site);
}

/* --- leaving --- */

/* The failure of the body is one more in the list. The group has the error of the first. */
static void body_failed(async_group *g, async_task *t, int err)
{
    async_error *e = async__error_new(t, err);
    if (e) {
        e->retrieved = true; /* its code is at hand where the error is, and in the block's result */
        append_error(g, e);
    }
    if (!g->err)
        g->err = err;
}

/* Wait for the children, whatever happens meanwhile. Returns whether a cancellation from outside
 * has reached the body; then it reaches the children, too. */
static bool await_children(async_group *g, async_task *t)
{
    const async_scope *outer = g->scope.outer;
    bool cancelled = false, interrupted = false;
    if (!g->running) /* a loop around a group without children must not starve the other tasks */
        use_credit(t->loop, t);
    if (g->running && g->scope.next_deadline != NEVER &&
        !coarse_clock_before(&t->loop->coarse, g->scope.next_deadline))
        async__expire_overdue(t->loop, t);
    while (g->running) {
        if (!cancelled && outer->effectively_cancelled) {
            cancelled = true;
            async__deliver_cancel(t);
            group_stop(g, NULL, "its body was cancelled", NULL);
        }
        interrupted |= wait_in(t, &g->idle) == INTERRUPTED;
    }
    /* The children may have ended after the interruption, before the body ran again. */
    if (interrupted && !cancelled && outer->effectively_cancelled) {
        cancelled = true;
        async__deliver_cancel(t);
    }
    return cancelled;
}

/* The body has been left with err; tried: through ASYNC_TRY. The scope is still entered, so that
 * whatever cancels the task from outside also finds the children. */
int async__group_leave(async_group *g, int err, bool tried)
{
    async_task *t = g->scope.task;
    bool stopped = g->scope.cancelled;
    if (err < 0 && err != -ECANCELED)
        body_failed(g, t, err);
    if (err < 0 || tried)
        group_stop(g, NULL, "its body was left", NULL);
    bool cancelled = await_children(g, t);
    g->open = false;
    if (g->errors)
        async__error_from_group(t, g);
    if (g->err)
        return g->err;
    if (cancelled)
        return -ECANCELED;
    return err == -ECANCELED && stopped && !g->scope.outer->effectively_cancelled ? 0 : err;
}

const async_error *async_group_errors(const async_group *g)
{
    async__errors_mark_retrieved(g->errors);
    return g->errors;
}

/* If the task fails now, the group's errors are the cause. */
void async_group_free(async_group *g)
{
    async_task *self = async_current_task();
    for (async_task *t = g->first, *next; t; t = next) {
        next = t->next;
        async__task_free(t);
    }
    g->first = g->last = NULL;
    if (self && self->body->failed == g)
        self->body->failed = NULL;
    if (g->policy != GROUP_DEFAULT)
        async__errors_mark_retrieved(g->errors); /* the function of the group returns the result */
    if (g->errors && self)
        async__error_set_cause(self, g->errors);
    else
        async__error_free(g->errors);
    g->errors = NULL;
}

async_group *async_background(void)
{
    return async__loop ? async__loop->background : NULL;
}
