/* SPDX-License-Identifier: MIT */
/* q: a context manager that prints how long its block took. */
#include "fetch.h"

struct timer {
    double start;
};

ASYNC_DEF(timer_start, (struct timer *)t)
{
    t->start = async_time();
    return 0;
}

ASYNC_DEF(timer_stop, (struct timer *)t)
{
    printf("%.1f s\n", async_time() - t->start);
    return 0;
}

static async_hold timer(struct timer *t)
{
    return (async_hold){ timer_start(t), timer_stop(t) };
}

ASYNC_DEF(amain)
{
    int r;
    struct timer t;
    await_with (r, timer(&t)) {
        ASYNC_TRY(await_fetch("/ten/bytes"));
        ASYNC_TRY(await_fetch("/ten/more/"));
    }
    return r;
}

int main(void)
{
    return async_main(amain());
}
