/* SPDX-License-Identifier: MIT */
/* completed.c - as_completed: a generator that runs a group, and yields what its watches tell. Each result costs the same,
 * however many are still to come. */
#include <asyncio/gather.h>
#include <asyncio/group.h>

#include "task/scope.h"
#include "task/task.h"
#include "task/wait_set.h"

static int start_all(async_group *g, const async_co *cos, struct wait_set *set)
{
    static const struct async_task_opts defaults;
    for (size_t i = 0; i < set->end; i++) {
        async_task *t = async_group_create_task_opt(g, &cos[i], &defaults);
        int r = t ? async__wait_set_add(set, i, t) : -ENOMEM;
        if (r < 0)
            return r;
    }
    return 0;
}

static int yield_all(struct wait_set *set)
{
    async_done *async_item_ = NULL; /* what await_yield() yields */
    for (size_t left = set->end, i; left > 0; left--) {
        if (!set->news.head)
            ASYNC_TRY(async__wait_set_wait(set, ASYNC_FOREVER));
        if (async__wait_set_next(set, &i))
            ASYNC_TRY(await_yield(((async_done){ i, set->seen[i]->result })));
    }
    return 0;
}

static int run_all(async_group *g, const async_co *cos, size_t n)
{
    struct wait_set *set = async__wait_set_new(async__loop->current, NULL, n);
    if (!set)
        return -ENOMEM;
    set->busy = true;
    set->when = ASYNC_FIRST_COMPLETED;
    int r = start_all(g, cos, set);
    if (r == 0)
        r = yield_all(set);
    async__wait_set_free(set);
    return r;
}

static int run(const async_co *cos, size_t n)
{
    int r;
    await_group (r, g) {
        g->loose = true;
        r = run_all(g, cos, n);
    }
    return r;
}

ASYNC__MAKE(completions, "as_completed", run, (const async_co *)cos, (size_t)n)

struct async_completions async_as_completed_n(const async_co *cos, size_t n)
{
    return (struct async_completions){ .gen.co = completions(cos, n) };
}
