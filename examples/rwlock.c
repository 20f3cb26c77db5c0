/* SPDX-License-Identifier: MIT */
/* A read-write lock, which many readers may hold at the same time, or one writer. A reader that
 * comes while a writer waits is queued behind the writer, so readers cannot starve it.
 * Python: has no such lock */
#include <asyncio.h>
#include <stdio.h>

static async_rwlock config_lock;
static int port = 80;

ASYNC_DEF(reader, (const char *)name)
{
    int r;
    await_with (r, async_rwlock_reader(&config_lock)) {
        printf("%s reads\n", name);
        ASYNC_TRY(await_sleep(0.1)); /* other readers may read meanwhile */
        printf("%s has read %d\n", name, port);
    }
    return r;
}

ASYNC_DEF(writer, (int)value)
{
    int r;
    await_with (r, async_rwlock_writer(&config_lock)) {
        puts("the writer has the lock alone");
        ASYNC_TRY(await_sleep(0.1));
        port = value;
    }
    return r;
}

/* The same without a block: each acquire needs its release. */
ASYNC_DEF(increase)
{
    ASYNC_TRY(await_rwlock_acquire_write(&config_lock));
    port++;
    async_rwlock_release_write(&config_lock);
    ASYNC_TRY(await_rwlock_acquire_read(&config_lock));
    printf("increased to %d\n", port);
    async_rwlock_release_read(&config_lock);
    return 0;
}

ASYNC_DEF(amain)
{
    ASYNC_TRY(await_gather(NULL, reader("ann"), reader("bob"), writer(8080), reader("cem")));
    return await_increase();
}

int main(void)
{
    return async_main(amain());
}
