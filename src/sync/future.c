/* SPDX-License-Identifier: MIT */
#include <asyncio/future.h>

#include "sync/bind.h"
#include "task/scope.h"

static int bind_future(async_future *f)
{
    int r = bind_here(&f->loop, "a future");
    if (likely(r != TAKEN_OVER))
        return r;
    f->waiters.head = NULL;
    f->callbacks = NULL; /* they belong to the loop that is closed */
    return 0;
}

/* The value travels with the wake-up, because f may be gone when the waiter runs. */
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

/* --- done callbacks --- */

static void run_future_callback(void *arg)
{
    async_future_callback *cb = arg;
    async_future *f = cb->future;
    cb->future = NULL; /* before fn runs, because fn may free the memory of cb or use it again */
    cb->fn(f, cb->arg);
}

static void schedule_done_callback(async_future_callback *cb)
{
    async__call_soon(&cb->callback, run_future_callback, cb, cb->context);
    cb->context = NULL; /* the reference belongs to the callback now */
}

/* Schedule the callbacks in the order in which they were added. The list has the latest first. */
static void schedule_all_done_callbacks(async_future *f)
{
    async_future_callback *first = NULL;
    while (f->callbacks) {
        async_future_callback *cb = f->callbacks;
        f->callbacks = cb->next;
        cb->next = first;
        first = cb;
    }
    for (; first; first = first->next)
        schedule_done_callback(first);
}

/* Is cb in the list of f, or ready to run? Adding it once more would damage the list that it is in.
 * The list is searched only if cb looks as if it were in it. */
static bool is_added(const async_future *f, const async_future_callback *cb)
{
    const async_future_callback *at = f->callbacks;
    if (cb->future != f)
        return false;
    while (at && at != cb)
        at = at->next;
    return at || async__callback_is_scheduled(&cb->callback);
}

/* Add a callback. It runs in the context of the caller of this function. If the future is done
 * already, it is scheduled at once. */
int async_future_add_done_callback(async_future *f, async_future_callback *cb,
                                   void (*fn)(async_future *f, void *arg), void *arg)
{
    if (!async__loop)
        return async__not_in_task("async_future_add_done_callback");
    int r = bind_future(f);
    if (r < 0)
        return r;
    if (is_added(f, cb)) {
        async__warn(
                "async_future_add_done_callback() of a callback that is added already: ignored; "
                "call async_future_remove_done_callback() first");
        return -EALREADY;
    }
    *cb = (async_future_callback){ .future = f,
                                   .fn = fn,
                                   .arg = arg,
                                   .context = async__context_of_caller() };
    if (f->done) {
        schedule_done_callback(cb);
    } else {
        cb->next = f->callbacks;
        f->callbacks = cb;
    }
    return 0;
}

bool async_future_remove_done_callback(async_future *f, async_future_callback *cb)
{
    for (async_future_callback **at = &f->callbacks; *at; at = &(*at)->next)
        if (*at == cb) {
            *at = cb->next;
            cb->future = NULL;
            async__context_unref(cb->context);
            return true;
        }
    return async_callback_cancel(&cb->callback);
}

/* --- setting the result --- */

/* Set the result, schedule the callbacks, and wake the waiters. */
int async_future_set_result(async_future *f, int result)
{
    int r = bind_future(f);
    if (r < 0)
        return r;
    if (f->done)
        return -EALREADY;
    f->done = true;
    f->result = result;
    if (unlikely(f->callbacks != NULL))
        schedule_all_done_callbacks(f);
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
