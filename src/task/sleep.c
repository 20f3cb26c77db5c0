/* SPDX-License-Identifier: MIT */
/* sleep.c - the simplest wait: for the clock alone. */
#include "task/scope.h"
#include "task/task.h"

static NOINLINE int sleep_for(async_task *t, double seconds)
{
    struct loop *l = t->loop;
    int64_t until = ns_after(loop_coarse_now(l), ns_of(seconds));
    if (until != NEVER)
        t->node.timer = async__timer_arm(&l->timers, until, t, TIMER_SLEEP);
    return wait_for_event(t, NULL);
}

/* A sleep suspends, so only one that is refused counts for fairness. */
static COLD int refuse_sleep(int err)
{
    struct loop *l = async__loop;
    if (err == -ECANCELED)
        use_credit(l, l->sched.current);
    return err;
}

int await_sleep(double seconds)
{
    async_task *t;
    int r = await_begin_nested(&t, "await_sleep");
    if (unlikely(r < 0))
        return refuse_sleep(r);
    if (!(seconds > 0))
        return async__yield(t->loop, t);
    return sleep_for(t, seconds);
}
