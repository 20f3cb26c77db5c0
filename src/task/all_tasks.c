/* SPDX-License-Identifier: MIT */
/* all_tasks.c - the list of all tasks of a loop. */
#include <asyncio/task.h>

#include "loop/loop.h"

struct task_list {
    async_task **to;
    size_t room, found;
};

static void add_live_task(void *record, void *arg)
{
    struct task_list *list = arg;
    async_task *t = record;
    if (!t->node.kind || t->node.state == TASK_DONE)
        return;
    if (list->found < list->room)
        list->to[list->found] = t;
    list->found++;
}

size_t async_all_tasks(async_task **ret, size_t n)
{
    struct task_list list = { .to = ret, .room = n };
    if (async__loop)
        async__slab_each(&async__loop->tasks, add_live_task, &list);
    return list.found;
}
