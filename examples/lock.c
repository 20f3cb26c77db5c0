/* SPDX-License-Identifier: MIT */
/* Five tasks change something shared before and after an await. The lock keeps each pair of lines
 * together. Python: async with lock: ... */
#include <asyncio.h>
#include <stdio.h>

struct shared {
    async_lock lock;
    int value;
};

ASYNC_DEF(modify, (struct shared *)s, (int)id)
{
    int r;
    await_with (r, &s->lock) {
        int before = s->value;
        printf("%d: before %d\n", id, before);
        ASYNC_TRY(await_sleep(0.1)); /* other tasks run, but none of them in this block */
        s->value = before + 1;
        printf("%d: after %d\n", id, s->value);
    }
    return r;
}

ASYNC_DEF(amain)
{
    struct shared s = { 0 };
    double start = async_time();
    ASYNC_TRY(await_gather(NULL, modify(&s, 1), modify(&s, 2), modify(&s, 3), modify(&s, 4),
                           modify(&s, 5)));
    printf("%d after %.1f s\n", s.value, async_time() - start);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
