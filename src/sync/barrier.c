/* SPDX-License-Identifier: MIT */
/* barrier.c - rounds in which tasks wait for each other.
 *
 * Numbers are given when a round is complete, so that a task that was cancelled leaves no gap. A
 * round drains until all tasks that it has released have run. Tasks that arrive meanwhile wait in a
 * queue of their own, and a reset still reaches every task that was released and has not returned.
 *
 * A waiter that is interrupted leaves its queue at once, and takes itself out of the count when it
 * runs. If the waiters were counted anew in between, it is not counted any more; it notices because
 * the mark has changed since it entered the queue. */
#include <asyncio/sync.h>

#include <limits.h>

#include "sync/bind.h"
#include "task/scope.h"

/* While a task waits, its value is the mark with which it was counted, or: */
enum { NOT_COUNTED = -1 };

static void reset_count(async_barrier *b)
{
    b->waiting = 0;
    b->mark = b->mark < INT_MAX ? b->mark + 1 : 0;
}

static int bind_barrier(async_barrier *b)
{
    int r = bind_here(&b->loop, "a barrier");
    if (likely(r != TAKEN_OVER))
        return r;
    reset_count(b);
    b->draining = 0;
    b->spoiled = false;
    b->waiters.head = b->late.head = NULL;
    return 0;
}

/* Count the tasks that are still in the queue. */
static void count_waiters(async_barrier *b)
{
    reset_count(b);
    for (struct async_waiter *w = b->waiters.head; w; w = w->next) {
        task_of(w)->value = b->mark;
        b->waiting++;
    }
}

static void release_round(async_barrier *b)
{
    int number = 0;
    while (async__wake_first(&b->waiters, number))
        number++;
    b->draining = (size_t)number;
    reset_count(b);
}

/* The last round has drained. The tasks that came too late for it begin the next one, and may
 * complete it. */
static void begin_round(async_barrier *b)
{
    b->spoiled = false;
    for (struct async_waiter *w; b->waiting < b->parties && (w = b->late.head);) {
        async_task *t = task_of(w);
        waitq_pop(&b->late, w);
        waitq_push(&b->waiters, w);
        t->queue = &b->waiters;
        t->value = b->mark;
        wait_is(t, WAITS_BARRIER);
        b->waiting++;
    }
    if (b->waiting == b->parties)
        release_round(b);
}

/* A task that was released has run. Returns what its wait returns. */
static int return_from_round(async_barrier *b, int number)
{
    bool spoiled = b->spoiled;
    if (--b->draining == 0)
        begin_round(b);
    return spoiled ? -EPIPE : number;
}

/* Would the arrival of one more task complete the round? Interrupted tasks may still be counted, so
 * count again before saying yes. */
static bool completes_round(async_barrier *b)
{
    if (b->draining > 0 || b->waiting + 1 != b->parties)
        return false;
    count_waiters(b);
    return b->waiting + 1 == b->parties;
}

static int wait_for_round(async_barrier *b, async_task *t)
{
    bool late = b->draining > 0;
    b->waiting += !late;
    t->value = late ? NOT_COUNTED : b->mark;
    wait_is(t, late ? WAITS_BARRIER_LATE : WAITS_BARRIER);
    if (wait_in(t, late ? &b->late : &b->waiters) == INTERRUPTED) {
        b->waiting -= t->value == b->mark;
        return async__deliver_cancel(t);
    }
    return t->value < 0 ? t->value : return_from_round(b, t->value);
}

/* The task whose arrival completes a round does not wait, and gets the highest number. */
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
    if (!completes_round(b))
        return wait_for_round(b, t);
    release_round(b);
    return (int)b->parties - 1;
}

/* --- reset and abort --- */

static void fail_round(async_barrier *b)
{
    reset_count(b);
    b->spoiled = b->draining > 0;
    async__wake_all(&b->waiters, -EPIPE);
}

void async_barrier_reset(async_barrier *b)
{
    if (bind_barrier(b) < 0)
        return;
    b->broken = false;
    fail_round(b);
}

void async_barrier_abort(async_barrier *b)
{
    if (bind_barrier(b) < 0)
        return;
    b->broken = true;
    fail_round(b);
    async__wake_all(&b->late, -EPIPE);
}
