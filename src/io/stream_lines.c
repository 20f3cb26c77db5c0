/* SPDX-License-Identifier: MIT */
/* stream_lines.c - async_lines(): iterate over the lines of a stream. */
#include "base/alloc.h"
#include "io/stream.h"

#include <asyncio/file.h>

enum { FIRST_ROOM = 256, DEFAULT_LIMIT = 1024 * 1024 };

/* Make room for a longer line, of at most limit bytes and a '\0'. */
static int grow_line(char **line, size_t *room, size_t limit)
{
    size_t most = limit < SIZE_MAX ? limit + 1 : SIZE_MAX;
    size_t more = *room < most / 2 ? *room * 2 : most;
    if (*room >= most)
        return async_fail_at(-ENOBUFS, NULL,
                             "a line of more than %zu bytes; see .limit of async_lines()", limit);
    char *p = async__realloc(*line, more);
    if (!p)
        return -ENOMEM;
    *line = p;
    *room = more;
    return 0;
}

/* The body of the generator. */
static int yield_lines(async_stream *s, size_t limit)
{
    char **async_item_ = NULL; /* await_yield() takes the type of an item from it */
    size_t room = limit < FIRST_ROOM ? limit + 1 : FIRST_ROOM;
    async_data_auto line = async__malloc(room);
    if (!line)
        return -ENOMEM;
    for (;;) {
        ssize_t n = await_stream_readline(s, line, room);
        if (n == -ENOBUFS) {
            int r = grow_line(&line, &room, limit);
            if (r < 0) /* ASYNC_TRY would add a line of the library to the traceback */
                return r;
            continue;
        }
        if (n <= 0)
            return (int)n;
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        ASYNC_TRY(await_yield(line));
    }
}

ASYNC__MAKE(lines, "async_lines", yield_lines, (async_stream *)s, (size_t)limit)

struct async_line_items async_lines_opt(async_stream *s, const struct async_lines_opts *opts)
{
    size_t limit = opts && opts->limit ? opts->limit : DEFAULT_LIMIT;
    return (struct async_line_items){ .gen.co = lines(s, limit) };
}
