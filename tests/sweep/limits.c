/* SPDX-License-Identifier: MIT */
/* Scenarios of read-write locks and capacity limiters: what a cancelled task was granted goes to
 * the next one. */
#include "scenario.h"

/* --- read-write locks: hold(1) for a reader, hold(WRITER) for a writer --- */

enum { WRITER = 100 };

ASYNC_DEF(reads, (async_rwlock *)l, (double)seconds)
{
    int r = await_rwlock_acquire_read(l);
    if (r < 0)
        return r;
    hold(1);
    r = await_sleep(seconds);
    hold(-1);
    scenario_expect(async_rwlock_release_read(l) == 0);
    return r;
}

ASYNC_DEF(writes, (async_rwlock *)l, (double)seconds)
{
    int r = await_rwlock_acquire_write(l);
    if (r < 0)
        return r;
    hold(WRITER);
    r = await_sleep(seconds);
    hold(-WRITER);
    scenario_expect(async_rwlock_release_write(l) == 0);
    return r;
}

static void expect_free(const async_rwlock *l)
{
    scenario_expect(l->readers == 0 && !l->lock.owner && !l->lock.waiters.head);
}

SCENARIO(readers_and_writers)
{
    async_rwlock l = { 0 };
    account.most_held = WRITER;
    int r = await_gather(NULL, reads(&l, 1), writes(&l, 1), reads(&l, 2), reads(&l, 1),
                         writes(&l, 0));
    expect_free(&l);
    return r;
}

SCENARIO(writer_cancelled_between_readers)
{
    async_rwlock l = { 0 };
    account.most_held = WRITER;
    await_task_auto a = async_create_task(reads(&l, 5));
    await_task_auto w = async_create_task(writes(&l, 5));
    await_task_auto b = async_create_task(reads(&l, 1));
    ASYNC_TRY(await_sleep(1));
    async_task_cancel(w);
    int r = await_task(b);
    if (r == 0)
        r = await_task(a);
    if (r == 0)
        expect_free(&l);
    return r;
}

SCENARIO(read_write_lock_as_a_context_manager)
{
    async_rwlock l = { 0 };
    int r;
    await_with (r, async_rwlock_reader(&l)) {
        scenario_expect(l.readers == 1);
        r = await_sleep(1);
    }
    if (r == 0)
        await_with (r, async_rwlock_writer(&l))
            r = await_sleep(1);
    expect_free(&l);
    return r;
}

/* --- capacity limiters --- */

ASYNC_DEF(works, (async_limiter *)l, (double)seconds)
{
    async_token token = { 0 };
    int r = await_limiter_acquire(l, &token);
    if (r < 0) {
        scenario_expect(!token.limiter);
        return r;
    }
    hold(1);
    r = await_sleep(seconds);
    hold(-1);
    scenario_expect(async_limiter_release(l, &token) == 0);
    return r;
}

SCENARIO(limiter_for_two)
{
    async_limiter l = ASYNC_LIMITER(2);
    account.most_held = 2;
    int r = await_gather(NULL, works(&l, 1), works(&l, 2), works(&l, 0), works(&l, 1));
    scenario_expect(async_limiter_borrowed(&l) == 0);
    return r;
}

SCENARIO(limiter_that_is_resized)
{
    async_limiter l = ASYNC_LIMITER(0);
    account.most_held = 3;
    int r;
    await_group (r, g) {
        for (int i = 0; i < 4; i++)
            async_spawn(g, works(&l, 2));
        r = await_sleep(1);
        async_limiter_resize(&l, 3); /* also if it was cancelled: the others wait for tokens */
        if (r == 0)
            r = await_sleep(1);
        async_limiter_resize(&l, 1);
    }
    scenario_expect(async_limiter_borrowed(&l) == 0);
    return r;
}

SCENARIO(limiter_with_a_timeout)
{
    async_limiter l = ASYNC_LIMITER(1);
    async_token token = { 0 };
    int r;
    await_task_auto t = async_create_task(works(&l, 5));
    ASYNC_TRY(await_sleep(1));
    await_timeout (r, 2) {
        int q;
        await_with (q, async_limiter_borrow(&l, &token))
            q = await_sleep(1);
        r = q;
    }
    scenario_expect(!token.limiter);
    if (async_task_result(t) == -ENOMEM)
        return -ENOMEM;
    return r == -ETIMEDOUT ? 0 : r;
}
