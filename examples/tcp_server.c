/* SPDX-License-Identifier: MIT */
/* A server on a TCP port, and its clients. The handlers of all connections share one record (.arg),
 * read lines of a bounded length, and answer. A client sends all that it has, then reads the answer
 * to its end.
 * Python: await asyncio.start_server(handler, "127.0.0.1", 0); async for line in reader; await
 * reader.read(-1) */
#include <asyncio.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 80 };

/* What the handlers share. They run on one thread, so no lock is needed. */
struct guestbook {
    int visitors, lines;
};

ASYNC_DEF(handler, (async_stream *)s)
{
    struct guestbook *book = async_serve_arg(s);
    int r, visitor = ++book->visitors, lines = 0;
    await_for_each (r, line, async_lines(s, .limit = LINE_MAX_BYTES)) {
        book->lines++;
        ASYNC_TRY(await_stream_printf(s, "%d: %s\n", ++lines, line));
    }
    if (r == -ENOBUFS) /* the client's mistake, which needs no report here */
        return await_stream_printf(s, "visitor %d, your line is too long\n", visitor);
    ASYNC_TRY(r);
    return await_stream_printf(s, "goodbye, visitor %d\n", visitor);
}

ASYNC_DEF(server, (struct guestbook *)book, (int *)port, (async_event *)serving)
{
    return await_serve("127.0.0.1", "0", handler, .arg = book, .limit = 100, .ret_port = port,
                       .serving = serving);
}

ASYNC_DEF(visit, (const char *)port, (const char *)text)
{
    async_stream_auto s = NULL;
    async_data_auto answer = NULL;
    ASYNC_TRY(await_open_connection("127.0.0.1", port, &s));
    ASYNC_TRY(await_stream_write(s, text, strlen(text)));
    ASYNC_TRY(async_stream_write_eof(s));
    ASYNC_TRY(await_stream_read_all(s, &answer, NULL, .limit = 10000));
    printf("%s", answer);
    return 0;
}

ASYNC_DEF(amain)
{
    int port;
    char port_text[8];
    struct guestbook book = { 0 };
    async_event serving = { 0 };
    await_task_auto t = async_create_task(server(&book, &port, &serving));
    ASYNC_TRY(await_event_wait(&serving));
    snprintf(port_text, sizeof port_text, "%d", port);
    ASYNC_TRY(await_visit(port_text, "hello\nhow are you?\n"));
    ASYNC_TRY(await_visit(port_text, ""));
    ASYNC_TRY(await_visit(port_text, "a line of more than eighty bytes, which the server refuses "
                                     "before it has read it to its end, wherever that may be\n"));
    printf("%d visitors, %d lines\n", book.visitors, book.lines);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
