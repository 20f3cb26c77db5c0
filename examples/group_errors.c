/* SPDX-License-Identifier: MIT */
/* A group with one failing child. The other children and the body are cancelled, and the program
 * reads every error. Python: async with asyncio.TaskGroup() as g: ...; except* OSError as eg:
 * eg.exceptions */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(fetch_data, (int)id, (double)delay)
{
    int r = await_sleep(delay);
    printf("fetch %d %s\n", id, r < 0 ? "is cancelled" : id == 2 ? "fails" : "ends");
    if (r < 0 && id == 4) /* number 4 fails while it cleans up */
        return async_fail(-EPROTO, "the server of %d did not say goodbye", id);
    if (r < 0)
        return r;
    return id == 2 ? async_fail(-EIO, "no answer for %d", id) : 0;
}

ASYNC_DEF(amain)
{
    int r;
    double start = async_time();
    await_group (r, g) {
        for (int id = 1; id <= 4; id++)
            async_spawn(g, fetch_data(id, 0.1 * id));
        r = await_sleep(1);
        printf("the body %s\n", r < 0 ? "is cancelled" : "ends");
    }
    printf("group: %s after %.1f s\n", strerror(-r), async_time() - start);
    async_for_each_error (e, g)
        printf("    %s: %s\n", e->task, e->text);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
