/* SPDX-License-Identifier: MIT */
/* scheduler.h - how a task leaves its stack and comes back.
 *
 * There is one way to wait: a task enters a queue, or arms a timer, and calls async__park(). There
 * is one way to end a wait: async__wake(), which takes the task out of its queue and appends it to
 * the ready queue. Neither allocates, and neither can fail. A task that parks switches straight to
 * the next ready task. The loop's own stack is for callbacks and for iterations (iteration.c),
 * which happen when nothing is ready or when the budget of steps is spent. */
#ifndef LOOP_SCHEDULER_H
#define LOOP_SCHEDULER_H

#include "loop/loop.h"

/* How many await_ calls in a row may return without suspending before the next one yields. */
enum { CREDIT = 128 };

/* Suspend t, the current task, which enters q (or no queue), until async__wake(). Its checkpoint
 * has been passed, and its deadlines are armed. Returns why it runs again. */
enum wake async__park(struct loop *l, async_task *t, async_waitq *q);

/* Let everything that is ready run once before t, the current task, goes on. Returns 0. */
int async__yield(struct loop *l, async_task *t);

/* Report that a thread wakes a task of another thread's loop, and abort: the queues may be damaged
 * already. */
_Noreturn void async__wrong_thread(const async_task *t);

static inline void ready_push(struct loop *l, struct async_waiter *w)
{
    waitq_push(&l->sched.ready, w);
}

/* Count an await_ call of t, the current task. A task whose calls never have to wait would starve
 * the others, so after CREDIT such calls in a row the next one yields. Call it before the object of
 * the await_ call is looked at: other tasks may run meanwhile. */
static inline void use_credit(struct loop *l, async_task *t)
{
    if (unlikely(--l->sched.credit <= 0))
        async__yield(l, t);
}

/* Cancel the timer of t, whose wait ends for another reason. */
static inline void disarm(async_task *t)
{
    if (!t->node.timer)
        return;
    async__timer_cancel(&t->loop->timers, t->node.timer);
    t->node.timer = 0;
}

/* End the wait of t, which has no timer armed any more. */
static inline void async__wake(async_task *t, enum wake why)
{
    struct loop *l = async__loop;
    if (unlikely(t->loop != l))
        async__wrong_thread(t);
    if (t->queue) {
        waitq_remove(t->queue, &t->node);
        t->queue = NULL;
    }
    t->node.why = (uint8_t)(why | HAS_SUSPENDED);
    t->node.state = TASK_READY;
    ready_push(l, &t->node);
}

/* End the wait of the first task in q and pass it value. Returns that task, or NULL if q is
 * empty. */
async_task *async__wake_first(async_waitq *q, int value);
void async__wake_all(async_waitq *q, int value);

/* Take the cached stack, if there is one, for t, a new task with a stack of the default size. That
 * is the stack of the task that ended last; the function at its bottom continues where it was left.
 * With a sanitizer, which must be notified of each new task, the stack is prepared anew. Returns
 * where the body of t is to be; NULL if there is no cached stack. */
static inline struct task_body *take_cached_stack(struct loop *l, async_task *t)
{
    struct scheduler *s = &l->sched;
    struct task_body *b = s->cached.body;
    if (b) {
        s->cached.body = NULL;
        t->sp = s->cached.sp;
        if (!SANITIZED)
            async__switch_reset(t->sp, &s->fp);
    }
    return b;
}

/* Turn what t starts with into a body, at b. */
void async__body_init(async_task *t, struct task_body *b);

/* The budget of steps is spent. Renew it if the last poll was only a moment ago and nothing calls
 * for the next one. Returns false if it is time for an iteration. */
bool async__budget_renew(struct loop *l);

/* Put m at the end of the ready queue; take it out if it is still there. */
void async__marker_put(struct loop *l, struct ready_marker *m);
void async__marker_remove(struct loop *l, struct ready_marker *m);

/* End the run, except for the done callbacks that are ready now. */
void async__loop_stop(struct loop *l);

/* Choose the next entry of the ready queue in a seeded run. */
struct async_waiter *async__pick_random(struct loop *l);

#endif
