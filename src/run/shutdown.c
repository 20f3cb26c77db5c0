/* SPDX-License-Identifier: MIT */
/* shutdown.c - end what a run, or a runner, has left behind: run its callbacks, cancel its tasks
 * and await them.
 *
 * This happens outside of tasks, because a task would need memory. As in asyncio.run(), the
 * callbacks that are ready when main returns run before anything is cancelled, and those that the
 * cancelled tasks make ready run afterwards. */
#include <stdio.h>

#include "run/run.h"
#include "task/error.h"
#include "task/scope.h"
#include "task/task.h"

static const char main_has_returned[] = "main has returned";

/* Will no task of l run any more, whether it has ended or not? */
static bool is_dead(const struct loop *l)
{
    return l->abandoned || l->forked;
}

static bool has_live_tasks(const struct loop *l)
{
    return l->next_id - 1 > l->ended;
}

/* --- running what is left --- */

void async__run_ready(struct loop *l)
{
    struct ready_marker end;
    async__marker_put(l, &end);
    async__loop_run(l, &end);
    async__marker_remove(l, &end);
}

static bool has_ready_callback(const struct loop *l)
{
    const struct async_waiter *w = l->sched.ready.head;
    while (w && w->kind != NODE_CALLBACK)
        w = w->next;
    return w;
}

/* Run each callback that is ready, once. Those that they add are not waited for, because there
 * might be no end of them. If no callback is ready, nothing runs: a task that has not started when
 * main returns never does. */
static void run_ready_callbacks(struct loop *l)
{
    if (is_dead(l) || !has_ready_callback(l))
        return;
    l->stop = false;
    async__run_ready(l);
}

/* Run until all children of g have ended. */
static void drain_group(struct loop *l, async_group *g)
{
    if (is_dead(l) || !g->running)
        return;
    l->stop = false;
    l->draining = g;
    async__loop_run(l, NULL);
    l->draining = NULL;
}

/* --- cancelling what is left --- */

/* Put a task that is in no group into the group of lost tasks. Nothing will await it, because main
 * has ended, and with it everything that main owned. */
static void adopt_task(void *record, void *arg)
{
    async_runner *rn = arg;
    async_task *t = record;
    if (!t->node.kind || t->node.state == TASK_DONE || t->group)
        return;
    if (t->loop->debug)
        async__warn("task \"%s\" was left running when main returned, and its handle is lost",
                    async__task_label(t).text);
    t->group = &rn->lost;
    async__group_link(&rn->lost, t);
    if (t->node.kind == NODE_TASK)
        t->body->root.outer = &rn->lost.scope;
}

static void cancel_group(async_runner *rn, async_group *g)
{
    /* The group may have been cancelled in an earlier round. */
    g->scope.cancelled = g->scope.effectively_cancelled = false;
    async__scope_cancel(&g->scope, (async_cause){ ASYNC_CANCEL_SHUTDOWN, "main", main_has_returned,
                                                  rn->loop->run_site });
}

/* Cancel everything before any of it is awaited. */
static void cancel_remaining(async_runner *rn)
{
    struct loop *l = rn->loop;
    if (l->debug)
        for (const async_task *t = rn->background.first; t; t = t->next)
            if (t->node.state != TASK_DONE)
                async__warn("task \"%s\" in the background is cancelled: %s",
                            async__task_label(t).text, main_has_returned);
    async__slab_each(&l->tasks, adopt_task, rn);
    cancel_group(rn, &rn->background);
    cancel_group(rn, &rn->lost);
}

/* Tasks may have created others while they cleaned up, and callbacks may have, too. These are
 * cancelled in the next round. */
static void end_tasks(async_runner *rn)
{
    struct loop *l = rn->loop;
    while (!is_dead(l) && (has_live_tasks(l) || l->done_callbacks > 0)) {
        cancel_remaining(rn);
        drain_group(l, &rn->background);
        /* From here on done callbacks cannot add others to tasks that have ended. */
        rn->background.open = false;
        drain_group(l, &rn->lost);
        run_ready_callbacks(l);
    }
}

/* --- records of tasks that have ended, and whose handles are lost --- */

enum { NAMES_MAX = 5 };

struct ended_list {
    async_task *first;
    size_t count;
};

static void collect_ended(void *record, void *arg)
{
    struct ended_list *list = arg;
    async_task *t = record;
    if (!t->node.kind)
        return;
    async__report_unretrieved(t);
    t->next = list->first;
    list->first = t;
    /* The record of a task that holds a lock is kept even if its handle was dropped. */
    list->count += !task_holds_locks(t);
}

/* Name the tasks in debug mode, because a program that loses many handles runs out of memory in the
 * end. */
static void warn_of_lost_handles(const struct ended_list *list)
{
    char names[256];
    size_t used = 0;
    int shown = 0;
    for (const async_task *t = list->first; t && shown < NAMES_MAX && used < sizeof names;
         t = t->next)
        if (!task_holds_locks(t)) {
            used += (size_t)snprintf(names + used, sizeof names - used, "%s\"%s\"",
                                     shown ? ", " : "", async__task_label(t).text);
            shown++;
        }
    async__warn("%zu task%s ended, but the handle%s never dropped: %s%s; use "
                "await_task_auto, or async_spawn(), which keeps no handle",
                list->count, list->count == 1 ? " has" : "s have",
                list->count == 1 ? " was" : "s were", names,
                list->count > NAMES_MAX ? ", ..." : "");
}

/* Release the records of tasks whose handles were lost, or which held a lock to their end. They are
 * not released in the walk itself, because a chunk of the slab that becomes empty is given back. */
static void release_records(struct loop *l)
{
    struct ended_list list = { NULL, 0 };
    async__slab_each(&l->tasks, collect_ended, &list);
    if (l->debug && list.count > 0)
        warn_of_lost_handles(&list);
    for (async_task *t = list.first, *next; t; t = next) {
        next = t->next;
        t->group = NULL;
        t->id_and_locks = task_id(t);
        async__task_free(t);
    }
}

/* --- the timeout --- */

/* The shutdown timeout has expired: abandon the tasks that have not ended. */
static void abandon_remaining(void *arg)
{
    struct run *r = arg;
    struct loop *l = r->runner->loop;
    async__warn("tasks that have not ended %g s after main has returned are abandoned:",
                r->runner->shutdown_timeout);
    async_print_tasks();
    if (r->result >= 0) {
        r->result = -ETIME;
        snprintf(r->message, sizeof r->message, "tasks that have not ended in time were abandoned");
    }
    l->abandoned = true;
    async__loop_stop(l);
}

/* --- the whole shutdown --- */

/* Posts are accepted until all tasks have ended, because tasks may wait for them. Then the handle
 * is stopped, which runs the posts that were accepted. What these create is ended, too. */
void async__shut_down(async_runner *rn, struct run *r)
{
    struct loop *l = rn->loop;
    async_callback timeout = { 0 };
    bool has_timeout = rn->shutdown_timeout > 0;
    l->root_task = NULL;
    l->last_poll = loop_now(l);
    rn->running = true;
    if (has_timeout)
        async_call_later(&timeout, rn->shutdown_timeout, abandon_remaining, r);
    run_ready_callbacks(l);
    end_tasks(rn);
    rn->background.open = false; /* also if there was no task left */
    if (!is_dead(l)) {
        async__handle_stop(l->handle);
        run_ready_callbacks(l);
        end_tasks(rn);
    }
    if (has_timeout && !l->forked)
        async_callback_cancel(&timeout);
    rn->running = false;
    if (!is_dead(l))
        release_records(l);
}
