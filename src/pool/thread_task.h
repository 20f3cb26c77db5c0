/* SPDX-License-Identifier: MIT */
/* thread_task.h - tasks that are only a call on a thread: the object of an ASYNC_THREAD, made a
 * task. */
#ifndef POOL_THREAD_TASK_H
#define POOL_THREAD_TASK_H

#include "loop/loop.h"

extern const struct task_kind async__thread_task_kind;

#endif
