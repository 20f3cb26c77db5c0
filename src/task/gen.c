/* SPDX-License-Identifier: MIT */
/* gen.c - a generator is a task that runs while its consumer waits, and waits while its consumer runs. The consumer stands
 * in the line of the generator's end, so that an item and the end reach it alike. */
#include <asyncio/gen.h>

#include "task/scope.h"
#include "task/task.h"

int await_gen_yield(const void *item)
{
    async_task *t;
    int r = await_begin(&t, "await_yield");
    if (r < 0)
        return r;
    async_gen *g = t->body->gen;
    if (!g) {
        async__warn("await_yield in task \"%s\", which is no generator's", t->name);
        return -EPERM;
    }
    if (g->left) /* it was told by a cancel already, but has shielded itself from that */
        return -ECANCELED;
    g->item = item;
    g->wanted = false;
    if (g->consumer && g->consumer->node.state == TASK_PARKED) /* else it was cancelled, and will see */
        async__wake(g->consumer, WOKEN);
    while (!g->wanted && !g->left && r == 0) {
        wait_is(t, WAITS_YIELD);
        r = wait_for_event(t, &g->want);
    }
    if (g->left)
        r = -ECANCELED;
    if (r < 0)
        g->item = NULL; /* it is in a frame that is being left */
    return r;
}

static int run(void *frame)
{
    async_gen *g = *(async_gen **)frame;
    async__loop->current->body->gen = g;
    return g->co.run(g->co.frame);
}

static bool start(async_gen *g)
{
    async_co co = { .run = run, .name = g->co.name };
    memcpy(co.frame, &g, sizeof g);
    g->task = async__task_new(async__loop, &co, NULL, NULL, false);
    return g->task;
}

int await_gen_next(async_gen *g, void *item, size_t size)
{
    async_task *t;
    int r = await_begin(&t, "await_for_each");
    if (r < 0)
        return r;
    if (g->left)
        return 0;
    if (g->consumer) {
        async__warn("task \"%s\" iterates over a generator for which task \"%s\" waits",
                        t->name, g->consumer->name);
        return -EBUSY;
    }
    if (!g->task && !start(g))
        return -ENOMEM;
    if (!g->wanted && !g->item) { /* else it is, or was, at work for a call that was cancelled */
        g->wanted = true;
        async__wake_first(&g->want, 0);
    }
    while (!g->item && !async_task_done(g->task)) {
        g->consumer = t;
        r = wait_for_event(t, &g->task->joiners);
        g->consumer = NULL;
        if (r == 0) /* cancelled after it was woken: the item is for the next call */
            r = checkpoint(t->loop, t);
        if (r < 0)
            return r;
    }
    if (!g->item) {
        r = async_task_result(g->task);
        return r < 0 ? r : 0;
    }
    memcpy(item, g->item, size);
    g->item = NULL;
    return 1;
}

void await_gen_drop(void *gen)
{
    async_gen *g = gen;
    g->left = true;
    async__wake_first(&g->want, 0);
    await_task_drop(&g->task);
}
