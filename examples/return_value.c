/* SPDX-License-Identifier: MIT */
/* Return a value from inside of blocks. ASYNC_RETURN leaves them, innermost first, and then returns
 * the value. If leaving a block fails, it returns that error instead.
 * Python: return inside of async with */
#include <asyncio.h>
#include <stdio.h>

static async_lock lock;

ASYNC_DEF(cleanup, (int)result)
{
    puts("cleanup");
    return result;
}

ASYNC_DEF(nothing)
{
    return 0;
}

ASYNC_DEF(find, (int)wanted)
{
    int r;
    await_timeout (r, 1)
        await_with (r, &lock)
            for (int i = 0; i < 10; i++) {
                ASYNC_TRY(await_sleep(0.01));
                if (i == wanted)
                    ASYNC_RETURN(i * 100); /* releases the lock */
            }
    return r < 0 ? r : async_fail(-ENOENT, "%d was not found", wanted);
}

ASYNC_DEF(find_and_fail)
{
    int r;
    await_with (r, ((async_context_manager){ nothing(), cleanup(-EIO) }))
        ASYNC_RETURN(1);
    return r;
}

ASYNC_DEF(amain)
{
    printf("found: %d\n", ASYNC_TRY(await_find(3)));
    printf("the lock is %s\n", async_lock_locked(&lock) ? "held" : "free");
    int r = await_find(30);
    printf("%s\n", async_fail_text(r));
    r = await_find_and_fail();
    printf("cleanup has failed: %s\n", strerror(-r));
    return 0;
}

int main(void)
{
    return async_main(amain());
}
