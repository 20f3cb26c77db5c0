/* SPDX-License-Identifier: MIT */
/* job.c - how a task waits for a job. */
#include "pool/job.h"

#include "pool/thread_pool.h"
#include "task/scope.h"

void async__job_finish(struct job *j)
{
    async_task *t = j->waiter;
    j->done = true;
    if (!t) {
        async__loop->detached -= j->may_wake;
        j->release(j);
    } else if (t->node.state == TASK_PARKED) { /* otherwise it was interrupted a moment ago */
        t->value = 0;
        async__wake(t, WOKEN);
    }
}

/* Wait until j is done, whatever is cancelled: the job uses the stack frame of t. */
static void wait_shielded(async_task *t, const struct job *j)
{
    async_scope shield;
    shield_enter(&shield, t);
    while (!j->done) {
        wait_is(t, WAITS_THREAD);
        wait_in(t, NULL);
    }
    shield_leave(&shield, t);
}

/* t was cancelled, and j is not known to be done: take it back, abandon it, or wait for it. */
static int give_up_job(async_task *t, struct thread_pool *p, struct job *j)
{
    if (async__thread_pool_take_back(p, j)) {
        if (j->release)
            j->release(j);
    } else if (j->release) {
        j->waiter = NULL;
        t->loop->detached += j->may_wake;
        async__thread_pool_abandon(p, j);
    } else {
        wait_shielded(t, j);
        return j->error;
    }
    return async__deliver_cancel(t);
}

int async__job_await_in(async_task *t, struct thread_pool *p, struct job *j)
{
    struct loop *l = t->loop;
    j->waiter = t;
    j->done = false;
    j->error = 0;
    struct job_list one = { NULL, NULL };
    job_list_append(&one, j);
    int r = async__thread_pool_put(p, &one);
    if (r < 0)
        return r;
    l->external++;
    wait_is(t, WAITS_THREAD);
    enum wake why = wait_in(t, NULL);
    r = why == INTERRUPTED && !j->done ? give_up_job(t, p, j) : j->error;
    l->external--;
    return r;
}
