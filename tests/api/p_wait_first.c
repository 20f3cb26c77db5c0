/* SPDX-License-Identifier: MIT */
/* p: wait for the first of three; the others go on running. */
#include "fetch.h"

ASYNC_DEF(amain)
{
    int r;
    await_group (r, g) {
        async_task *t[] = {
            async_group_create_task(g, fetch("/quite/slow"), .name = "slow"),
            async_group_create_task(g, fetch("/fast"), .name = "fast"),
            async_group_create_task(g, fetch("/slower/than/slow"), .name = "slower"),
        };
        int done = ASYNC_TRY(await_wait(t, 3, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER));
        printf("%d done: %s %d\n", done, async_task_name(t[0]), async_task_result(t[0]));

        done = ASYNC_TRY(await_wait(t, 3, ASYNC_ALL_COMPLETED, 0.08));
        printf("%d done, pending: %s\n", done, async_task_name(t[2]));
        async_task_cancel(t[2]);
    }
    return r;
}

int main(void)
{
    return async_main(amain());
}
