/* SPDX-License-Identifier: MIT */
/* Scenarios of locks, events, conditions, semaphores and barriers: what a cancelled task was
 * granted goes to the next one, and no permit is lost. */
#include "scenario.h"

ASYNC_DEF(locks, (async_lock *)l, (double)seconds)
{
    int r = await_lock_acquire(l);
    if (r < 0)
        return r;
    hold(1);
    r = await_sleep(seconds);
    hold(-1);
    scenario_expect(async_lock_release(l) == 0);
    return r;
}

SCENARIO(lock)
{
    async_lock l = { 0 };
    account.most_held = 1;
    int r = await_gather(NULL, locks(&l, 1), locks(&l, 0), locks(&l, 2));
    scenario_expect(!async_lock_locked(&l));
    return r;
}

/* The other waiters still receive it. */
SCENARIO(lock_with_cancelled_waiter)
{
    async_lock l = { 0 };
    account.most_held = 1;
    await_task_auto a = async_create_task(locks(&l, 5));
    await_task_auto b = async_create_task(locks(&l, 5));
    await_task_auto c = async_create_task(locks(&l, 1));
    ASYNC_TRY(await_sleep(1));
    async_task_cancel(b);
    int r = await_task(c);
    if (r == 0)
        r = await_task(a);
    if (r == 0)
        scenario_expect(!async_lock_locked(&l));
    return r;
}

ASYNC_DEF(uses_lock, (async_lock *)l, (double)seconds)
{
    int r;
    await_with (r, l) {
        hold(1);
        r = await_sleep(seconds);
        hold(-1);
    }
    return r;
}

SCENARIO(lock_inside_a_timeout)
{
    async_lock l = { 0 };
    int r = 0;
    account.most_held = 1;
    await_task_auto t = async_create_task(uses_lock(&l, 10));
    ASYNC_TRY(await_sleep(1));
    await_timeout (r, 5)
        r = await_uses_lock(&l, 1);
    if (r != -ETIMEDOUT && async_task_result(t) != -ENOMEM && r < 0)
        return r;
    return await_uses_lock(&l, 1);
}

/* --- events --- */

ASYNC_DEF(waits, (async_event *)e)
{
    return await_event_wait(e);
}

ASYNC_DEF(sets_and_clears, (async_event *)e, (double)seconds)
{
    int r = await_sleep(seconds);
    async_event_set(e); /* even if it is cancelled, because others depend on it */
    async_event_clear(e);
    return r;
}

SCENARIO(event_cleared_at_once)
{
    async_event e = { 0 };
    await_task_auto a = async_create_task(waits(&e));
    await_task_auto b = async_create_task(waits(&e));
    ASYNC_TRY(await_sleep(1));
    async_event_set(&e);
    async_event_clear(&e);
    ASYNC_TRY(await_task(a));
    return await_task(b);
}

SCENARIO(event_inside_a_timeout)
{
    async_event e = { 0 };
    int r;
    await_task_auto t = async_create_task(sets_and_clears(&e, 3));
    await_timeout (r, 10)
        r = await_event_wait(&e);
    if (r == -ETIMEDOUT) { /* the task was not created, or the sleep ended early */
        r = async_task_result(t);
        return r < 0 ? r : 0;
    }
    return r;
}

/* --- conditions --- */

struct store {
    async_lock lock;
    async_condition change;
    int stock;
};

ASYNC_DEF(delivers, (struct store *)s, (int)n)
{
    int r = 0;
    for (int i = 0; i < n && r == 0; i++) {
        r = await_sleep(1);
        if (r == 0)
            await_with (r, &s->change) {
                s->stock++;
                account.made++;
                scenario_expect(async_condition_notify(&s->change, 1) == 0);
            }
    }
    return r;
}

ASYNC_DEF(buys, (struct store *)s, (int)n)
{
    int r = 0;
    for (int i = 0; i < n && r == 0; i++)
        await_with (r, &s->change) {
            r = await_condition_wait_for(&s->change, s->stock > 0);
            scenario_expect(s->lock.owner == async_current_task());
            if (r == 0) {
                s->stock--;
                account.used++;
            }
        }
    return r;
}

static void balance_store(struct store *s)
{
    account.kept += s->stock;
    scenario_expect(!async_lock_locked(&s->lock));
}

SCENARIO(condition)
{
    struct store s = { .change = ASYNC_CONDITION(&s.lock) };
    int r = await_gather(NULL, buys(&s, 2), delivers(&s, 3), buys(&s, 1));
    balance_store(&s);
    return r;
}

/* Its notification goes to another waiter. */
SCENARIO(condition_with_cancelled_waiter)
{
    struct store s = { .change = ASYNC_CONDITION(&s.lock) };
    int r, inner = 0;
    await_timeout (r, 60) {
        await_group (inner, g) {
            async_task *a = async_group_create_task(g, buys(&s, 1));
            async_spawn(g, buys(&s, 1));
            async_spawn(g, delivers(&s, 1));
            inner = await_sleep(1);
            async_task_cancel(a);
        }
        r = inner;
    }
    balance_store(&s);
    /* a task that still waits does not wait for an item that is there */
    if (r == -ETIMEDOUT)
        scenario_expect(s.stock == 0);
    return r == -ETIMEDOUT ? 0 : r;
}

ASYNC_DEF(wait_for_notify, (async_condition *)c)
{
    int r;
    await_with (r, c)
        r = await_condition_wait(c);
    return r;
}

