/* SPDX-License-Identifier: MIT */
/* s: a lock, an event, a condition. */
#include <asyncio.h>
#include <stdio.h>

struct shop {
    async_lock lock;
    async_event open;
    async_condition changed;
    int stock;
};

ASYNC_DEF(customer, (struct shop *)shop, (int)id)
{
    int r;
    ASYNC_TRY(await_event_wait(&shop->open));
    await_with (r, &shop->changed) { /* its lock is held */
        ASYNC_TRY(await_condition_wait_for(&shop->changed, shop->stock > 0));
        shop->stock--;
        printf("customer %d served, %d left\n", id, shop->stock);
    }
    return r;
}

ASYNC_DEF(keeper, (struct shop *)shop)
{
    int r;
    puts("open");
    async_event_set(&shop->open);
    for (int i = 0; i < 2; i++) {
        ASYNC_TRY(await_sleep(0.05));
        await_with (r, &shop->lock) {
            shop->stock += 2;
            puts("delivery");
            async_condition_notify_all(&shop->changed);
        }
        ASYNC_TRY(r);
    }
    return 0;
}

ASYNC_DEF(amain)
{
    struct shop shop = { .changed = ASYNC_CONDITION(&shop.lock) };
    return await_gather(NULL, customer(&shop, 1), customer(&shop, 2), customer(&shop, 3),
                        keeper(&shop));
}

int main(void)
{
    return async_main(amain());
}
