/* SPDX-License-Identifier: MIT */
/* chunks.c - the body of a stream as an async generator. */
#include <asyncio/error.h>
#include <asyncio/gen.h>
#include <asyncio/http.h>

enum { CHUNK_SIZE = 16 * 1024 }; /* bytes, on the generator's stack */

ASYNC_GEN(async_http_chunk, read_chunks, (async_http_response *)response)
{
    char buf[CHUNK_SIZE];
    ssize_t n;
    while ((n = ASYNC_TRY(await_http_read(response, buf, sizeof buf))) > 0)
        ASYNC_TRY(await_yield(((async_http_chunk){ buf, (size_t)n })));
    return 0;
}

struct async_http_chunks async_http_chunks(async_http_response *response)
{
    return (struct async_http_chunks){ .gen = read_chunks(response).gen };
}
