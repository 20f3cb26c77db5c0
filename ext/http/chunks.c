/* SPDX-License-Identifier: MIT */
/* chunks.c - a stream's body as an async generator. */
#include <asyncio.h>
#include <asyncio/http.h>

enum { CHUNK = 16 * 1024 };

ASYNC_GEN(async_http_chunk, chunks, (async_http_response *)response)
{
    char buf[CHUNK];
    ssize_t n;
    while ((n = ASYNC_TRY(await_http_read(response, buf, sizeof buf))) > 0)
        ASYNC_TRY(await_yield(((async_http_chunk){ buf, (size_t)n })));
    return 0;
}

struct async_http_chunks async_http_chunks(async_http_response *response)
{
    return (struct async_http_chunks){ .gen = chunks(response).gen };
}
