/* SPDX-License-Identifier: MIT */
/* barrier.c - rounds of waiting for each other. Numbers are given when a round is complete, so that one who was
 * cancelled leaves no gap. A round drains until all whom it released have run: who comes meanwhile stands in a line apart,
 * and a reset still reaches everybody who is not back.
 *
 * A waiter that is interrupted leaves its line at once and takes itself out of the count when it runs. Whoever counts
 * anew in between has left it out already: then the mark is another one than it stood in line with. */
#include <asyncio/sync.h>

#include <limits.h>

#include "sync/bind.h"
#include "task/scope.h"

/* What a waiter's value says while it stands in line: the mark, if it is counted, or: */
enum { LATE = -1 };

static void forget_count(async_barrier *b)
{
    b->waiting = 0;
    b->mark = b->mark < INT_MAX ? b->mark + 1 : 0;
}

static int bind_barrier(async_barrier *b)
{
    int r = bound_here(&b->loop, "a barrier");
    if (likely(r != TAKEN_OVER))
        return r;
    forget_count(b);
    b->draining = 0;
    b->spoiled = false;
    b->waiters.head = b->late.head = NULL;
    return 0;
}

static void count(async_barrier *b)
{
    forget_count(b);
    for (struct async_waiter *w = b->waiters.head; w; w = w->next) {
        task_of(w)->value = b->mark;
        b->waiting++;
    }
}

static void release(async_barrier *b)
{
    int number = 0;
    while (async__wake_first(&b->waiters, number))
        number++;
    b->draining = (size_t)number;
    forget_count(b);
}

/* The last round is over: who came too late for it begins the next, and may complete it. */
static void begin_round(async_barrier *b)
{
    b->spoiled = false;
    for (struct async_waiter *w; b->waiting < b->parties && (w = b->late.head);) {
        waitq_pop(&b->late, w);
        waitq_push(&b->waiters, w);
        task_of(w)->queue = &b->waiters;
        task_of(w)->value = b->mark;
        wait_is(task_of(w), WAITS_BARRIER);
        b->waiting++;
    }
    if (b->waiting == b->parties)
        release(b);
}

static int is_back(async_barrier *b, int number)
{
    bool spoiled = b->spoiled;
    if (--b->draining == 0)
        begin_round(b);
    return spoiled ? -EPIPE : number;
}

int await_barrier_wait(async_barrier *b)
{
    async_task *t;
    int r = await_begin(&t, "await_barrier_wait");
    if (r < 0)
        return r;
    if (b->parties == 0)
        return -EINVAL;
    r = bind_barrier(b);
    if (r < 0)
        return r;
    if (b->broken)
        return -EPIPE;
    bool late = b->draining > 0;
    if (!late && b->waiting + 1 == b->parties)
        count(b);
    if (!late && b->waiting + 1 == b->parties) {
        release(b);
        return (int)b->parties - 1;
    }
    b->waiting += !late;
    t->value = late ? LATE : b->mark;
    wait_is(t, late ? WAITS_BARRIER_LATE : WAITS_BARRIER);
    if (wait_in(t, late ? &b->late : &b->waiters) == INTERRUPTED) {
        b->waiting -= t->value == b->mark;
        return async__deliver_cancel(t);
    }
    return t->value < 0 ? t->value : is_back(b, t->value);
}

static void spoil(async_barrier *b)
{
    forget_count(b);
    b->spoiled = b->draining > 0;
    async__wake_all(&b->waiters, -EPIPE);
}

void async_barrier_reset(async_barrier *b)
{
    if (bind_barrier(b) < 0)
        return;
    b->broken = false;
    spoil(b);
}

void async_barrier_abort(async_barrier *b)
{
    if (bind_barrier(b) < 0)
        return;
    b->broken = true;
    spoil(b);
    async__wake_all(&b->late, -EPIPE);
}
