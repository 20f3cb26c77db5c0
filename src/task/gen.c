/* SPDX-License-Identifier: MIT */
/* gen.c - a generator is a task that runs while its consumer waits, and waits while its consumer runs. */
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
        async__complain("await_yield in task \"%s\", which is no generator's", t->name);
        return -EPERM;
    }
    g->item = item;
    g->wanted = false;
    async__wake_first(&t->joiners, 0); /* the consumer waits like for our end */
    while (!g->wanted && r == 0) {
        wait_is(t, WAITS_YIELD);
        r = wait_for_news(t, &g->want);
    }
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
    if (!g->task && !start(g))
        return -ENOMEM;
    if (!g->wanted && !g->item) { /* else it is, or was, at work for a call that was cancelled */
        g->wanted = true;
        async__wake_first(&g->want, 0);
    }
    while (!g->item && !async_task_done(g->task)) {
        r = wait_for_news(t, &g->task->joiners);
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
    await_task_drop(&((async_gen *)gen)->task);
}
