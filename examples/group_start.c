/* SPDX-License-Identifier: MIT */
/* Start a task in a group, and wait until it is ready. A server is ready when it listens, and its
 * port is the value that it reports.
 * Python: trio has this as nursery.start() and task_status.started() */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(server, (int)port)
{
    ASYNC_TRY(await_sleep(0.1)); /* stands for opening the port */
    if (port == 80)
        return async_fail(-EACCES, "port %d needs root", port);
    ASYNC_TRY(async_started(port));
    printf("serving at %d\n", port);
    return await_sleep(ASYNC_FOREVER);
}

ASYNC_DEF(amain)
{
    int r;
    await_group (r, g) {
        int port = await_group_start(g, server(80));
        printf("port 80: %s\n", async_fail_text(port)); /* an error of the call, not of the group */
        port = ASYNC_TRY(await_group_start(g, server(8080)));
        printf("the server is ready at %d\n", port);
        ASYNC_TRY(await_sleep(0.1));
        async_group_cancel(g);
    }
    puts("the server has ended");
    return r;
}

int main(void)
{
    return async_main(amain());
}
