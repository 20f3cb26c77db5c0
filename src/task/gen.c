/* SPDX-License-Identifier: MIT */
/* gen.c - generators. A generator is a task that runs while its consumer waits, and waits while its
 * consumer runs. The consumer waits in the queue of the generator's end, so that an item and the
 * end reach it in the same way. */
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
        async__warn("await_yield() in task \"%s\", which does not run a generator: use it in the "
                    "body of an ASYNC_GEN",
                    async__task_label(t).text);
        return -EPERM;
    }
    if (g->left) /* the body was cancelled, and has shielded itself from that */
        return -ECANCELED;
    g->item = item;
    g->wanted = false;
    /* A consumer that was cancelled is not parked. It looks for the item when it runs. */
    if (g->consumer && g->consumer->node.state == TASK_PARKED)
        async__wake(g->consumer, WOKEN);
    while (!g->wanted && !g->left && r == 0) {
        wait_is(t, WAITS_YIELD);
        r = wait_for_event(t, &g->want);
    }
    if (g->left)
        r = -ECANCELED;
    if (r < 0)
        g->item = NULL; /* it lies in a stack frame that is being left */
    return r;
}

static int run_generator(void *frame)
{
    async_gen *g = *(async_gen **)frame;
    async__loop->sched.current->body->gen = g;
    return g->co.run(g->co.frame);
}

static bool start_generator(async_gen *g)
{
    const struct async_task_opts opts = { .site = g->site };
    async_co co = { .run = run_generator, .name = g->co.name };
    memcpy(co.frame, &g, sizeof g);
    g->task = async__task_new(async__loop, &co, &opts, NULL, false, NULL);
    return g->task;
}

/* Let the generator produce an item, unless it is at work for a call that was cancelled, or has an
 * item for it. */
static void request_item(async_gen *g)
{
    if (g->wanted || g->item)
        return;
    g->wanted = true;
    async__wake_first(&g->want, 0);
}

/* Wait until there is an item, or the generator has ended or was dropped. A task that is cancelled
 * after it was woken leaves the item to the next call. */
static int wait_for_item(async_gen *g, async_task *t)
{
    while (!g->left && !g->item && !async_task_done(g->task)) {
        g->consumer = t;
        wait_is(t, WAITS_TASK);
        int r = wait_for_event(t, &g->task->joiners);
        g->consumer = NULL;
        if (r == 0)
            r = checkpoint(t);
        if (r < 0)
            return r;
    }
    return 0;
}

int await_gen_next(async_gen *g, void *item, size_t size)
{
    return await_gen_next_at(g, item, size, NULL);
}

int await_gen_next_at(async_gen *g, void *item, size_t size, const async_site *site)
{
    async_task *t;
    int r = await_begin(&t, "await_for_each");
    if (r < 0)
        return r;
    if (g->left)
        return 0;
    if (g->consumer) {
        async__warn("task \"%s\" iterates over a generator of which task \"%s\" awaits the next "
                    "item: one task at a time can",
                    async__task_label(t).text, async__task_label(g->consumer).text);
        return -EBUSY;
    }
    if (site)
        g->site = site;
    if (!g->task && !start_generator(g))
        return -ENOMEM;
    request_item(g);
    r = wait_for_item(g, t);
    if (r < 0 || g->left)
        return r;
    if (!g->item) {
        r = async_task_result(g->task);
        return r < 0 ? r : 0;
    }
    memcpy(item, g->item, size);
    g->item = NULL;
    return 1;
}

/* The memory of g may go when it has been dropped. Another task that waits for its next item was
 * woken by its end, and must have looked at g by then. */
static void await_consumer(async_gen *g)
{
    struct loop *l = async__loop;
    while (g->consumer && l && l->sched.current)
        async__yield(l, l->sched.current);
}

void await_gen_drop(void *gen)
{
    async_gen *g = gen;
    g->left = true;
    async__wake_first(&g->want, 0);
    async__task_drop(&g->task, "the loop over it was left");
    await_consumer(g);
}
