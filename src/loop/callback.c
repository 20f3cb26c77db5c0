/* SPDX-License-Identifier: MIT */
/* callback.c - call_soon, call_later, call_at. A callback stands in the ready queue among the
 * tasks. */
#include <asyncio/loop.h>

#include "loop/scheduler.h"

enum callback_state { CALLBACK_IDLE, CALLBACK_READY, CALLBACK_ARMED };

_Static_assert(offsetof(async_callback, kind) == offsetof(struct async_waiter, kind) &&
                       offsetof(async_callback, timer) == offsetof(struct async_waiter, timer),
               "a callback begins like a struct async_waiter");

/* The home of a callback while it is scheduled: a hash of the serial number of its loop and of its
 * address. It has only 16 bits, because a program may have a million callbacks, and each byte more
 * costs them all. Together with the kind and the state that is enough to notice memory that was
 * never initialised, a copy of another callback, and a call in another loop. */
static uint16_t home_of(const async_callback *cb, uint64_t serial)
{
    return (uint16_t)((serial ^ (uint64_t)(uintptr_t)cb) * UINT64_C(0x9e3779b97f4a7c15) >> 48);
}

static bool is_scheduled(const async_callback *cb, const struct loop *l)
{
    return cb->kind == NODE_CALLBACK && cb->home == home_of(cb, l->serial) &&
           (cb->state == CALLBACK_READY || cb->state == CALLBACK_ARMED);
}

bool async__callback_is_scheduled(const async_callback *cb)
{
    return is_scheduled(cb, async__loop);
}

static void reset(async_callback *cb)
{
    cb->state = CALLBACK_IDLE;
    cb->timer = 0;
}

static void release(async_callback *cb)
{
    struct context *c = cb->context;
    reset(cb);
    cb->context = NULL;
    async__context_unref(c);
}

/* Fill in cb, which is to be called in the loop of this thread. Returns that loop; NULL if there is
 * none, or if cb is scheduled already: a second entry would damage the queue that cb stands in. */
static struct loop *prepare(async_callback *cb, const char *what, void (*fn)(void *arg), void *arg)
{
    struct loop *l = async__loop;
    if (unlikely(!l)) {
        async__warn(
                "%s() on a thread without a loop: the function will not be called; call it in a "
                "task or callback, or use async_call_soon_threadsafe()",
                what);
        *cb = (async_callback){ .fn = fn, .arg = arg };
        return NULL;
    }
    if (unlikely(is_scheduled(cb, l))) {
        async__warn("%s() of a callback that is scheduled already: ignored; call "
                    "async_callback_cancel() first",
                    what);
        return NULL;
    }
    *cb = (async_callback){ .kind = NODE_CALLBACK,
                            .fn = fn,
                            .arg = arg,
                            .home = home_of(cb, l->serial) };
    return l;
}

static void make_ready(struct loop *l, async_callback *cb, struct context *context)
{
    cb->context = context;
    cb->state = CALLBACK_READY;
    ready_push(l, (struct async_waiter *)cb);
}

void async__call_soon(async_callback *cb, void (*fn)(void *arg), void *arg, struct context *context)
{
    struct loop *l = async__loop;
    *cb = (async_callback){ .kind = NODE_CALLBACK,
                            .fn = fn,
                            .arg = arg,
                            .home = home_of(cb, l->serial) };
    make_ready(l, cb, context);
}

void async_call_soon(async_callback *cb, void (*fn)(void *arg), void *arg)
{
    struct loop *l = prepare(cb, "async_call_soon", fn, arg);
    if (l)
        make_ready(l, cb, context_for_callback(l));
}

static void call_at(async_callback *cb, const char *what, int64_t when, void (*fn)(void *arg),
                    void *arg)
{
    struct loop *l = prepare(cb, what, fn, arg);
    if (!l)
        return;
    cb->context = context_for_callback(l);
    cb->state = CALLBACK_ARMED;
    cb->timer = async__timer_arm(&l->timers, when, cb, TIMER_CALLBACK);
}

void async_call_later(async_callback *cb, double seconds, void (*fn)(void *arg), void *arg)
{
    int64_t now = async__loop ? loop_coarse_now(async__loop) : 0;
    call_at(cb, "async_call_later", ns_after(now, ns_of(seconds)), fn, arg);
}

void async_call_at(async_callback *cb, double when, void (*fn)(void *arg), void *arg)
{
    call_at(cb, "async_call_at", ns_of(when), fn, arg);
}

bool async_callback_cancel(async_callback *cb)
{
    struct loop *l = async__loop;
    if (cb->state == CALLBACK_IDLE)
        return false;
    if (!l || !is_scheduled(cb, l)) {
        async__warn("async_callback_cancel() on a thread whose loop did not schedule the callback: "
                    "ignored; use async_call_soon_threadsafe()");
        return false;
    }
    if (cb->timer)
        async__timer_cancel(&l->timers, cb->timer);
    else
        waitq_remove(&l->sched.ready, (struct async_waiter *)cb);
    release(cb);
    return true;
}

void async__callback_run(async_callback *cb)
{
    struct context *c = cb->context;
    reset(cb); /* before it runs, because fn may schedule it again or free its memory */
    struct thread_context before = context_enter(c);
    cb->fn(cb->arg);
    context_leave(before);
}

static void release_armed(void *cb)
{
    release(cb);
}

void async__callbacks_drop(struct loop *l)
{
    for (struct async_waiter *w = l->sched.ready.head, *next; w; w = next) {
        next = w->next;
        if (w->kind == NODE_CALLBACK)
            release((async_callback *)w);
    }
    l->sched.ready.head = NULL;
    async__timers_cancel_all(&l->timers, TIMER_CALLBACK, release_armed);
}

double async_time(void)
{
    const struct loop *l = async__loop;
    return 1e-9 * (double)(l ? loop_now(l) : async__sys.clock());
}
