/* SPDX-License-Identifier: MIT */
/* A capacity limiter is a semaphore whose number of permits can be changed while tasks wait. Each
 * task borrows with a token of its own, so borrowing twice and giving back twice are errors.
 * Python: anyio.CapacityLimiter */
#include <asyncio.h>
#include <stdio.h>

static async_limiter connections = ASYNC_LIMITER(1);

ASYNC_DEF(fetch, (int)id)
{
    int r;
    async_token token = { 0 };
    await_with (r, async_limiter_borrow(&connections, &token)) {
        printf("%.1f s: fetch %d, %zu of %zu in use\n", async_time(), id,
               async_limiter_borrowed(&connections), async_limiter_total(&connections));
        ASYNC_TRY(await_sleep(0.1));
    }
    return r;
}

ASYNC_DEF(raise_limit)
{
    ASYNC_TRY(await_sleep(0.15));
    return async_limiter_resize(&connections, 3);
}

/* The same without a block. */
ASYNC_DEF(by_hand)
{
    async_token token = { 0 }, other = { 0 };
    ASYNC_TRY(await_limiter_acquire(&connections, &token));
    int r = await_limiter_acquire(&connections, &token);
    printf("to borrow with the same token again: %s\n", strerror(-r));
    async_limiter_resize(&connections, 1);
    r = async_limiter_acquire_nowait(&connections, &other);
    printf("to borrow without waiting: %s\n", strerror(-r));
    return async_limiter_release(&connections, &token);
}

ASYNC_DEF(amain)
{
    ASYNC_TRY(await_gather(NULL, fetch(1), fetch(2), fetch(3), fetch(4), raise_limit()));
    return await_by_hand();
}

int main(void)
{
    return async_main(amain());
}
