/* SPDX-License-Identifier: MIT */
/* group.h - what a group does when a child ends. */
#ifndef TASK_GROUP_H
#define TASK_GROUP_H

#include <asyncio/group.h>

enum group_policy {
    GROUP_DEFAULT,    /* the first failure cancels the other children and the body */
    GROUP_GATHER,     /* the same, and a child that was cancelled alone counts as a failure */
    GROUP_COLLECT,    /* errors are kept and cancel nothing */
    GROUP_RACE,       /* the first child to end, well or badly, cancels the others */
    GROUP_START,      /* a child that is not ready yet: its failure is the starter's */
    GROUP_BACKGROUND, /* errors are reported on stderr and cancel nothing */
    /* Tasks whose handles are lost, while a run shuts down; their handles keep the errors. */
    GROUP_LOST,
};

/* May the calling task add a child to g? Returns 0; -ECANCELED, or, with a message, -EPERM. */
int async__group_check_spawn(const async_group *g);

#endif
