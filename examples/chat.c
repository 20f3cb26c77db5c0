/* SPDX-License-Identifier: MIT */
/* A chat: what one visitor types is sent to all others. Several tasks have something to write to
 * each connection, but only one task may write to a stream at a time; another one would receive
 * -EBUSY. So each connection has a queue of its own, an outbox, and one task that writes what is in
 * it. A visitor that does not read is not waited for: when its outbox is full, it misses a line.
 * Python: asyncio.Queue for each client, and a writer task */
#include <asyncio.h>
#include <stdio.h>
#include <stdlib.h>

typedef async_queue_of(char *, 20) outbox;

struct member {
    outbox out; /* lines to write, allocated */
    struct member *next;
};

struct room {
    struct member *first; /* all tasks run on one thread, so the list needs no lock */
};

/* Put a copy of the text into the outbox of every member but the one from which it comes. */
static void send_to_others(const struct room *room, const struct member *from, const char *text)
{
    for (struct member *m = room->first; m; m = m->next) {
        char *copy = m != from ? strdup(text) : NULL;
        if (copy && async_queue_put_nowait(&m->out, copy) < 0)
            free(copy); /* the outbox is full */
    }
}

static void leave_room(struct room *room, struct member *m)
{
    char *line;
    struct member **at = &room->first;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    while (async_queue_get_nowait(&m->out, &line) == 0)
        free(line); /* was never written */
}

static void free_text(char **text)
{
    free(*text);
}

ASYNC_DEF(write_lines, (async_stream *)s, (outbox *)out)
{
    for (;;) {
        ASYNC_AUTO(free_text) char *line = NULL;
        ASYNC_TRY(await_queue_get(out, &line));
        ASYNC_TRY(await_stream_printf(s, "%s\n", line));
    }
}

ASYNC_DEF(read_lines, (async_stream *)s, (struct room *)room, (struct member *)me)
{
    int r;
    await_for_each (r, line, async_lines(s, .limit = 1000))
        send_to_others(room, me, line);
    return r;
}

ASYNC_DEF(visit, (async_stream *)s)
{
    struct room *room = async_serve_arg(s);
    struct member me = { .out = ASYNC_QUEUE(me.out), .next = room->first };
    room->first = &me;
    int r, first = await_race(&r, read_lines(s, room, &me), write_lines(s, &me.out));
    leave_room(room, &me);
    return first < 0 ? first : r; /* the race has cancelled the other one */
}

/* --- what the example shows: three visitors --- */

ASYNC_DEF(server, (struct room *)room, (int *)port, (async_event *)serving)
{
    return await_serve("127.0.0.1", "0", visit, .arg = room, .limit = 1000, .ret_port = port,
                       .serving = serving);
}

ASYNC_DEF(expect_line, (async_stream *)s, (const char *)name)
{
    char line[100];
    ASYNC_TRY(await_stream_readline(s, line, sizeof line));
    printf("%s reads: %s", name, line);
    return 0;
}

static int members(const struct room *room)
{
    int n = 0;
    for (const struct member *m = room->first; m; m = m->next)
        n++;
    return n;
}

ASYNC_DEF(amain)
{
    int port;
    char port_text[8];
    struct room room = { 0 };
    async_event serving = { 0 };
    await_task_auto t = async_create_task(server(&room, &port, &serving));
    ASYNC_TRY(await_event_wait(&serving));
    snprintf(port_text, sizeof port_text, "%d", port);

    async_stream_auto ann = NULL;
    async_stream_auto bob = NULL;
    async_stream_auto cy = NULL;
    ASYNC_TRY(await_open_connection("127.0.0.1", port_text, &ann));
    ASYNC_TRY(await_open_connection("127.0.0.1", port_text, &bob));
    ASYNC_TRY(await_open_connection("127.0.0.1", port_text, &cy));
    while (members(&room) < 3)
        ASYNC_TRY(await_sleep(0.001));

    ASYNC_TRY(await_stream_printf(ann, "hello, all\n"));
    ASYNC_TRY(await_expect_line(bob, "bob"));
    ASYNC_TRY(await_expect_line(cy, "cy"));
    async_stream_drop(&bob);
    while (members(&room) == 3)
        ASYNC_TRY(await_sleep(0.001));
    ASYNC_TRY(await_stream_printf(cy, "bob has gone\n"));
    return await_expect_line(ann, "ann");
}

int main(void)
{
    return async_main(amain());
}
