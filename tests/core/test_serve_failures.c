/* SPDX-License-Identifier: MIT */
/* Servers whose handlers fail: which failures are reported, and how often. */
#include "server.h"

#include <poll.h>
static int connections;

/* What a handler does that its client asks for by a letter. */
ASYNC_DEF(misbehaves, (async_stream *)s)
{
    static char much[1 << 20];
    char c, buf[64];
    connections++;
    ASYNC_TRY(await_stream_readexactly(s, &c, 1, NULL));
    switch (c) {
    case 'e': /* the end of the connection in the middle of a message */
        return (int)await_stream_readexactly(s, buf, 10, NULL);
    case 'w': /* no reader at the peer */
        for (;;)
            ASYNC_TRY(await_stream_write(s, much, sizeof much));
    case 'c': /* closed on our side */
        async_stream_close(s);
        return await_stream_write(s, "x", 1);
    case 'm': /* a mistake */
        ASYNC_TRY(async_stream_write_eof(s));
        return await_stream_write(s, "x", 1);
    case 'o': /* an error of something else */
        return async_fail(-ENODATA, "no data in the cache");
    default:
        return async_fail(-EPROTO, "no such letter: %c", c);
    }
}

/* Let a client send the letter and end its connection; wait until the server has closed it. */
static int await_end_of_handler(int port, char letter, bool resets)
{
    char c;
    int fd = plain_connect(port), before = connections;
    expect_int(send(fd, &letter, 1, 0), 1);
    while (connections == before)
        ASYNC_TRY(await_sleep(0.001));
    if (resets) {
        reset(fd);
        return await_sleep(0.02);
    }
    if (letter == 'e')
        expect_ok(shutdown(fd, SHUT_WR));
    expect_true(await_fd_ready(fd, POLLIN) > 0);
    expect_true(read(fd, &c, 1) <= 0);
    return close(fd);
}

REAL(handler_that_fails_as_its_connection_ends_is_not_reported)
{
    struct server v = { .handler = misbehaves };
    await_task_auto t = NULL;
    expect_ok(await_started(&v, &t));
    expect_ok(await_end_of_handler(v.port, 'e', false)); /* -ENODATA */
    expect_ok(await_end_of_handler(v.port, 'e', true));  /* -ECONNRESET */
    expect_ok(await_end_of_handler(v.port, 'w', true));  /* -ECONNRESET or -EPIPE */
    expect_ok(await_end_of_handler(v.port, 'c', false)); /* -EPIPE */
    expect_text(captured_stderr(), "");
    return 0;
}

REAL(handler_that_fails_otherwise_is_reported_with_its_traceback)
{
    static const struct {
        char letter;
        const char *report;
    } failures[] = {
        { 'm', "Broken pipe: a write after async_stream_write_eof()" },
        { 'o', "No data available: no data in the cache" },
        { 'x', "Protocol error: no such letter: x" },
    };
    struct server v = { .handler = misbehaves };
    await_task_auto t = NULL;
    expect_ok(await_started(&v, &t));
    for (size_t i = 0; i < countof(failures); i++) {
        expect_ok(await_end_of_handler(v.port, failures[i].letter, false));
        const char *said = captured_stderr();
        expect_contains(said, failures[i].report);
        expect_contains(said, "misbehaves-");
        expect_contains(said, "created in await_server, ");
        expect_contains(said, "server.h:");
    }
    return 0;
}

static int lines_with(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

/* In virtual time, so that the second is one. */
LOOP_TEST(failures_beyond_ten_a_second_are_counted_in_one_line)
{
    struct server v = { .handler = misbehaves };
    char summary[100];
    await_task_auto t = NULL;
    expect_ok(await_started(&v, &t));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 15 + round; i++)
            expect_ok(await_end_of_handler(v.port, 'x', false));
        const char *said = captured_stderr();
        expect_int(lines_with(said, "no such letter"), 10);
        expect_int(lines_with(said, "not reported"), 0);
        snprintf(
                summary, sizeof summary,
                "asyncio: server on 127.0.0.1:%d: %d more handlers failed within a second and were "
                "not reported\n",
                v.port, 5 + round);
        if (round == 0)
            expect_ok(await_sleep(1));
        else
            await_task_drop(&t); /* at its end the server tells what is left to tell */
        expect_text(captured_stderr(), summary);
    }
    return 0;
}

SUITE("serve_failures", handler_that_fails_as_its_connection_ends_is_not_reported,
      handler_that_fails_otherwise_is_reported_with_its_traceback,
      failures_beyond_ten_a_second_are_counted_in_one_line)
