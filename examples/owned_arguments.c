/* SPDX-License-Identifier: MIT */
/* Memory that belongs to a task. A task that is cancelled before it begins never runs, so it cannot
 * free its argument. With .owned and .drop the library does, exactly once, in every case.
 * Python: has a garbage collector */
#include <asyncio.h>
#include <stdio.h>
#include <stdlib.h>

static void drop(void *owned)
{
    printf("freed: %s\n", (char *)owned);
    free(owned);
}

ASYNC_DEF(send_mail, (const char *)text)
{
    ASYNC_TRY(await_sleep(0.1));
    printf("sent: %s\n", text);
    return 0;
}

static void start(async_group *g, const char *text)
{
    char *copy = strdup(text);
    if (copy)
        async_spawn(g, send_mail(copy), .owned = copy, .drop = drop);
}

ASYNC_DEF(amain)
{
    int r;
    await_group (r, g) {
        start(g, "to a task that ends");
        ASYNC_TRY(await_sleep(0.2));
        start(g, "to a task that is cancelled");
        ASYNC_TRY(await_sleep(0.05));
        start(g, "to a task that never begins");
        async_group_cancel(g);
        start(g, "to a task that is refused");
    }
    return r;
}

int main(void)
{
    return async_main(amain());
}
