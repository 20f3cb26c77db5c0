/* SPDX-License-Identifier: MIT */
/* h: an async generator of lines. */
#include <asyncio.h>
#include <stdio.h>

ASYNC_GEN(char *, lines, (const char *)path)
{
    char line[1024];
    async_stream_auto s = NULL; /* closed also when the reader breaks off */
    ASYNC_TRY(await_open_file(path, "r", &s));
    while (ASYNC_TRY(await_stream_readline(s, line, sizeof line)) > 0)
        ASYNC_TRY(await_yield(line));
    return 0;
}

ASYNC_DEF(amain, (const char *)path)
{
    int r, n = 0;
    await_for_each (r, line, lines(path)) {
        printf("%d %.40s", ++n, line);
        if (n == 3)
            break;
    }
    return r;
}

int main(int argc, char *argv[])
{
    return async_main(amain(argc > 1 ? argv[1] : __FILE__));
}
