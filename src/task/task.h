/* SPDX-License-Identifier: MIT */
/* task.h - how tasks begin and end. */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include "loop/scheduler.h"

/* Create a task that is ready to start, as a child of g unless g is NULL. detached: it has no
 * handle. opts may be NULL. Whatever happens, opts->owned belongs to the task from here on: it is
 * dropped even if the call fails. Returns NULL, with an errno in *err (which may be NULL), if there
 * is no memory or no stack of that size; then g has failed. */
async_task *async__task_new(struct loop *l, const async_co *co, const struct async_task_opts *opts,
                            async_group *g, bool detached, int *err);

/* Free the copy of the name of t, and with it the record of what t owns, without dropping that. */
void async__task_release_extra(async_task *t);

/* Drop opts->owned, for a task that was refused. opts may be NULL. */
void async__task_opts_drop(const struct async_task_opts *opts);

/* Release the record of a task that has ended. If it holds a lock for ever, the record stays until
 * the loop closes, because the lock points to it, and another task must not be taken for the
 * owner. */
void async__task_free(async_task *t);

/* The name of a coroutine object, or NULL if it has none. It is valid as long as the object itself
 * stays where it is. */
const char *async__co_name(const async_co *co);

/* Replace the name of t by a copy of name. Returns false if there is no memory. */
bool async__task_rename(async_task *t, const char *name);

/* The first task in the list that begins with w; NULL if there is none. The queue of a task's end
 * holds others, too. */
static inline async_task *first_task(struct async_waiter *w)
{
    while (unlikely(w && w->kind != NODE_TASK))
        w = w->next;
    return w ? task_of(w) : NULL;
}

/* Schedule the done callback w of t, which has ended. */
void async__done_callback_schedule(struct async_waiter *w, async_task *t);

/* Discard the wait set that t keeps, if it has one. */
void async__wait_set_discard(async_task *t);

/* End the current task t with that result. Its record may be gone afterwards. */
void async__task_end(async_task *t, int result);

/* Give t, which has no stack, the body b while it begins or ends on the loop's own stack. What it
 * started with belongs to the caller. */
void async__task_borrow_body(async_task *t, struct task_body *b);

/* Add t to the children of g, or take it out. */
static inline void async__group_link(async_group *g, async_task *t)
{
    t->prev = g->last;
    t->next = NULL;
    *(g->last ? &g->last->next : &g->first) = t;
    g->last = t;
    g->running++;
}
void async__group_unlink(async_group *g, async_task *t);

/* A child of g could not be created: let g fail as if that child had failed with err. */
COLD void async__group_child_not_started(async_group *g, const async_co *co,
                                         const struct async_task_opts *opts, int err);

/* Account for the end of a child, whose result is in t->result. It still has a body, perhaps a
 * borrowed one. */
void async__group_child_ended(async_group *g, async_task *t);

/* Pass the result of a task on to the thread that has its handle. */
void async__remote_ended(async_task *t);

/* Fail the threads that wait for tasks of l which will never end. */
void async__remote_fail_waiters(struct loop *l);

/* Ask t to end. Returns false if it had ended. */
bool async__task_request_cancel(async_task *t, enum async_cancel_kind kind, const char *reason,
                                const async_site *site);

/* await_task_drop(), with a reason for the cancellation. */
void async__task_drop(async_task **handle, const char *reason);

/* Cancel t and wait for its end, shielded. */
void async__task_cancel_and_wait(async_task *self, async_task *t, enum async_cancel_kind kind,
                                 const char *reason, const async_site *site);

#endif