SCENARIO(condition_notify_all)
{
    async_lock l = { 0 };
    async_condition c = ASYNC_CONDITION(&l);
    int r = 0, w = 0;
    await_task_auto a = async_create_task(wait_for_notify(&c));
    await_task_auto b = async_create_task(wait_for_notify(&c));
    r = await_sleep(1);
    if (r == 0)
        await_with (w, &l)
            scenario_expect(async_condition_notify_all(&c) == 0);
    if (r < 0 || w < 0)
        return r < 0 ? r : w;
    r = await_task(a);
    return r < 0 ? r : await_task(b);
}

ASYNC_DEF(waits_once, (async_condition *)c, (bool *)told)
{
    int r;
    await_with (r, c)
        r = await_condition_wait(c);
    *told |= r == 0;
    return r;
}

/* One notification and two waiters: it reaches one of them, whichever is cancelled. */
SCENARIO(condition_notify_one)
{
    async_lock l = { 0 };
    async_condition c = ASYNC_CONDITION(&l);
    bool told[2] = { false, false };
    int r = 0, w = 0;
    await_task_auto a = async_create_task(waits_once(&c, &told[0]));
    await_task_auto b = async_create_task(waits_once(&c, &told[1]));
    r = await_sleep(1);
    if (r == 0)
        await_with (w, &l) {
            scenario_expect(async_condition_notify(&c, 1) == 0);
            async_task_cancel(a); /* it was notified, and has not run */
        }
    if (r == 0)
        r = await_sleep(1);
    scenario_expect(told[0] + told[1] <= 1);
    return r < 0 ? r : w;
}

/* --- semaphores --- */

ASYNC_DEF(takes_unit, (async_semaphore *)s, (double)seconds)
{
    int r = await_semaphore_acquire(s);
    if (r < 0)
        return r;
    hold(1);
    r = await_sleep(seconds);
    hold(-1);
    scenario_expect(async_semaphore_release(s) == 0);
    return r;
}

SCENARIO(semaphore)
{
    async_semaphore s = ASYNC_BOUNDED_SEMAPHORE(2);
    account.most_held = 2;
    int r = await_gather(NULL, takes_unit(&s, 1), takes_unit(&s, 2), takes_unit(&s, 0),
                         takes_unit(&s, 3));
    scenario_expect(s.value == 2 && !async_semaphore_locked(&s));
    return r;
}

ASYNC_DEF(uses_semaphore, (async_semaphore *)s, (double)seconds)
{
    int r;
    await_with (r, s) {
        hold(1);
        r = await_sleep(seconds);
        hold(-1);
    }
    return r;
}

SCENARIO(semaphore_with_cancelled_waiter)
{
    async_semaphore s = ASYNC_SEMAPHORE(1);
    int r;
    account.most_held = 1;
    await_group (r, g) {
        async_spawn(g, uses_semaphore(&s, 5));
        async_task *b = async_group_create_task(g, uses_semaphore(&s, 5));
        async_spawn(g, uses_semaphore(&s, 1));
        r = await_sleep(5);
        async_task_cancel(b);
    }
    scenario_expect(s.value == 1);
    return r;
}

SCENARIO(permits_released_in_a_burst)
{
    async_semaphore s = ASYNC_SEMAPHORE(0);
    int r;
    await_group (r, g) {
        for (int i = 0; i < 3; i++)
            async_spawn(g, takes_unit(&s, 0));
        r = await_sleep(1);
        for (int i = 0; i < 3; i++)
            async_semaphore_release(&s);
        async_group_cancel(g);
    }
    scenario_expect(s.value == 3);
    return r;
}

/* --- barriers --- */

ASYNC_DEF(meets, (async_barrier *)b, (int)rounds, (unsigned *)seen)
{
    for (int i = 0; i < rounds; i++) {
        int r = await_barrier_wait(b);
        if (r < 0)
            return r;
        scenario_expect(!(seen[i] & 1u << r)); /* each number is given once */
        seen[i] |= 1u << r;
        ASYNC_TRY(await_sleep(r));
    }
    return 0;
}

SCENARIO(barrier)
{
    unsigned seen[2] = { 0 };
    async_barrier b = ASYNC_BARRIER(3);
    int r = await_gather(NULL, meets(&b, 2, seen), meets(&b, 2, seen), meets(&b, 2, seen));
    scenario_expect(r < 0 || (seen[0] == 7 && seen[1] == 7));
    scenario_expect(async_barrier_waiting(&b) == 0);
    return r;
}

/* One task more than the barrier takes, and one that is cancelled. The remaining one waits for the
 * next round and gets no number. */
SCENARIO(barrier_with_cancelled_waiter)
{
    unsigned seen[1] = { 0 };
    async_barrier b = ASYNC_BARRIER(2);
    int r;
    await_group (r, g) {
        async_task *first = async_group_create_task(g, meets(&b, 1, seen));
        async_spawn(g, meets(&b, 1, seen));
        async_spawn(g, meets(&b, 1, seen));
        r = await_sleep(0);
        async_task_cancel(first);
        if (r == 0)
            r = await_sleep(1);
        async_group_cancel(g);
    }
    scenario_expect(async_barrier_waiting(&b) == 0);
    return r;
}

SCENARIO(barrier_that_is_aborted)
{
    unsigned seen[1] = { 0 };
    async_barrier b = ASYNC_BARRIER(2);
    await_task_auto t = async_create_task(meets(&b, 1, seen));
    int r = await_sleep(1);
    async_barrier_abort(&b);
    if (r == 0)
        r = await_task(t);
    scenario_expect(r == -EPIPE || r == -ECANCELED || r == -ENOMEM);
    if (r != -EPIPE)
        return r;
    async_barrier_reset(&b);
    await_timeout (r, 1)
        r = await_barrier_wait(&b);
    scenario_expect(async_barrier_waiting(&b) == 0);
    return r == -ETIMEDOUT ? 0 : r;
}
