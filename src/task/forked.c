/* SPDX-License-Identifier: MIT */
/* orphan.c - a task in which fork() was called, as the child has it: it may go on to its end, where the copy of its loop
 * stops, but nobody else of this loop ever runs in the child. */
#include "task/scope.h"
#include "task/task.h"

/* Its blocks must not wait for children who are not here. */
static void disown(async_group *g)
{
    g->first = g->last = NULL;
    g->running = 0;
    g->idle.head = NULL;
    g->open = false;
    g->scope.cancelled = true; /* nobody to strike */
}

void async__task_forked(struct loop *l)
{
    async_task *t = l->current;
    if (!t)
        return;
    for (async_scope *s = t->scope; s && s->task == t; s = s->outer)
        if (s->kind == SCOPE_GROUP)
            disown(s->owner);
    t->group = NULL;
    t->joiners.head = NULL;
    t->locks = 0;
    t->node.flags |= TASK_DETACHED;
}
