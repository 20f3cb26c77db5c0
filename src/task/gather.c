/* SPDX-License-Identifier: MIT */
/* gather.c - several coroutines at once: groups whose children keep their results, in the order of their creation. */
#include <asyncio/gather.h>

#include "task/scope.h"
#include "task/task.h"

/* From the first on, round to the one before it. -ENOMEM: then none of them may begin, a race among some of them could
 * last for ever. */
static int create_all(async_group *g, const async_co *cos, size_t n, size_t first)
{
    static const struct async_task_opts defaults;
    for (size_t i = 0; i < n; i++) {
        size_t at = first + i;
        if (!async_group_create_task_opt(g, &cos[at < n ? at : at - n], &defaults))
            return -ENOMEM;
    }
    return 0;
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
        r = create_all(g, cos, n, 0);
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
        r = create_all(g, cos, n, 0);
    }
    for (const async_task *t = g->first; t; t = t->next)
        failed += t->result < 0;
    if (r == 0 || r == -ECANCELED)
        copy_results(g, results);
    return r < 0 ? r : failed;
}

/* Who begins. The first, until it has happened that one won before all had begun: else a loop that selects among
 * several which are always ready would never come to the later ones. Multiples of the golden ratio come by all of them
 * evenly, also if only each second or third race is this one. */
static size_t who_begins(const async_task *t, size_t n)
{
    uint32_t fraction = t->body->races * UINT32_C(0x9e3779b9);
    return (size_t)(((uint64_t)fraction * n) >> 32);
}

int await_race_n(const async_co *cos, size_t n, int *result)
{
    async_task *self;
    int r = await_begin(&self, "await_race");
    if (r < 0)
        return r;
    if (n == 0)
        return -EINVAL;
    size_t winner = who_begins(self, n);
    await_group (r, g) {
        g->loose = g->race = true;
        r = create_all(g, cos, n, winner);
    }
    if (!g->winner)
        return r;
    self->body->races += g->unfair;
    for (const async_task *t = g->first; t != g->winner; t = t->next)
        winner++;
    if (result)
        *result = g->winner->result;
    return (int)(winner % n);
}
