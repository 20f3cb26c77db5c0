/* SPDX-License-Identifier: MIT */
/* client.h - the only calls upward: five functions that the loop calls, and that task/ and run/
 * define.
 *
 * They are called directly and not through pointers, because async__task_run() is on the path of
 * every task that starts. Whatever else a higher layer does for the loop is registered with it: see
 * module.h, observer.h, and struct task_kind in loop.h. */
#ifndef LOOP_CLIENT_H
#define LOOP_CLIENT_H

#include <asyncio/scope.h>

struct loop;

/* Run the body of a new task on the current stack, to its end. The task's record may be gone
 * afterwards. */
void async__task_run(async_task *t);

/* End a task that cannot start because there was no stack for it. */
void async__task_fail_start(async_task *t, int err);

/* Expire a scope: its deadline has passed. */
void async__scope_expire(async_scope *s);

/* Cancel the main task if Ctrl-C was pressed. */
void async__task_interrupt(struct loop *l);

/* In the child of fork(): detach the running task from everything that exists only in the
 * parent. */
void async__task_forked(struct loop *l);

#endif
