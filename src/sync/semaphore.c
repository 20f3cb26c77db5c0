/* SPDX-License-Identifier: MIT */
#include <asyncio/with.h>

#include "sync/bind.h"
#include "task/scope.h"

static int bind_semaphore(async_semaphore *s)
{
    return bind_with_queue(&s->loop, &s->waiters, "a semaphore");
}

/* A permit that is released while tasks wait belongs to the first of them from that moment on. It
 * never shows up in value, so no other task can take it. */
static NOINLINE int wait_for_permit(async_semaphore *s, async_task *t)
{
    bool chosen;
    wait_is(t, WAITS_SEMAPHORE);
    int r = wait_to_acquire(t, &s->waiters, &chosen);
    if (r < 0 && chosen)
        async_semaphore_release(s);
    return r;
}

int await_semaphore_acquire(async_semaphore *s)
{
    async_task *t;
    int r = await_begin(&t, "await_semaphore_acquire");
    if (r == 0)
        r = bind_semaphore(s);
    if (r < 0)
        return r;
    if (unlikely(s->value <= 0))
        return wait_for_permit(s, t);
    s->value--;
    return 0;
}

/* Release a permit. It goes to the first waiter, if there is one. */
int async_semaphore_release(async_semaphore *s)
{
    int r = bind_semaphore(s);
    if (r < 0)
        return r;
    if (s->waiters.head) {
        async__wake_first(&s->waiters, 0);
        return 0;
    }
    if (s->bound && s->value >= s->bound)
        return -EINVAL;
    s->value++;
    return 0;
}

/* --- as a context manager --- */

ASYNC__MAKE(semaphore_enter, "acquire", await_semaphore_acquire, (async_semaphore *)s)
ASYNC__MAKE(semaphore_leave, "release", async_semaphore_release, (async_semaphore *)s)

async_context_manager async_semaphore_context_manager(async_semaphore *s)
{
    return (async_context_manager){ semaphore_enter(s), semaphore_leave(s) };
}

static int enter_semaphore(void *s)
{
    return await_semaphore_acquire(s);
}

static int leave_semaphore(void *s)
{
    return async_semaphore_release(s);
}

async_with_sync async_with_semaphore(async_with_sync *w, async_scope *blocks, async_semaphore *s)
{
    static const struct async_with_ops ops = { enter_semaphore, leave_semaphore };
    (void)w;
    return (async_with_sync){ async__with_scope(s, &ops, blocks) };
}
