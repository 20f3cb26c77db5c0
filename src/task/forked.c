/* SPDX-License-Identifier: MIT */
/* forked.c - a task in which fork() was called, as the child process has it. It may go on to its
 * end, where the copy of its loop stops, but no other task of this loop ever runs in the child. */
#include "loop/client.h"
#include "task/scope.h"

/* The blocks of the task must not wait for children that do not exist in this process. */
static void disown_children(async_group *g)
{
    g->first = g->last = NULL;
    g->running = 0;
    g->idle.head = NULL;
    g->open = false;
    g->scope.cancelled = true; /* so that leaving the block does not try to cancel children */
}

void async__task_forked(struct loop *l)
{
    async_task *t = l->sched.current;
    if (!t)
        return;
    for (async_scope *s = t->scope; s && s->task == t; s = s->outer)
        if (s->kind == SCOPE_GROUP)
            disown_children(s->owner);
    t->group = NULL;
    t->joiners.head = NULL;
    t->id_and_locks = task_id(t);
    t->node.flags |= TASK_DETACHED;
}
