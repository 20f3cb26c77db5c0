/* SPDX-License-Identifier: MIT */
/* plain_web_server.c [PORT] - a web server over plain streams. The page is the requested path. */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(respond, (async_stream *)s)
{
    char request[4096], path[1024], header[4096];
    ASYNC_TRY(await_stream_readuntil(s, "\r\n", request, sizeof request));
    while (ASYNC_TRY(await_stream_readuntil(s, "\r\n", header, sizeof header)) > 2)
        ;
    if (sscanf(request, "GET %1023s HTTP", path) != 1)
        return await_stream_printf(s, "HTTP/1.0 400 Bad Request\r\n\r\n");
    return await_stream_printf(s, "HTTP/1.0 200 OK\r\n\r\n%s", path);
}

ASYNC_DEF(amain, (const char *)port)
{
    return await_serve("127.0.0.1", port, respond, .limit = 100);
}

int main(int argc, char *argv[])
{
    return async_main(amain(argc > 1 ? argv[1] : "8808"));
}
