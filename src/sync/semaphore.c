/* SPDX-License-Identifier: MIT */
#include <asyncio/with.h>

#include "sync/bind.h"
#include "task/scope.h"

static int bind_semaphore(async_semaphore *s)
{
    return bound_with_line(&s->loop, &s->waiters, "a semaphore");
}

/* A unit that is released while somebody waits belongs to the first of them from that moment on: it never shows up in
 * value, so nobody can take it from the side. */
static NOINLINE int wait_for_unit(async_semaphore *s, async_task *t)
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
    if (unlikely(s->value <= 0 || s->waiters.head))
        return wait_for_unit(s, t);
    s->value--;
    return 0;
}

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

ASYNC__MAKE(semaphore_enter, "acquire", await_semaphore_acquire, (async_semaphore *)s)
ASYNC__MAKE(semaphore_leave, "release", async_semaphore_release, (async_semaphore *)s)

async_hold async_semaphore_hold(async_semaphore *s)
{
    return (async_hold){ semaphore_enter(s), semaphore_leave(s) };
}

static int enter(void *s)
{
    return await_semaphore_acquire(s);
}

static int leave(void *s)
{
    return async_semaphore_release(s);
}

async_with_sync async_with_semaphore(async_with_sync *w, async_scope *blocks, async_semaphore *s)
{
    static const struct async_with_ops manager = { enter, leave };
    (void)w;
    return (async_with_sync){ async__with_scope(s, &manager, blocks) };
}
