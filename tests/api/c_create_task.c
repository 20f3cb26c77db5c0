/* SPDX-License-Identifier: MIT */
/* c: two tasks; await both. */
#include "fetch.h"

ASYNC_DEF(amain)
{
    await_task_auto a = async_create_task(fetch("/first"));
    await_task_auto b = async_create_task(fetch("/second"), .name = "the other");
    int x = ASYNC_TRY(await_task(a)); /* should this fail, b is cancelled and awaited */
    int y = ASYNC_TRY(await_task(b));
    printf("%s %d, %s %d\n", async_task_name(a), x, async_task_name(b), y);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
