/* SPDX-License-Identifier: MIT */
/* lines.c - the lines of a stream, one after the other. */
#include "base/alloc.h"
#include "io/stream.h"
#include <asyncio/file.h>

enum { USUAL = 256 };

static int longer(char **line, size_t *room)
{
    char *p = *room < SIZE_MAX / 2 ? async__realloc(*line, *room * 2) : NULL;
    if (!p)
        return -ENOMEM;
    *line = p;
    *room *= 2;
    return 0;
}

static int run(async_stream *s)
{
    char **async_item_ = NULL; /* what await_yield() yields */
    size_t room = USUAL;
    async_data_auto line = async__malloc(room);
    if (!line)
        return -ENOMEM;
    for (;;) {
        ssize_t n = await_stream_readline(s, line, room);
        if (n == -ENOBUFS) {
            ASYNC_TRY(longer(&line, &room));
            continue;
        }
        if (n <= 0)
            return (int)n;
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        ASYNC_TRY(await_yield(line));
    }
}

ASYNC__MAKE(lines, "async_lines", run, (async_stream *)s)

struct async_line_items async_lines(async_stream *s)
{
    return (struct async_line_items){ .gen.co = lines(s) };
}
