/* SPDX-License-Identifier: MIT */
#include "loop/record.h"

#include <stdio.h>

#include "loop/loop.h"

/* There is only one main task, so its name needs no number. */
struct task_label async__task_label(const async_task *t)
{
    struct task_label label;
    if (t->node.flags & TASK_HAS_EXTRA || t == t->loop->root_task)
        snprintf(label.text, sizeof label.text, "%s", t->name);
    else
        snprintf(label.text, sizeof label.text, "%.40s-%llu", t->name,
                 (unsigned long long)task_id(t));
    return label;
}
