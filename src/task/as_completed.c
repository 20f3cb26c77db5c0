/* SPDX-License-Identifier: MIT */
/* as_completed.c - a generator that runs a group and yields the results of its children in the
 * order in which they end. Each result costs the same, however many are still to come. */
#include <asyncio/gather.h>
#include <asyncio/group.h>

#include "task/error.h"
#include "task/group.h"
#include "task/scope.h"
#include "task/task.h"
#include "task/wait_set.h"

static int start_children(async_group *g, const async_co *cos, struct wait_set *set)
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

/* Yield one result after the other. *failures counts the failures among those that the consumer has
 * received. */
static int yield_results(struct wait_set *set, size_t *failures)
{
    async_done *async_item_ = NULL; /* gives await_yield() the type of the items */
    for (size_t left = set->end, i; left > 0; left--) {
        if (!set->completed.head)
            ASYNC_TRY(async__wait_set_wait(set, ASYNC_FOREVER));
        if (!async__wait_set_next(set, &i))
            continue;
        int result = set->seen[i]->result;
        *failures += result < 0 && result != -ECANCELED;
        ASYNC_TRY(await_yield((async_done){ i, result }));
    }
    return 0;
}

static int run_children(async_group *g, const async_co *cos, size_t n, size_t *failures)
{
    struct wait_set *set = async__wait_set_new(async__loop->sched.current, NULL, n);
    if (!set)
        return -ENOMEM;
    set->busy = true;
    set->when = ASYNC_FIRST_COMPLETED;
    int r = start_children(g, cos, set);
    if (r == 0)
        r = yield_results(set, failures);
    async__wait_set_free(set);
    return r;
}

/* The consumer has left the loop early. Report the failures that it did not receive: the group has
 * all of them, in the order in which they occurred and were yielded. */
static void report_unreceived(const async_group *g, size_t received)
{
    const async_error *e = g->errors;
    for (; e && received > 0; received--)
        e = e->next;
    async__report_unretrieved_list(e);
}

static int run(const async_co *cos, size_t n)
{
    int r;
    size_t failures = 0;
    await_group (r, g) {
        g->policy = GROUP_COLLECT;
        r = run_children(g, cos, n, &failures);
    }
    if (r == -ECANCELED)
        report_unreceived(g, failures);
    return r;
}

ASYNC__MAKE(completions, "as_completed", run, (const async_co *)cos, (size_t)n)

struct async_completions async_as_completed_n(const async_co *cos, size_t n)
{
    return (struct async_completions){ .gen.co = completions(cos, n) };
}
