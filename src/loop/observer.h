/* SPDX-License-Identifier: MIT */
/* observer.h - what the deadlock report and debug mode are called for. The run layer registers them
 * (loop.observer). */
#ifndef LOOP_OBSERVER_H
#define LOOP_OBSERVER_H

#include <asyncio/scope.h>

struct loop;
struct async_waiter;

struct loop_observer {
    /* Nothing is ready, and nothing can become ready: report it and cancel the run. Returns false
     * if the loop shall wait nevertheless; otherwise a task is ready now, or the loop stops. */
    bool (*deadlock)(struct loop *l);

    /* In debug mode (loop.debug) each step goes by way of the loop, which calls these around it. */
    void (*step_begin)(struct loop *l, struct async_waiter *next);
    void (*step_park)(struct loop *l, async_task *t); /* on t's own stack, before it is left */
    void (*step_end)(struct loop *l);

    /* In debug mode: an await_ call of t was refused because t is cancelled; s was left by a bare
     * return. */
    void (*call_refused)(async_task *t);
    void (*left_by_return)(const async_scope *s);
};

#endif
