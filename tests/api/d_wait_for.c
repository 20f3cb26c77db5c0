/* SPDX-License-Identifier: MIT */
/* d: a limit on one call, and a limit on a block. */
#include "fetch.h"

ASYNC_DEF(two_pages)
{
    int r;
    await_timeout (r, 0.05) {
        ASYNC_TRY(await_fetch("/a"));
        ASYNC_TRY(await_fetch("/bbbbbbb")); /* returns -ETIMEDOUT */
    }
    return r;
}

ASYNC_DEF(amain)
{
    int r = await_wait_for(fetch("/a/very/long/way/to/go"), 0.05);
    printf("wait_for: %s\n", r == -ETIMEDOUT ? "timed out" : "done");

    r = await_two_pages();
    printf("timeout: %s\n", r == -ETIMEDOUT ? "timed out" : "done");

    await_timeout (r, 0.02) {
        async_reschedule(0.2); /* good so far: more time */
        r = await_fetch("/long/enough");
    }
    printf("rescheduled: %s\n", r == -ETIMEDOUT ? "timed out" : "done");

    await_timeout (r, 0.03) { /* an outer limit is never mistaken for an inner one */
        r = await_wait_for(fetch("/long/enough"), 5);
        printf("inner: %s\n", r == -ECANCELED ? "cancelled" : "?");
    }
    printf("outer: %s\n", r == -ETIMEDOUT ? "timed out" : "?");
    return 0;
}

int main(void)
{
    return async_main(amain());
}
