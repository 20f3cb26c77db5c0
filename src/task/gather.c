/* SPDX-License-Identifier: MIT */
/* gather.c - several coroutines at once: groups whose children keep their results, in the order of their creation. */
#include <asyncio/gather.h>

#include "task/scope.h"
#include "task/task.h"

static void create_all(async_group *g, const async_co *cos, size_t n)
{
    static const struct async_task_opts defaults;
    for (size_t i = 0; i < n; i++)
        if (!async_group_create_task_opt(g, &cos[i], &defaults))
            return; /* no memory: the group's failure */
}

static void copy_results(const async_group *g, int *results)
{
    for (const async_task *t = g->first; t && results; t = t->next)
        *results++ = t->result;
}

/* A child may have been cancelled by somebody else after the group was done with. */
static int first_failure(const async_group *g)
{
    for (const async_task *t = g->first; t; t = t->next)
        if (t->result < 0)
            return t->result;
    return 0;
}

int await_gather_n(const async_co *cos, size_t n, int *results)
{
    async_task *self;
    int r = await_begin(&self, "await_gather");
    if (r < 0)
        return r;
    await_group (r, g) {
        g->strict = true;
        create_all(g, cos, n);
    }
    if (r == 0)
        r = first_failure(g);
    if (r == 0)
        copy_results(g, results);
    return r;
}

int await_gather_all_n(const async_co *cos, size_t n, int *results)
{
    async_task *self;
    int r = await_begin(&self, "await_gather_all"), failed = 0;
    if (r < 0)
        return r;
    await_group (r, g) {
        g->loose = true;
        create_all(g, cos, n);
    }
    for (const async_task *t = g->first; t; t = t->next)
        failed += t->result < 0;
    if (r == 0 || r == -ECANCELED)
        copy_results(g, results);
    return r < 0 ? r : failed;
}

int await_race_n(const async_co *cos, size_t n, int *result)
{
    async_task *self;
    int r = await_begin(&self, "await_race"), winner = 0;
    if (r < 0)
        return r;
    if (n == 0)
        return -EINVAL;
    await_group (r, g) {
        g->loose = g->race = true;
        create_all(g, cos, n);
    }
    if (!g->winner)
        return r;
    for (const async_task *t = g->first; t != g->winner; t = t->next)
        winner++;
    if (result)
        *result = g->winner->result;
    return winner;
}
