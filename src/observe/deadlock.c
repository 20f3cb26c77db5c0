/* SPDX-License-Identifier: MIT */
/* deadlock.c - report that nothing is ready and nothing can become ready, or that some tasks wait
 * for each other in a circle. */
#include <asyncio/sync.h>

#include <stdio.h>

#include "observe/observe.h"
#include "task/scope.h"
#include "task/task.h"

/* --- all tasks wait --- */

static void find_endless_sleep(void *record, void *arg)
{
    const async_task *t = record;
    if (t->node.kind == NODE_TASK && t->node.state == TASK_PARKED && !t->queue && !t->node.timer &&
        t->node.why < WAITS_LOCK)
        *(bool *)arg = true;
}

/* Not a deadlock if Ctrl-C can still end the run and a task sleeps for ever: such a task is there
 * to wait for Ctrl-C. The same holds for a run without a main task, which goes on until it is
 * stopped. */
static bool waits_for_interrupt(struct loop *l)
{
    bool sleeps = l->forever;
    if (l->interruptible && l->main_task)
        async__slab_each(&l->tasks, find_endless_sleep, &sleeps);
    return sleeps && l->interruptible;
}

static void abandon_deadlocked(struct loop *l)
{
    async__warn("deadlock: these tasks were cancelled, but nothing can wake them; they are "
                "abandoned:");
    async_print_tasks();
    l->abandoned = true;
    async__loop_stop(l);
}

/* Cancel the main task, which usually ends all others. A run without a main task is only stopped:
 * its tasks are cancelled when the runner is closed. */
static void end_deadlocked_run(struct loop *l)
{
    async__warn("deadlock: all tasks are waiting and nothing can wake them:");
    async_print_tasks();
    if (l->forever)
        async__loop_stop(l);
    else
        async__task_request_cancel(l->root_task, ASYNC_CANCEL_SHUTDOWN, "deadlock", NULL);
}

/* Nothing can wake any task. End the run. If tasks still wait after that, abandon them. */
bool async__deadlock(struct loop *l)
{
    if (waits_for_interrupt(l))
        return false;
    if (!l->deadlocked && (l->root_task || l->forever))
        end_deadlocked_run(l);
    l->deadlocked = true;
    if (!l->sched.ready.head && !l->stop)
        abandon_deadlocked(l);
    return true;
}

/* --- a circle --- */

/* Has t a timeout? A circle lasts for ever only if no task in it has one. */
static bool has_deadline(const async_task *t)
{
    return t->node.timer || async__next_deadline(t->scope) != NEVER;
}

static bool is_in_circle(const async_task *t)
{
    const async_task *a = t;
    do {
        a = a->node.kind == NODE_TASK && !has_deadline(a) ? async__awaited_by(a) : NULL;
    } while (a && a != t && a->loop == t->loop);
    return a == t;
}

/* Is the chain of waiting tasks that begins with t a circle? Walk it with two steps for each one of
 * the other, since it may lead into a circle that t is not part of, and that was reported when it
 * was closed. */
void async__check_circle(const async_task *t)
{
    const async_task *slow = t, *fast = t;
    do {
        slow = async__awaited_by(slow);
        fast = async__awaited_by(fast);
        fast = fast ? async__awaited_by(fast) : NULL;
    } while (fast && fast != slow);
    if (!fast || !is_in_circle(t))
        return;
    async__warn("deadlock: these tasks wait for each other:");
    const async_task *a = t;
    do {
        const async_task *next = async__awaited_by(a);
        if (!async__log.silent)
            fprintf(stderr, "    \"%s\" waits for %s\"%s\"\n", async__task_label(a).text,
                    a->node.why == WAITS_TASK ? "" : "a lock that is held by ",
                    async__task_label(next).text);
        a = next;
    } while (a != t);
}
