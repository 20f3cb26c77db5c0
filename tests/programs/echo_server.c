/* SPDX-License-Identifier: MIT */
/* echo_server.c [PORT] - a TCP echo server. */
#include <asyncio.h>

ASYNC_DEF(echo, (async_stream *)s)
{
    char buf[4096];
    ssize_t n;
    while ((n = ASYNC_TRY(await_stream_read(s, buf, sizeof buf))) > 0)
        ASYNC_TRY(await_stream_write(s, buf, (size_t)n));
    return 0;
}

ASYNC_DEF(amain, (const char *)port)
{
    return await_serve("127.0.0.1", port, echo);
}

int main(int argc, char *argv[])
{
    return async_main(amain(argc > 1 ? argv[1] : "8807"));
}
