/* SPDX-License-Identifier: MIT */
/* gather.c - run several coroutines at once: groups whose children keep their results, in the order
 * of their creation. */
#include <asyncio/gather.h>

#include "task/group.h"
#include "task/scope.h"
#include "task/task.h"

/* Create a child for each coroutine, beginning with number first and going round. If there is no
 * memory for one, none may start: a race among some of them could last for ever. Then the block is
 * left with -ENOMEM before any has run. */
static int create_children(async_group *g, const async_co *cos, size_t n, size_t first,
                           const async_site *site)
{
    const struct async_task_opts opts = { .site = site };
    for (size_t i = 0; i < n; i++) {
        size_t at = first + i;
        if (!async_group_create_task_opt(g, &cos[at < n ? at : at - n], &opts))
            return -ENOMEM;
    }
    return 0;
}

static void copy_results(const async_group *g, int *results)
{
    for (const async_task *t = g->first; t && results; t = t->next)
        *results++ = t->result;
}

/* Another task may have cancelled a child after the group had ended. */
static int first_failure(const async_group *g)
{
    for (const async_task *t = g->first; t; t = t->next)
        if (t->result < 0)
            return t->result;
    return 0;
}

int await_gather_at(const async_co *cos, size_t n, int *results, const async_site *site)
{
    async_task *self;
    int r = await_begin(&self, "await_gather");
    if (r < 0)
        return r;
    await_group (r, g) {
        g->policy = GROUP_GATHER;
        g->scope.cause.site = site;
        r = create_children(g, cos, n, 0, site);
    }
    if (r == 0)
        r = first_failure(g);
    if (r == 0)
        copy_results(g, results);
    return r;
}

int await_gather_all_at(const async_co *cos, size_t n, int *results, const async_site *site)
{
    async_task *self;
    int r = await_begin(&self, "await_gather_all"), failed = 0;
    if (r < 0)
        return r;
    await_group (r, g) {
        g->policy = GROUP_COLLECT;
        g->scope.cause.site = site;
        r = create_children(g, cos, n, 0, site);
    }
    for (const async_task *t = g->first; t; t = t->next)
        failed += t->result < 0;
    if (r == 0 || r == -ECANCELED)
        copy_results(g, results);
    return r < 0 ? r : failed;
}

/* The number of the coroutine to start first. It is 0 until a race has been won before all had
 * started; each such race moves it on. Otherwise a loop that selects among several which are always
 * ready would never come to the later ones. Multiples of the golden ratio visit all numbers evenly,
 * also if only every second or third race of the task is this one. */
static size_t first_to_start(const async_task *t, size_t n)
{
    uint32_t fraction = t->body->races * UINT32_C(0x9e3779b9);
    return (size_t)(((uint64_t)fraction * n) >> 32);
}

int await_race_at(const async_co *cos, size_t n, int *result, const async_site *site)
{
    async_task *self;
    int r = await_begin(&self, "await_race");
    if (r < 0)
        return r;
    if (n == 0)
        return -EINVAL;
    size_t winner = first_to_start(self, n);
    await_group (r, g) {
        g->policy = GROUP_RACE;
        g->scope.cause.site = site;
        r = create_children(g, cos, n, winner, site);
    }
    if (!g->winner)
        return r;
    self->body->races += !g->all_started;
    for (const async_task *t = g->first; t != g->winner; t = t->next)
        winner++;
    if (result)
        *result = g->winner->result;
    return (int)(winner % n);
}

int await_gather_n(const async_co *cos, size_t n, int *results)
{
    return await_gather_at(cos, n, results, NULL);
}

int await_gather_all_n(const async_co *cos, size_t n, int *results)
{
    return await_gather_all_at(cos, n, results, NULL);
}

int await_race_n(const async_co *cos, size_t n, int *result)
{
    return await_race_at(cos, n, result, NULL);
}
