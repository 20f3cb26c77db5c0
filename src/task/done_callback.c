/* SPDX-License-Identifier: MIT */
/* done_callback.c - done callbacks. Until its task ends, a done callback stands in the queue of the
 * task's end; then it goes through the ready queue like any callback. The record of the task stays
 * until the callback has run. */
#include <asyncio/loop.h>
#include <asyncio/task.h>

#include "base/alloc.h"
#include "task/task.h"

struct done_callback {
    async_callback callback;
    async_task *task;
    void (*fn)(async_task *t, void *arg);
    void *arg;
    struct context *context; /* of the code that added it; a reference */
};

static void run_done_callback(void *arg)
{
    struct done_callback *d = arg;
    async_task *t = d->task;
    d->fn(t, d->arg);
    async__free(d);
    t->loop->done_callbacks--;
    if (--t->value == 0 && t->node.flags & TASK_DETACHED)
        async__task_free(t);
}

void async__done_callback_schedule(struct async_waiter *w, async_task *t)
{
    struct done_callback *d = (struct done_callback *)w;
    waitq_remove(&t->joiners, w);
    async__call_soon(&d->callback, run_done_callback, d, d->context);
    t->value++;
    t->loop->done_callbacks++;
}

static int check_task(const async_task *t)
{
    if (t->loop != async__loop) {
        async__warn("async_task_add_done_callback() to a task of another thread's loop; use "
                    "async_call_soon_threadsafe()");
        return -EPERM;
    }
    /* At the end of a run, callbacks that add callbacks would keep the loop open for ever. */
    return t->node.state == TASK_DONE && !t->loop->background->open ? -ECANCELED : 0;
}

int async_task_add_done_callback(async_task *t, void (*fn)(async_task *t, void *arg), void *arg)
{
    if (!t || !fn)
        return -EINVAL;
    int r = check_task(t);
    if (r < 0)
        return r;
    struct done_callback *d = async__malloc(sizeof *d);
    if (!d)
        return -ENOMEM;
    *d = (struct done_callback){ .task = t,
                                 .fn = fn,
                                 .arg = arg,
                                 .context = async__context_of_caller() };
    d->callback.kind = NODE_DONE;
    struct async_waiter *w = (struct async_waiter *)&d->callback;
    waitq_push(&t->joiners, w);
    if (t->node.state == TASK_DONE)
        async__done_callback_schedule(w, t);
    return 0;
}

size_t async_task_remove_done_callback(async_task *t, void (*fn)(async_task *t, void *arg),
                                       void *arg)
{
    size_t removed = 0;
    if (!t || t->loop != async__loop)
        return 0;
    for (struct async_waiter *w = t->joiners.head, *next; w; w = next) {
        struct done_callback *d = (struct done_callback *)w;
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
