/* SPDX-License-Identifier: MIT */
/* task.h - tasks inside: how they come and go. */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include "loop/loop.h"

/* A task that is ready to start, in g or in none, with a handle unless detached. NULL: no memory, or no such stack. */
async_task *async__task_new(struct loop *l, const async_co *co, const struct async_task_opts *opts,
                            async_group *g, bool detached);
/* The record of one that has ended. If it holds a lock for ever, the record stays until the loop closes: the lock points
 * to it, and it must be nobody else's. */
void async__task_free(async_task *t);

/* The first task in line w: there may be others than tasks in the line of a task's end. NULL: there is none. */
static inline async_task *first_task(struct async_waiter *w)
{
    while (unlikely(w && w->kind != NODE_TASK))
        w = w->next;
    return w ? task_of(w) : NULL;
}

/* t has ended: its done callback is on its way. */
void async__done_call(struct async_waiter *w, async_task *t);

/* t's set of watches goes, if it has one. */
void async__wait_set_discard(async_task *t);

/* The current task has come to its end, with that result. Its record may go. */
void async__task_end(async_task *t, int result);

/* t, which has no stack, runs for a moment on the loop's: give it b as a body. What it started with is the caller's. */
void async__task_borrow_body(async_task *t, struct body *b);

/* Among the children of g. */
void async__group_link(async_group *g, async_task *t);
void async__group_unlink(async_group *g, async_task *t);

/* There was no memory for a child of g: it fails, as if that child had. */
COLD void async__group_child_not_started(async_group *g, const async_co *co,
                                    const struct async_task_opts *opts);

/* A child has ended: t->result. It still has a body, if only a stand-in because it never started. */
void async__group_child_ended(async_group *g, async_task *t);

/* A task for another thread has ended. */
void async__remote_ended(async_task *t);
void async__remote_strand(struct loop *l); /* those that run never will end: tell who waits */

/* Ask t to end, for that kind of reason. false: it had ended. */
bool async__task_request(async_task *t, enum async_cancel_kind kind, const char *why,
                         const async_site *site);

/* Cancel t and wait for its end, whatever happens to us. */
void async__task_end_and_wait(async_task *self, async_task *t, enum async_cancel_kind kind,
                              const char *why);

/* The sync layer's part, the only call upwards: t has ended and holds locks. Who waits for them must not wait for ever. */
void async__locks_abandoned(async_task *t);

#endif
