/* SPDX-License-Identifier: MIT */
/* Consumers wait until there is something for them. Producers notify one of them, or all.
 * Python: async with cond: await cond.wait_for(lambda: stock > 0); cond.notify(1) */
#include <asyncio.h>
#include <stdio.h>

struct shop {
    async_lock lock;
    async_condition changed;
    int stock;
    bool closed;
};

ASYNC_DEF(consumer, (struct shop *)shop, (int)id)
{
    int r;
    await_with (r, &shop->changed) { /* holds the lock, except while the task waits below */
        ASYNC_TRY(await_condition_wait_for(&shop->changed, shop->stock > 0 || shop->closed));
        if (shop->stock > 0)
            printf("consumer %d has one, %d left\n", id, --shop->stock);
        else
            printf("consumer %d goes home\n", id);
    }
    return r;
}

ASYNC_DEF(producer, (struct shop *)shop)
{
    int r;
    ASYNC_TRY(await_sleep(0.1));
    await_with (r, &shop->lock) {
        shop->stock++;
        puts("one, and one is notified");
        async_condition_notify(&shop->changed, 1);
    }
    ASYNC_TRY(r); /* returns if the lock could not be acquired */
    ASYNC_TRY(await_sleep(0.1));
    await_with (r, &shop->lock) {
        shop->stock += 2;
        puts("two, and all are notified");
        async_condition_notify_all(&shop->changed);
    }
    ASYNC_TRY(r); /* returns if the lock could not be acquired */
    ASYNC_TRY(await_sleep(0.1));
    await_with (r, &shop->lock) {
        shop->closed = true;
        puts("closed");
        async_condition_notify_all(&shop->changed);
    }
    return r;
}

ASYNC_DEF(amain)
{
    struct shop shop = { .changed = ASYNC_CONDITION(&shop.lock) };
    return await_gather(NULL, consumer(&shop, 1), consumer(&shop, 2), consumer(&shop, 3),
                        consumer(&shop, 4), producer(&shop));
}

int main(void)
{
    return async_main(amain());
}
