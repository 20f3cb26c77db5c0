/* SPDX-License-Identifier: MIT */
/* r: a future: one task sets it, others await it. */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(compute, (async_future *)answer)
{
    ASYNC_TRY(await_sleep(0.1));
    return async_future_set_result(answer, 42);
}

ASYNC_DEF(listen_for, (const char *)name, (async_future *)answer)
{
    printf("%s waits\n", name);
    int value = ASYNC_TRY(await_future(answer));
    printf("%s has %d\n", name, value);
    return value;
}

ASYNC_DEF(amain)
{
    async_future answer = { 0 };
    ASYNC_TRY(await_gather(NULL, compute(&answer), listen_for("alice", &answer),
                           listen_for("bob", &answer)));
    printf("again: %d\n", ASYNC_TRY(await_future(&answer)));
    printf("set twice: %s\n", strerror(-async_future_set_result(&answer, 43)));
    return 0;
}

int main(void)
{
    return async_main(amain());
}
