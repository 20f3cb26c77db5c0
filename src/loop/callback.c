/* SPDX-License-Identifier: MIT */
/* callback.c - call_soon, call_later, call_at: callbacks stand in the ready queue among the tasks. */
#include <asyncio/loop.h>

#include "loop/loop.h"

enum callback_state { CALLBACK_IDLE, CALLBACK_READY, CALLBACK_ARMED, CALLBACK_LAST };

_Static_assert(offsetof(async_callback, kind) == offsetof(struct async_waiter, kind) &&
                       offsetof(async_callback, timer) == offsetof(struct async_waiter, timer),
               "a callback begins like a node");

static struct loop *init(async_callback *cb, void (*fn)(void *arg), void *arg)
{
    struct loop *l = async__loop;
    if (!l) {
        async__warn("async_call_soon or _later on a thread without a loop: it will not be called");
        *cb = (async_callback){ .fn = fn, .arg = arg };
        return NULL;
    }
    *cb = (async_callback){ .kind = NODE_CALLBACK, .fn = fn, .arg = arg };
    return l;
}

void async__call_soon(async_callback *cb, void (*fn)(void *arg), void *arg, struct context *context)
{
    struct loop *l = init(cb, fn, arg);
    cb->context = context;
    cb->state = CALLBACK_READY;
    ready_push(l, (struct async_waiter *)cb);
}

void async_call_soon(async_callback *cb, void (*fn)(void *arg), void *arg)
{
    struct loop *l = init(cb, fn, arg);
    if (!l)
        return;
    cb->context = context_for_callback(l);
    cb->state = CALLBACK_READY;
    ready_push(l, (struct async_waiter *)cb);
}

static void call_at(async_callback *cb, int64_t when, void (*fn)(void *arg), void *arg)
{
    struct loop *l = init(cb, fn, arg);
    if (!l)
        return;
    cb->context = context_for_callback(l);
    cb->state = CALLBACK_ARMED;
    cb->timer = async__timer_arm(&l->timers, when, cb, TIMER_CALLBACK);
}

void async_call_later(async_callback *cb, double seconds, void (*fn)(void *arg), void *arg)
{
    int64_t now = async__loop ? loop_coarse_now(async__loop) : 0;
    call_at(cb, ns_after(now, ns_of(seconds)), fn, arg);
}

void async_call_at(async_callback *cb, double when, void (*fn)(void *arg), void *arg)
{
    call_at(cb, ns_of(when), fn, arg);
}

static void drop_context(async_callback *cb)
{
    async__context_unref(cb->context);
    cb->context = NULL;
}

bool async_callback_cancel(async_callback *cb)
{
    struct loop *l = async__loop;
    if (cb->state == CALLBACK_IDLE || !l)
        return false;
    uint32_t timer = cb->timer;
    cb->state = CALLBACK_IDLE;
    cb->timer = 0;
    drop_context(cb);
    if (timer && !async__timer_is(&l->timers, timer, cb, TIMER_CALLBACK))
        return false; /* it was armed in a loop that has closed since */
    if (timer)
        async__timer_cancel(&l->timers, timer);
    else
        waitq_remove(&l->ready, (struct async_waiter *)cb);
    return true;
}

bool async__callbacks_note(struct loop *l)
{
    bool any = false;
    for (struct async_waiter *w = l->ready.head; w; w = w->next)
        if (w->kind == NODE_CALLBACK) {
            w->state = CALLBACK_LAST;
            any = true;
        }
    return any;
}

bool async__callbacks_noted(const struct loop *l)
{
    const struct async_waiter *w = l->ready.head;
    while (w && !(w->kind == NODE_CALLBACK && w->state == CALLBACK_LAST))
        w = w->next;
    return w;
}

void async__callbacks_drop(struct loop *l)
{
    for (struct async_waiter *w = l->ready.head, *next; w; w = next) {
        next = w->next;
        w->state = CALLBACK_IDLE;
        if (w->kind == NODE_CALLBACK)
            drop_context((async_callback *)w);
    }
    l->ready.head = NULL;
}

double async_time(void)
{
    struct loop *l = async__loop;
    return 1e-9 * (double)(l ? loop_now(l) : async__sys.clock());
}
