/* SPDX-License-Identifier: MIT */
/* Tests with one injected fault at a time, wherever a task waits for several, meets others, or
 * iterates. */
#include "../frame/loop_test.h"

#include <asyncio/testing.h>

ASYNC_DEF(value, (int)r, (double)after)
{
    ASYNC_TRY(await_sleep(after));
    return r;
}

/* --- wait --- */

ASYNC_DEF(waits)
{
    enum { N = 4 };
    int r = 0, left = N;
    await_task_auto a = async_create_task(value(1, 2));
    await_task_auto b = async_create_task(value(2, 1));
    await_task_auto c = async_create_task(value(3, 1));
    await_task_auto d = async_create_task(value(4, 3));
    async_task *tasks[N] = { a, b, c, d }, **t = tasks;
    for (; left > 0; t++, left--) {
        ASYNC_TRY(await_wait(t, (size_t)left, ASYNC_FIRST_COMPLETED, 1.5));
        if (!async_task_done(*t))
            ASYNC_TRY(await_wait(t, (size_t)left, ASYNC_ALL_COMPLETED, ASYNC_FOREVER));
        if (async_task_result(*t) < 0)
            r = async_task_result(*t);
    }
    return r;
}

/* --- as_completed, race --- */

ASYNC_DEF(completions)
{
    int r, sum = 0, err = 0;
    await_for_each (r, x, async_as_completed(value(1, 2), value(2, 1), value(3, 0))) {
        if (x.result < 0)
            err = x.result;
        sum += x.result;
        ASYNC_TRY(await_sleep(1));
    }
    ASYNC_TRY(r);
    return err ? err : sum == 6 ? 0 : -EPROTO;
}

typedef async_queue_of(int, 4) int_queue;

static struct market {
    int_queue left, right;
    int put, got;
} market;

static void market_open(void *m)
{
    *(struct market *)m =
            (struct market){ .left = ASYNC_QUEUE(market.left), .right = ASYNC_QUEUE(market.right) };
}

/* Each item that was put is in one place. */
static const char *market_check(void *arg, int result)
{
    const struct market *m = arg;
    int in = (int)(m->left.q.count + m->right.q.count);
    if (m->left.q.owed || m->right.q.owed || m->left.q.reserved || m->right.q.reserved)
        return "something is still reserved";
    if (m->got + in != m->put)
        return "an item is lost, or is there twice";
    return result == 0 && m->got != 8 ? "not all has arrived" : NULL;
}

ASYNC_DEF(gets, (int_queue *)q, (int *)ret)
{
    return await_queue_get(q, ret);
}

ASYNC_DEF(supplies)
{
    for (int i = 0; i < 4; i++) {
        ASYNC_TRY(async_queue_put_nowait(&market.left, i));
        market.put++;
        ASYNC_TRY(async_queue_put_nowait(&market.right, i)); /* both in one iteration */
        market.put++;
        ASYNC_TRY(await_sleep(i % 2));
    }
    return 0;
}

ASYNC_DEF(selects)
{
    int a, b, r = 0;
    await_task_auto t = async_create_task(supplies());
    for (int i = 0, who; i < 8; i++) {
        who = ASYNC_TRY(
                await_race(&r, gets(&market.left, &a), gets(&market.right, &b), async_sleep(9)));
        ASYNC_TRY(r);
        if (who == 2) /* no more items are coming */
            break;
        market.got++;
    }
    return await_task(t);
}

/* --- barrier --- */

static async_barrier meeting;

static void meeting_begins(void *b)
{
    *(async_barrier *)b = (async_barrier)ASYNC_BARRIER(2);
}

static const char *meeting_check(void *arg, int result)
{
    const async_barrier *b = arg;
    (void)result;
    if (b->draining || b->waiting || b->waiters.head || b->late.head)
        return "somebody is still counted";
    return NULL;
}

ASYNC_DEF(meets, (int)rounds)
{
    for (int i = 0; i < rounds; i++) {
        int r = await_barrier_wait(&meeting);
        if (r < 0) { /* a task that fails cancels the others, too */
            async_barrier_abort(&meeting);
            return r == -EPIPE ? 0 : r;
        }
        ASYNC_TRY(await_sleep(i % 2));
    }
    async_barrier_abort(&meeting);
    return 0;
}

ASYNC_DEF(meetings)
{
    return await_gather(NULL, meets(2), meets(2), meets(2), meets(2));
}

/* --- generators --- */

