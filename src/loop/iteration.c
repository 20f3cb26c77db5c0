/* SPDX-License-Identifier: MIT */
/* iteration.c - one iteration of the loop: expire timers, run posts, poll the kernel. */
#include "loop/scheduler.h"

enum {
    STEPS_MIN = 1,
    STEPS_MAX = 64,
    STEPS_STEPWISE = 16,
    POLL_EVERY = 20 * 1000, /* ns between two polls of a busy loop */
    /* ns that a virtual clock waits for real descriptors before it jumps */
    VIRTUAL_GRACE = 10 * 1000 * 1000,
    TEST_GRACE = 1000 * 1000 * 1000, /* ns that a test waits for descriptors and threads */
    TRIM_BATCH = 256,                /* stacks given back in one idle iteration */
};

/* How long a surplus of stacks must have lasted before it is given back, ns. The next peak may be
 * near. */
#define TRIM_AFTER INT64_C(1000000000)

/* Make everything ready whose time has come. */
static void run_timers(struct loop *l, int64_t now)
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

/* Decide how many steps may run before the next poll. One poll costs about as much as a hundred
 * switches, so short steps share one: the budget doubles while polls are less than POLL_EVERY
 * apart, and drops to a quarter when they are further apart. Two readings of the clock show which
 * it is. A virtual run has a fixed number of steps, so that it can be repeated. The tasks that the
 * kernel has just made ready all run before it is polled again: they make system calls themselves,
 * and a task that waits for a timer would come after them in any case. */
static void set_budget(struct loop *l, int64_t now, bool idle)
{
    if (l->stepwise) {
        l->steps = STEPS_STEPWISE;
        l->sched.budget = 0;
        return;
    }
    if (l->virtual_clock)
        l->allowance = STEPS_STEPWISE;
    else if (idle)
        ; /* the time since the last poll was not spent in steps */
    else if (now - l->last_poll > POLL_EVERY * (1 + (int64_t)l->renewals))
        l->allowance = l->allowance / 4 < STEPS_MIN ? STEPS_MIN : l->allowance / 4;
    else if (l->allowance < STEPS_MAX)
        l->allowance *= 2;
    l->last_poll = now;
    l->renewals = 0;
    l->sched.budget = (l->allowance > l->poller.events ? l->allowance : l->poller.events) + 1;
}

/* An iteration that comes early finds nothing to do and costs as much as twenty steps: two
 * switches, returns that are predicted wrong, a clock, and a system call if a descriptor is waited
 * for. The coarse clock shows whether it would be early. Other threads and signal handlers
 * set wake_pending. */
bool async__budget_renew(struct loop *l)
{
    if (l->stepwise || l->stop || l->handle->taken ||
        atomic_load_explicit(&l->handle->wake_pending, memory_order_relaxed) ||
        !coarse_clock_before(&l->coarse, l->last_poll + POLL_EVERY))
        return false;
    l->renewals++;
    if (l->allowance < STEPS_MAX)
        l->allowance *= 2;
    l->sched.budget = l->allowance;
    return true;
}

/* How long the kernel may keep the thread when nothing is ready: ns, or -1 for no limit. */
static int64_t poll_timeout(struct loop *l, int64_t now)
{
    int64_t next = async__timer_next(&l->timers);
    if (next == NEVER)
        return -1;
    return next > now ? next - now : 0;
}

static bool waits_for_kernel_or_threads(const struct loop *l)
{
    return l->poller.waiting > 0 || l->external > 0;
}

/* Can a wake-up still arrive from outside: from a descriptor, a thread, or an abandoned call? */
static bool can_be_woken_from_outside(const struct loop *l)
{
    return waits_for_kernel_or_threads(l) || l->detached > 0;
}

/* For how many ns of real time the virtual clock waits for calls and descriptors before it jumps to
 * the next timer. A call on a thread or in a process is work under way: the clock stands still, so
 * that a timeout expires only if the call really takes longer. It is not known whether anything
 * will arrive on a descriptor, so that is given only a moment. */
static int64_t real_time_before_jump(const struct loop *l, int64_t next)
{
    if (l->external > 0)
        return next > l->virtual_now ? next - l->virtual_now : 0;
    return l->poller.waiting > 0 ? VIRTUAL_GRACE : 0;
}

/* Let the virtual clock jump to the next timer, unless an event comes first. */
static void jump(struct loop *l)
{
    int64_t next = async__timer_next(&l->timers);
    if (next == NEVER) {
        async__poller_poll(l, -1);
        return;
    }
    int64_t wait = real_time_before_jump(l, next);
    if (wait > 0 && async__poller_poll(l, wait))
        return;
    if (next > l->virtual_now)
        l->virtual_now = next;
}

