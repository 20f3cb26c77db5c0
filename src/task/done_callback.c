/* SPDX-License-Identifier: MIT */
/* done.c - done callbacks, and the list of all tasks. A callback stands in the line of its task's end; then it goes through
 * the ready queue like any other. Until it has run, the task's record stays. */
#include <asyncio/loop.h>
#include <asyncio/task.h>

#include "base/alloc.h"
#include "task/task.h"

struct done {
    async_callback callback;
    async_task *task;
    void (*fn)(async_task *t, void *arg);
    void *arg;
    struct context *context; /* of who added it */
};

static void run(void *arg)
{
    struct done *d = arg;
    async_task *t = d->task;
    d->fn(t, d->arg);
    async__free(d);
    t->loop->done_callbacks--;
    if (t->loop->done_callbacks_owed > 0) /* they come in their order: those that they add come after */
        t->loop->done_callbacks_owed--;
    if (--t->value == 0 && t->node.flags & TASK_DETACHED)
        async__task_free(t);
}

void async__done_call(struct async_waiter *w, async_task *t)
{
    struct done *d = (struct done *)w;
    waitq_remove(&t->joiners, w);
    async__call_soon(&d->callback, run, d, d->context);
    t->value++;
    t->loop->done_callbacks++;
}

int async_task_add_done_callback(async_task *t, void (*fn)(async_task *t, void *arg), void *arg)
{
    if (!t || !fn)
        return -EINVAL;
    if (t->loop != async__loop) {
        async__warn("async_task_add_done_callback to a task of another thread's loop");
        return -EPERM;
    }
    if (t->node.state == TASK_DONE && !t->loop->background->open)
        return -ECANCELED; /* callbacks that add callbacks would keep the loop open for ever */
    struct done *d = async__malloc(sizeof *d);
    if (!d)
        return -ENOMEM;
    *d = (struct done){ .task = t, .fn = fn, .arg = arg, .context = async__context_of_caller() };
    d->callback.kind = NODE_DONE;
    struct async_waiter *w = (struct async_waiter *)&d->callback;
    waitq_push(&t->joiners, w);
    if (t->node.state == TASK_DONE)
        async__done_call(w, t);
    return 0;
}

size_t async_task_remove_done_callback(async_task *t, void (*fn)(async_task *t, void *arg), void *arg)
{
    size_t removed = 0;
    if (!t || t->loop != async__loop)
        return 0;
    for (struct async_waiter *w = t->joiners.head, *next; w; w = next) {
        struct done *d = (struct done *)w;
        next = w->next;
        if (w->kind != NODE_DONE || d->fn != fn || d->arg != arg)
            continue;
        waitq_remove(&t->joiners, w);
        async__context_unref(d->context);
        async__free(d);
        removed++;
    }
    return removed;
}

struct list {
    async_task **to;
    size_t room, found;
};

static void add(void *record, void *arg)
{
    struct list *l = arg;
    async_task *t = record;
    if (!t->node.kind || t->node.state == TASK_DONE)
        return;
    if (l->found < l->room)
        l->to[l->found] = t;
    l->found++;
}

size_t async_all_tasks(async_task **ret, size_t n)
{
    struct list l = { .to = ret, .room = n };
    if (async__loop)
        async__slab_each(&async__loop->tasks, add, &l);
    return l.found;
}
