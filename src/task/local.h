/* SPDX-License-Identifier: MIT */
/* local.h - task-local variables inside: a list of settings, the latest first, whose tail is shared with whoever was
 * created when it was the head. A setting that is shared never changes; so threads may share it too. */
#ifndef TASK_LOCAL_H
#define TASK_LOCAL_H

#include "loop/task.h"

/* The thread of a pool is to see these settings, until they are changed back. The former ones. */
struct local *async__locals_swap(struct local *n);

#endif
