/* SPDX-License-Identifier: MIT */
/* shutdown.c - the end of what a run, or a Runner, has left: callbacks run, tasks are cancelled and awaited. */
#include <stdio.h>

#include "task/error.h"
#include "task/run.h"
#include "task/scope.h"
#include "task/task.h"

struct search {
    const async_task *self;
    async_task *found;
};

static void look_at(void *record, void *arg)
{
    struct search *s = arg;
    async_task *t = record;
    bool alive = t->node.kind && t->node.state != TASK_DONE && t != s->self;
    if (alive && (!s->found || t->id < s->found->id))
        s->found = t;
}

/* Tasks whose handles were lost, oldest first. */
static async_task *any_other_task(struct loop *l, const async_task *self)
{
    struct search s = { .self = self };
    async__slab_each(&l->tasks, look_at, &s);
    return s.found;
}

static void collect_record(void *record, void *arg)
{
    struct search *s = arg;
    async_task *t = record;
    if (!t->node.kind)
        return;
    async__report_unretrieved(t);
    t->next = s->found;
    s->found = t;
}

/* The run is over: what is left of tasks whose handles were lost, or which held a lock. Not freed in the walk itself: a
 * chunk that becomes empty goes. */
void async__forget_records(struct loop *l)
{
    struct search s = { 0 };
    async__slab_each(&l->tasks, collect_record, &s);
    for (async_task *t = s.found, *next; t; t = next) {
        next = t->next;
        t->locks = 0;
        async__task_free(t);
    }
}

static const char has_returned[] = "main has returned";

/* A task whose handle was lost. Those in groups are cancelled by way of these. */
static void cancel_lost(void *record, void *arg)
{
    async_task *t = record;
    if (!t->node.kind || t->node.state == TASK_DONE || t->group || t == arg)
        return;
    if (t->loop->debug)
        async__warn("task \"%s\" was left running, its handle is lost", t->name);
    async__task_request(t, ASYNC_CANCEL_SHUTDOWN, has_returned, NULL);
}

/* Run each callback that is ready, once: those that they add are not waited for, it might be for ever. */
static void run_callbacks(struct loop *l, async_task *self)
{
    if (async__callbacks_note(l))
        while (async__callbacks_noted(l)) /* in a seeded order others may come first */
            async__yield(l, self);
}

/* All that still runs is cancelled, before any of it is awaited. */
static void cancel_the_rest(async_runner *rn, async_task *self)
{
    struct loop *l = rn->loop;
    async_group *bg = &rn->background;
    if (l->debug)
        for (const async_task *t = bg->first; t; t = t->next)
            async__warn("task \"%s\" in the background is cancelled: %s", t->name, has_returned);
    snprintf(bg->who, sizeof bg->who, "%s", self ? self->name : "main"); /* it may be renamed */
    async__scope_cancel(&bg->scope, (async_cause){ ASYNC_CANCEL_SHUTDOWN, bg->who, has_returned, NULL });
    async__slab_each(&l->tasks, cancel_lost, self);
}

/* main has returned: what still runs is cancelled and awaited. Callbacks that are ready run before, and those that this
 * has made ready after, as in asyncio.run(). */
static void shut_down(async_runner *rn, async_task *self)
{
    struct loop *l = rn->loop;
    async_group *bg = &rn->background;
    run_callbacks(l, self);
    cancel_the_rest(rn, self);
    while (bg->running)
        wait_in(self, &bg->idle);
    bg->open = false;
    run_callbacks(l, self);
    do {
        for (async_task *t; (t = any_other_task(l, self));) /* also what was started meanwhile */
            async__task_end_and_wait(self, t, ASYNC_CANCEL_SHUTDOWN, has_returned);
        if (l->done_callbacks > 0)
            async__yield(l, self);
    } while (l->done_callbacks > 0 || any_other_task(l, self));
}

/* What did not end by now never will. */
static void give_up(void *arg)
{
    struct run *run = arg;
    struct loop *l = run->runner->loop;
    async__warn("tasks that have not ended %g s after main has returned are abandoned:",
                    run->limit);
    async_print_tasks();
    if (run->result >= 0) {
        run->result = -ETIME;
        snprintf(run->text, sizeof run->text, "tasks that have not ended in time were abandoned");
    }
    l->abandoned = true;
    loop_stop(l);
}

static void set_limit(struct run *run, async_callback *limit)
{
    if (run->limit > 0)
        async_call_later(limit, run->limit, give_up, run);
}

static void end_limit(const struct run *run, async_callback *limit)
{
    if (run->limit > 0)
        async_callback_cancel(limit);
}

void async__shut_down(struct run *run, async_task *self)
{
    async_callback limit;
    set_limit(run, &limit);
    shut_down(run->runner, self);
    end_limit(run, &limit);
}

/* --- the same without a main task: one more would need memory --- */

/* The last of what was ready when the round began. */
static void end_round(void *loop)
{
    ((struct loop *)loop)->iteration_over = true;
}

void async__run_round(struct loop *l)
{
    async_callback last;
    async_call_soon(&last, end_round, l);
    async__loop_run(l);
    l->iteration_over = false;
    async_callback_cancel(&last); /* the run may have ended before */
}

static void run_round(struct loop *l)
{
    l->stop = false;
    async__run_round(l);
}

/* Let callbacks run, until a task that has been cancelled has ended. */
static void run_to_the_end_of(struct loop *l, async_task *t)
{
    l->root_task = t;
    l->stop = false;
    async__loop_run(l);
    l->root_task = NULL;
}

/* No task of l runs any more, whether it has ended or not. */
static bool is_lost(const struct loop *l)
{
    return l->abandoned || l->forked;
}

static void run_callbacks_from_outside(struct loop *l)
{
    if (async__callbacks_note(l))
        while (!is_lost(l) && async__callbacks_noted(l))
            run_round(l);
}

static async_task *first_that_runs(const async_group *g)
{
    async_task *t = g->first;
    while (t->node.state == TASK_DONE)
        t = t->next;
    return t;
}

static void shut_down_from_outside(async_runner *rn)
{
    struct loop *l = rn->loop;
    async_group *bg = &rn->background;
    run_callbacks_from_outside(l);
    if (!is_lost(l))
        cancel_the_rest(rn, NULL);
    while (bg->running && !is_lost(l))
        run_to_the_end_of(l, first_that_runs(bg));
    bg->open = false;
    run_callbacks_from_outside(l);
    while (!is_lost(l)) {
        async_task *t = any_other_task(l, NULL);
        async__task_request(t, ASYNC_CANCEL_SHUTDOWN, has_returned, NULL);
        if (t)
            run_to_the_end_of(l, t);
        else if (l->done_callbacks > 0)
            run_round(l);
        else
            break;
    }
}

void async__runner_shut_down(async_runner *rn)
{
    struct loop *l = rn->loop;
    struct run last = { .runner = rn, .limit = rn->limit };
    async_callback limit;
    l->deadlocked = false;
    l->last_poll = loop_now(l);
    rn->running = true;
    set_limit(&last, &limit);
    shut_down_from_outside(rn);
    end_limit(&last, &limit);
    rn->running = false;
    if (!async__has_come_back(l) && !l->abandoned)
        async__forget_records(l);
}
