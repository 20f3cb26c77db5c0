/* SPDX-License-Identifier: MIT */
/* A future whose result another task sets. The waiting task gets the result at once, even if the
 * task that has set it still runs.
 * Python: fut = loop.create_future(); fut.set_result(42); await fut */
#include <asyncio.h>
#include <stdio.h>

static const char *state(const async_future *f)
{
    if (!async_future_done(f))
        return "pending";
    return async_future_cancelled(f) ? "cancelled" : "finished";
}

ASYNC_DEF(set_later, (async_future *)f, (int)value)
{
    ASYNC_TRY(await_sleep(0.2));
    puts("setter: sets it");
    ASYNC_TRY(async_future_set_result(f, value));
    puts("setter: goes on");
    ASYNC_TRY(await_sleep(0.1));
    puts("setter: ends");
    return 0;
}

ASYNC_DEF(amain)
{
    double start = async_time();
    async_future answer = { 0 }, failure = { 0 }, nothing = { 0 };
    await_task_auto setter = async_create_task(set_later(&answer, 42));
    printf("%s, result: %s\n", state(&answer), strerror(-async_future_result(&answer)));
    int value = ASYNC_TRY(await_future(&answer));
    printf("woken with %d after %.1f s; %s\n", value, async_time() - start, state(&answer));
    printf("the setter %s\n", async_task_done(setter) ? "has ended" : "still runs");
    ASYNC_TRY(await_task(setter));

    ASYNC_TRY(async_future_set_exception(&failure, -EIO));
    printf("an exception: %s, %s\n", state(&failure), strerror(-await_future(&failure)));
    async_future_cancel(&nothing);
    printf("a cancel: %s, %s\n", state(&nothing), strerror(-await_future(&nothing)));
    printf("set twice: %s\n", strerror(-async_future_set_result(&answer, 43)));
    return 0;
}

int main(void)
{
    return async_main(amain());
}
