/* SPDX-License-Identifier: MIT */
#include <asyncio/future.h>

#include "sync/bind.h"
#include "task/scope.h"

static int bind_future(async_future *f)
{
    return bound_with_line(&f->loop, &f->waiters, "a future");
}

/* The value travels with the wake-up: f may be gone when the waiter runs. */
int await_future(async_future *f)
{
    async_task *t;
    int r = await_begin(&t, "await_future");
    if (r < 0)
        return r;
    if (f->done)
        return f->result;
    r = bind_future(f);
    if (r < 0)
        return r;
    wait_is(t, WAITS_FUTURE);
    r = wait_for_event(t, &f->waiters);
    return r < 0 ? r : t->value;
}

int async_future_set_result(async_future *f, int result)
{
    int r = bind_future(f);
    if (r < 0)
        return r;
    if (f->done)
        return -EALREADY;
    f->done = true;
    f->result = result;
    async__wake_all(&f->waiters, result);
    return 0;
}

int async_future_set_exception(async_future *f, int err)
{
    return err < 0 ? async_future_set_result(f, err) : -EINVAL;
}

bool async_future_cancel(async_future *f)
{
    return async_future_set_result(f, -ECANCELED) == 0;
}