/* An idle loop gives back stacks that have been surplus for TRIM_AFTER. Returns how long it may
 * wait for the kernel before the next batch is due, at most timeout. */
static int64_t trim_stacks(struct loop *l, int64_t now, int64_t timeout)
{
    if (!async__stacks_surplus(&l->stacks)) {
        l->trim_at = 0;
        return timeout;
    }
    if (!l->trim_at)
        l->trim_at = ns_after(now, TRIM_AFTER);
    if (now >= l->trim_at) {
        async__stacks_trim(&l->stacks, TRIM_BATCH);
        return 0; /* the next batch is given back in the next iteration */
    }
    return timeout < 0 || timeout > l->trim_at - now ? l->trim_at - now : timeout;
}

/* With a probe attached and no timer armed, poll for at most TEST_GRACE, and only if a descriptor
 * or a thread can still wake a task. Then report a standstill. Returns false if a timer is
 * armed. */
static bool probe_standstill(struct loop *l)
{
    if (async__timer_next(&l->timers) != NEVER)
        return false;
    int64_t timeout = can_be_woken_from_outside(l) || !l->virtual_clock ? TEST_GRACE : 0;
    if (!async__poller_poll(l, timeout))
        probe_at(l, NULL, AT_STANDSTILL);
    return true;
}

/* No timer is armed, as the caller has found out. Can nothing at all wake a task? A thread that has
 * the handle might. An abandoned call that has no release function of the user's wakes nothing,
 * however long it runs. A loop that another one drives never waits by itself, so it does not come
 * here. */
static bool is_deadlock(const struct loop *l)
{
    return !can_be_woken_from_outside(l) && !l->shared;
}

static void wait_for_work(struct loop *l, int64_t now)
{
    if (unlikely(l->probe != NULL) && probe_standstill(l))
        return;
    int64_t timeout = poll_timeout(l, now);
    if (timeout < 0 && is_deadlock(l) && l->observer->deadlock(l))
        return;
    if (timeout != 0 && !l->virtual_clock)
        timeout = trim_stacks(l, now, timeout);
    if (l->virtual_clock)
        jump(l);
    else
        async__poller_poll(l, timeout);
}

void async__loop_iterate(struct loop *l)
{
    int64_t now = loop_read_clock(l);
    run_timers(l, now);
    bool more_posts = async__handle_run_posts(l->handle);
    async__task_interrupt(l);
    bool idle = !l->sched.ready.head && !more_posts;
    if (!idle) {
        /* Otherwise only a post could have come, and posts are seen without a poll. */
        if (l->poller.waiting > 0)
            async__poller_poll(l, 0);
    } else {
        wait_for_work(l, now);
        now = loop_read_clock(l);
        run_timers(l, now);
        async__handle_run_posts(l->handle);
        async__task_interrupt(l);
    }
    set_budget(l, now, idle);
}

/* May the virtual clock of an embedded loop jump to the next timer? The loop must not wait in the
 * kernel, so it measures how long it has been idle while calls are under way. */
static bool may_jump_embedded(struct loop *l, int64_t next)
{
    bool idle = !l->sched.ready.head && next != NEVER && next > l->virtual_now;
    if (idle && l->external > 0) {
        int64_t now = async__sys.clock();
        if (!l->idle_since)
            l->idle_since = now;
        if (now - l->idle_since < real_time_before_jump(l, next))
            return false;
    }
    l->idle_since = 0;
    return idle;
}

/* The kernel comes first: a post that arrives after the poll makes the descriptor readable again,
 * and the loop that drives this one notices. */
void async__loop_iterate_embedded(struct loop *l)
{
    async__poller_poll(l, 0);
    int64_t now = loop_read_clock(l);
    int64_t next = async__timer_next(&l->timers);
    if (l->virtual_clock && may_jump_embedded(l, next))
        now = l->virtual_now = next;
    run_timers(l, now);
    if (async__handle_run_posts(l->handle))
        async__handle_wake(l->handle);
    async__task_interrupt(l);
    set_budget(l, now, false);
}

/* Choose among the first entries, but none behind a marker. The generator is xorshift, because the
 * order that belongs to a seed must be the same on every machine and in every version. */
struct async_waiter *async__pick_random(struct loop *l)
{
    struct async_waiter *w = l->sched.ready.head;
    l->seed ^= l->seed << 13;
    l->seed ^= l->seed >> 7;
    l->seed ^= l->seed << 17;
    for (unsigned steps = (unsigned)(l->seed >> 33) % 16; steps > 0; steps--) {
        if (!w->next || w->next->kind == NODE_MARKER)
            break;
        w = w->next;
    }
    return w;
}
