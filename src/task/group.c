/* SPDX-License-Identifier: MIT */
/* group.c - groups: children that cannot outlive them. */
#include <asyncio/group.h>

#include <stdio.h>

#include "task/error.h"
#include "task/scope.h"
#include "task/task.h"

void async__group_link(async_group *g, async_task *t)
{
    t->prev = g->last;
    t->next = NULL;
    *(g->last ? &g->last->next : &g->first) = t;
    g->last = t;
    g->running++;
}

void async__group_unlink(async_group *g, async_task *t)
{
    *(t->prev ? &t->prev->next : &g->first) = t->next;
    *(t->next ? &t->next->prev : &g->last) = t->prev;
}

static void stop(async_group *g, const char *who, const char *why, const async_site *site)
{
    async__scope_cancel(&g->scope, (async_cause){ ASYNC_CANCEL_GROUP, who, why, site });
}

static void append_error(async_group *g, async_error *e)
{
    *(g->errors ? &g->latest_error->next : &g->errors) = e;
    g->latest_error = e;
}

/* The group keeps the failure's record, and with it the words that say why it was cancelled. */
static void child_failed(async_group *g, async_task *t)
{
    async_error *e = async__error_new(t, t->result);
    if (e)
        append_error(g, e);
    if (g->loose)
        return;
    if (!g->err)
        g->err = t->result;
    stop(g, e ? e->task : "", e ? e->text : "", e ? e->site : NULL);
}

static void child_was_cancelled(async_group *g)
{
    if (!g->strict || g->scope.effectively_cancelled) /* with the group, or alone? */
        return;
    g->err = -ECANCELED;
    stop(g, "", "a child was cancelled", NULL);
}

/* There may be some memory for saying so. */
void async__group_child_not_started(async_group *g, const async_co *co, const struct async_task_opts *opts)
{
    static const char why[] = "no memory for a child";
    const char *name = opts->name ? opts->name : co->name ? co->name : "task";
    async_error *e = g->background ? NULL : async__error_not_started(name, -ENOMEM, why, opts->site);
    if (e)
        append_error(g, e);
    if (!g->err)
        g->err = -ENOMEM;
    if (!g->loose)
        stop(g, "", why, opts->site);
}

void async__group_child_ended(async_group *g, async_task *t)
{
    if (g->race && !g->winner && !g->scope.effectively_cancelled) {
        g->winner = t;
        g->unfair = !task_has_begun(g->last);
        stop(g, "", "another one was first", NULL);
    }
    if (g->background) {
        if (t->node.flags & TASK_REMOTE)
            async__remote_ended(t);
        else if (t->result < 0 && t->result != -ECANCELED)
            async__report(t, t->result);
    } else if (t->result < 0 && t->result != -ECANCELED) {
        child_failed(g, t);
    } else if (t->result == -ECANCELED) {
        child_was_cancelled(g);
    }
    if (t->node.flags & TASK_DETACHED)
        async__group_unlink(g, t);
    if (--g->running == 0)
        async__wake_all(&g->idle, 0);
}

/* Is g of another thread's loop, or of none? */
static bool is_foreign(const async_group *g, const struct loop *l)
{
    return g->scope.task ? g->scope.task->loop != l : !l || g != l->background;
}

static async_task *spawn(async_group *g, const async_co *co, const struct async_task_opts *opts,
                         bool detached, int *err)
{
    struct loop *l = async__loop;
    *err = 0;
    if (unlikely(!l || !g)) {
        *err = async__not_in_task("async_spawn");
        return NULL;
    }
    if (unlikely(is_foreign(g, l))) {
        async__warn("a task is spawned into a group of another thread's loop, or of none");
        *err = -EPERM;
        return NULL;
    }
    if (unlikely(!g->open || g->scope.effectively_cancelled)) {
        *err = -ECANCELED;
        return NULL;
    }
    async_task *t = async__task_new(l, co, opts, g, detached);
    if (unlikely(!t))
        *err = -ENOMEM;
    return t;
}

int async_spawn_opt(async_group *g, const async_co *co, const struct async_task_opts *opts)
{
    int err;
    spawn(g, co, opts, true, &err);
    return err;
}

/* A handle that has ended: what a refused start gives. */
static async_task *refused(async_group *g, const async_co *co)
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
                       .loop = l };
    async__group_link(g, t);
    g->running--;
    return t;
}

async_task *async_group_create_task_opt(async_group *g, const async_co *co,
                                        const struct async_task_opts *opts)
{
    int err;
    async_task *t = spawn(g, co, opts, false, &err);
    return err == -ECANCELED ? refused(g, co) : t;
}

void async_group_cancel_at(async_group *g, const async_site *site)
{
    const async_task *t = async_current_task();
    if (unlikely(is_foreign(g, async__loop))) {
        async__warn("async_group_cancel of a group of another thread's loop, or of none");
        return;
    }
    if (g->scope.cancelled)
        return;
    snprintf(g->who, sizeof g->who, "%s", t ? t->name : "");
    stop(g, g->who, "async_group_cancel", site);
}

/* The body's own failure stands first in the tree, unless a child had failed before. */
static void body_failed(async_group *g, async_task *t, int err)
{
    async_error *e = async__error_new(t, err);
    if (e && !g->err && g->errors) {
        e->next = g->errors;
        g->errors = e;
    } else if (e) {
        append_error(g, e);
    }
    if (!g->err)
        g->err = err;
}

/* Wait for the children, whatever happens meanwhile. true: a cancellation from outside reached us; then it reaches them
 * too. */
static bool await_children(async_group *g, async_task *t)
{
    const async_scope *outer = g->scope.outer;
    bool interrupted = false, told = false;
    if (g->running && g->scope.next_deadline != NEVER && !coarse_clock_before(&t->loop->coarse, g->scope.next_deadline))
        async__expire_overdue(t->loop, t);
    while (g->running) {
        if (!interrupted && outer->effectively_cancelled) {
            interrupted = true;
            async__deliver_cancel(t);
            stop(g, NULL, "its body was cancelled", NULL);
        }
        told |= wait_in(t, &g->idle) == INTERRUPTED;
    }
    if (told && !interrupted && outer->effectively_cancelled) { /* the children were faster */
        interrupted = true;
        async__deliver_cancel(t);
    }
    return interrupted;
}

/* The body has been left: with err, tried if through ASYNC_TRY. The scope is still entered, so that whatever cancels
 * us from outside finds the children. */
int async__group_finish(async_group *g, int err, bool tried)
{
    async_task *t = g->scope.task;
    bool stopped = g->scope.cancelled;
    if (err < 0 && err != -ECANCELED)
        body_failed(g, t, err);
    if (err < 0 || tried)
        stop(g, NULL, "its body was left", NULL);
    bool interrupted = await_children(g, t);
    g->open = false;
    if (g->errors)
        async__error_from_group(t, g);
    if (g->err)
        return g->err;
    if (interrupted)
        return -ECANCELED;
    return err == -ECANCELED && stopped && !g->scope.outer->effectively_cancelled ? 0 : err;
}

const async_error *async_group_errors(const async_group *g)
{
    return g->errors;
}

/* Should this task fail now, the group's errors are why. */
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
