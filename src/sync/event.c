/* SPDX-License-Identifier: MIT */
#include <asyncio/sync.h>

#include "sync/bind.h"
#include "task/scope.h"

static int bind_event(async_event *e)
{
    return bind_with_queue(&e->loop, &e->waiters, "an event");
}

int await_event_wait(async_event *e)
{
    async_task *t;
    int r = await_begin(&t, "await_event_wait");
    if (r < 0 || e->set)
        return r;
    r = bind_event(e);
    if (r < 0)
        return r;
    wait_is(t, WAITS_EVENT);
    return wait_for_event(t, &e->waiters);
}

void async_event_set(async_event *e)
{
    if (bind_event(e) < 0)
        return;
    e->set = true;
    if (e->waiters.head)
        async__wake_all(&e->waiters, 0);
}

void async_event_clear(async_event *e)
{
    if (bind_event(e) == 0)
        e->set = false;
}
