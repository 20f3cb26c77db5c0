/* SPDX-License-Identifier: MIT */
/* sleep.c - the shortest wait: for the clock alone. */
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

int await_sleep(double seconds)
{
    async_task *t;
    int r = await_begin(&t, "await_sleep");
    if (unlikely(r < 0))
        return r;
    if (!(seconds > 0))
        return async__yield(async__loop, t);
    return sleep_for(t, seconds);
}
