/* SPDX-License-Identifier: MIT */
/* turn.c - one look around: what time it is, what other threads posted, what the kernel has. */
#include "loop/loop.h"

enum {
    STEPS_MIN = 1,
    STEPS_MAX = 64,
    POLL_EVERY = 20 * 1000,           /* ns: how often a busy loop should look */
    VIRTUAL_GRACE = 10 * 1000 * 1000, /* ns: how long a virtual clock waits for real descriptors */
    TEST_GRACE = 1000 * 1000 * 1000, /* ns: how long a test waits for descriptors and threads */
    TRIM = 256,                         /* stacks given back in an idle turn */
};

/* How long a surplus of stacks must last, ns: the next spike may be near. */
#define TRIM_AFTER INT64_C(1000000000)

void async__loop_run_timers(struct loop *l, int64_t now)
{
    enum timer_tag tag;
    for (void *what; (what = async__timer_take(&l->timers, now, &tag));) {
        if (tag == TIMER_SLEEP) {
            async_task *t = what;
            t->node.timer = 0;
            async__wake(t, TIMED);
        } else if (tag == TIMER_CALLBACK) {
            async_callback *cb = what;
            cb->timer = 0;
            ready_push(l, (struct async_waiter *)cb);
        } else {
            async_scope *s = what;
            s->timer = 0;
            async__scope_expire(s);
        }
    }
}

/* A look costs as much as a hundred switches. While steps are short, many of them pay for one; as soon as they are
 * long, each is followed by one. What the clock said twice tells which it is; a seeded or virtual run goes by steps
 * alone, so that it can be repeated. What the kernel has woken runs before it is asked again: these steps make system
 * calls, and who waits for a timer would stand behind them in any case. */
static void set_budget(struct loop *l, int64_t now, bool idle)
{
    if (l->stepwise) {
        l->steps = 16;
        l->budget = 0;
        return;
    }
    if (l->virtual_clock)
        l->allowance = 16;
    else if (idle)
        ; /* the time was not spent in steps */
    else if (now - l->last_poll > POLL_EVERY)
        l->allowance = l->allowance / 4 < STEPS_MIN ? STEPS_MIN : l->allowance / 4;
    else if (l->allowance < STEPS_MAX)
        l->allowance *= 2;
    l->last_poll = now;
    l->budget = (l->allowance > l->poller.events ? l->allowance : l->poller.events) + 1;
}

/* Nothing is ready. How long the kernel may keep us: ns, -1 without a limit. */
static int64_t patience(struct loop *l, int64_t now)
{
    int64_t next = async__timer_next(&l->timers);
    if (next == NEVER)
        return -1;
    return next > now ? next - now : 0;
}

static bool waits_for_kernel_or_threads(const struct loop *l)
{
    return l->poller.waiting > 0 || l->jobs > 0;
}

/* Can anybody wake a task who is neither ready nor a timer? */
static bool can_be_woken_from_outside(const struct loop *l)
{
    return waits_for_kernel_or_threads(l) || l->abandoned_jobs > 0;
}

static void jump(struct loop *l)
{
    int64_t next = async__timer_next(&l->timers);
    if (next == NEVER) {
        async__poller_poll(l, -1);
        return;
    }
    /* Descriptors and threads belong to real time: give them a moment before everybody's sleep is cut short. */
    if (waits_for_kernel_or_threads(l) && async__poller_poll(l, VIRTUAL_GRACE))
        return;
    if (next > l->virtual_now)
        l->virtual_now = next;
}

/* Nothing to do: the time to give memory back, a second after a spike. How long until the next of it, at most limit. */
static int64_t trim(struct loop *l, int64_t now, int64_t limit)
{
    if (!async__stacks_surplus(&l->stacks)) {
        l->trim = 0;
        return limit;
    }
    if (!l->trim)
        l->trim = ns_after(now, TRIM_AFTER);
    if (now >= l->trim) {
        async__stacks_trim(&l->stacks, TRIM);
        return 0; /* more of it in the next turn */
    }
    return limit < 0 || limit > l->trim - now ? l->trim - now : limit;
}

/* A test does not wait for what will not come: with no timer, what it waits for is a descriptor or another thread, for a
 * while, or nothing. */
static bool test_standstill(struct loop *l)
{
    if (async__timer_next(&l->timers) != NEVER)
        return false;
    int64_t limit = can_be_woken_from_outside(l) || !l->virtual_clock ? TEST_GRACE : 0;
    if (!async__poller_poll(l, limit))
        probe_at(l, NULL, AT_STANDSTILL);
    return true;
}

/* No timer, no descriptor or thread that a task waits for or hears of, and nobody outside who could know of the loop. A job
 * that was abandoned and has no release function of the user's wakes nobody, however long it runs. */
static bool is_deadlock(const struct loop *l)
{
    return !can_be_woken_from_outside(l) && !l->shared && !l->embedded;
}

static void wait_for_work(struct loop *l, int64_t now)
{
    if (unlikely(l->probe != NULL) && test_standstill(l))
        return;
    int64_t limit = patience(l, now);
    if (limit < 0 && is_deadlock(l) && async__deadlock(l))
        return;
    if (limit != 0 && !l->virtual_clock)
        limit = trim(l, now, limit);
    if (l->virtual_clock)
        jump(l);
    else
        async__poller_poll(l, limit);
}

void async__loop_iterate(struct loop *l)
{
    int64_t now = loop_read_clock(l);
    async__loop_run_timers(l, now);
    bool more = async__handle_run_posts(l->handle);
    async__task_interrupt(l);
    bool idle = !l->ready.head && !more;
    if (!idle) {
        if (l->poller.waiting > 0) /* else there is nothing to hear: who rings is seen without asking */
            async__poller_poll(l, 0);
    } else {
        wait_for_work(l, now);
        now = loop_read_clock(l);
        async__loop_run_timers(l, now);
        async__handle_run_posts(l->handle);
        async__task_interrupt(l);
    }
    set_budget(l, now, idle);
}

/* The kernel first: a post that comes after it has been asked makes the descriptor readable again. */
void async__loop_poll_once(struct loop *l)
{
    async__poller_poll(l, 0);
    int64_t now = loop_read_clock(l);
    if (l->virtual_clock && !l->ready.head && now < async__timer_next(&l->timers) &&
        async__timer_next(&l->timers) != NEVER)
        now = l->virtual_now = async__timer_next(&l->timers);
    async__loop_run_timers(l, now);
    if (async__handle_run_posts(l->handle))
        async__handle_wake(l->handle);
    async__task_interrupt(l);
    set_budget(l, now, false);
}

/* Among the first of the queue; xorshift, because it must be the same everywhere and for ever. */
struct async_waiter *async__pick(struct loop *l)
{
    struct async_waiter *w = l->ready.head;
    l->seed ^= l->seed << 13;
    l->seed ^= l->seed >> 7;
    l->seed ^= l->seed << 17;
    for (unsigned steps = (unsigned)(l->seed >> 33) % 16; steps > 0 && w->next; steps--)
        w = w->next;
    return w;
}