static int open_now;

static void nothing_open(void *arg)
{
    (void)arg;
    open_now = 0;
}

static const char *all_closed(void *arg, int result)
{
    (void)arg, (void)result;
    return open_now ? "a generator was left open" : NULL;
}

ASYNC_DEF(opens, (int)by)
{
    open_now += by;
    return 0;
}

ASYNC_GEN(int, counts, (int)n)
{
    int r;
    await_with (r, (async_context_manager){ opens(1), opens(-1) })
        for (int i = 0; i < n; i++) {
            ASYNC_TRY(await_sleep(i % 2));
            ASYNC_TRY(await_yield(i));
        }
    return r;
}

ASYNC_GEN(int, evens, (int)n)
{
    int r;
    await_with (r, (async_context_manager){ opens(1), opens(-1) }) {
        int e;
        await_for_each (e, x, counts(n))
            if (x % 2 == 0)
                ASYNC_TRY(await_yield(x));
        r = e;
    }
    return r;
}

ASYNC_DEF(iterates)
{
    int r, sum = 0;
    await_for_each (r, x, evens(5))
        sum += x;
    ASYNC_TRY(r);
    await_for_each (r, x, evens(5))
        if (x == 2)
            break;
    ASYNC_TRY(r);
    return sum == 6 ? 0 : -EPROTO;
}

/* --- done callbacks --- */

static int added, called;

static void none_added(void *arg)
{
    (void)arg;
    added = called = 0;
}

static const char *all_called(void *arg, int result)
{
    (void)arg, (void)result;
    return added == called ? NULL : "a callback was not called once";
}

static void calls(async_task *t, void *arg)
{
    (void)t, (void)arg;
    called++;
}

ASYNC_DEF(calls_back)
{
    await_task_auto a = async_create_task(value(1, 1));
    await_task_auto b = async_create_task(value(2, 2));
    for (int i = 0; a && b && i < 4; i++) {
        ASYNC_TRY(async_task_add_done_callback(i % 2 ? a : b, calls, NULL));
        added++;
    }
    int r = await_task(a), s = await_task(b);
    return r < 0 ? r : s < 0 ? s : 0;
}

/* --- conditions --- */

static struct shop {
    async_lock lock;
    async_condition changed;
    int stock, sold;
} shop;

static void shop_open(void *arg)
{
    (void)arg;
    shop = (struct shop){ .changed = ASYNC_CONDITION(&shop.lock) };
}

static const char *shop_check(void *arg, int result)
{
    (void)arg;
    if (async_lock_locked(&shop.lock))
        return "the lock is held";
    return result == 0 && shop.sold != 3 ? "not all were served" : NULL;
}

ASYNC_DEF(buys)
{
    int r;
    await_with (r, &shop.changed) {
        ASYNC_TRY(await_condition_wait_for(&shop.changed, shop.stock > 0));
        shop.stock--;
        shop.sold++;
    }
    return r;
}

ASYNC_DEF(delivers)
{
    for (int i = 0, r; i < 3; i++) {
        ASYNC_TRY(await_sleep(1));
        await_with (r, &shop.lock) {
            shop.stock++;
            async_condition_notify(&shop.changed, 1);
        }
        ASYNC_TRY(r);
    }
    return 0;
}

ASYNC_DEF(trades)
{
    return await_gather(NULL, buys(), buys(), buys(), delivers());
}

#define SWEEP(scenario, ...)                                                                       \
    TEST(sweep_##scenario)                                                                         \
    {                                                                                              \
        expect_ok(async_sweep_cancel(scenario(), __VA_ARGS__));                                    \
        expect_ok(async_sweep_alloc(scenario(), __VA_ARGS__));                                     \
        expect_ok(async_sweep_order(scenario(), .seeds = 50, __VA_ARGS__));                        \
    }

SWEEP(waits, .arg = NULL)
SWEEP(completions, .arg = NULL)
SWEEP(selects, .arg = &market, .before = market_open, .check = market_check)
SWEEP(meetings, .arg = &meeting, .before = meeting_begins, .check = meeting_check)
SWEEP(iterates, .before = nothing_open, .check = all_closed)
SWEEP(calls_back, .before = none_added, .check = all_called)
SWEEP(trades, .before = shop_open, .check = shop_check)

SUITE("sweep-await", sweep_waits, sweep_completions, sweep_selects, sweep_meetings, sweep_iterates,
      sweep_calls_back, sweep_trades)
