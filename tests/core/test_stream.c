/* SPDX-License-Identifier: MIT */
/* Streams: reading and writing. */
#include "stream.h"

#include <poll.h>
ASYNC_DEF(line, (async_stream *)s, (char *)buf, (size_t)size)
{
    return (int)await_stream_readline(s, buf, size);
}

ASYNC_DEF(says_later, (int)peer, (const char *)text)
{
    ASYNC_TRY(await_sleep(moment));
    say(peer, text);
    return 0;
}

REAL(read_returns_what_has_come)
{
    char buf[64];
    int peer;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    say(peer, "hello");
    expect_int(await_stream_read(s, buf, 2), 2);
    expect_int(await_stream_read(s, buf + 2, sizeof buf), 3);
    expect_ok(memcmp(buf, "hello", 5));
    expect_int(await_stream_read(s, buf, 0), 0);
    await_task_auto t = async_create_task(says_later(peer, "more"));
    expect_int(await_stream_read(s, buf, sizeof buf), 4);
    expect_ok(await_task(t));
    say(peer, "last");
    expect_ok(close(peer));
    expect_int(await_stream_read(s, buf, 4), 4);
    for (int i = 0; i < 3; i++)
        expect_int(await_stream_read(s, buf, sizeof buf), 0);
    return 0;
}

/* Each text in two pieces, cut at each place: what is read does not depend on it. */
REAL(separator_that_comes_in_pieces_is_found)
{
    static const char text[] = "one\r\n\r\ntwo\r\r\n\r\n\r\n\r\nrest";
    char first[sizeof text], buf[sizeof text];
    for (size_t cut = 1; cut < sizeof text - 1; cut++) {
        int peer;
        async_stream_auto s = NULL;
        expect_ok(await_pair(&s, &peer));
        memcpy(first, text, cut);
        first[cut] = '\0';
        say(peer, first);
        await_task_auto t = async_create_task(says_later(peer, text + cut));
        expect_int(await_stream_readuntil(s, "\r\n\r\n", buf, sizeof buf), 7);
        expect_text(buf, "one\r\n\r\n");
        expect_int(await_stream_readuntil(s, "\r\n\r\n", buf, sizeof buf), 8);
        expect_text(buf, "two\r\r\n\r\n");
        expect_int(await_stream_readuntil(s, "\r\n\r\n", buf, sizeof buf), 4);
        expect_text(buf, "\r\n\r\n");
        expect_int(await_stream_readexactly(s, buf, 4, NULL), 4);
        expect_ok(memcmp(buf, "rest", 4));
        expect_ok(await_task(t));
        expect_ok(close(peer));
        expect_int(await_stream_readuntil(s, "\r\n\r\n", buf, sizeof buf), 0);
        expect_text(buf, "");
    }
    return 0;
}

REAL(line_is_read_with_its_end_or_refused_if_it_does_not_fit)
{
    char buf[32];
    int peer;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    say(peer, "a\n\nlonger\nend");
    expect_ok(shutdown(peer, SHUT_WR));
    expect_int(await_stream_readline(s, buf, sizeof buf), 2);
    expect_text(buf, "a\n");
    expect_int(await_stream_readline(s, buf, 2), 1); /* it fits exactly */
    expect_text(buf, "\n");
    expect_int(await_stream_readline(s, buf, 7), -ENOBUFS);
    expect_contains(async_fail_text(-ENOBUFS), "7 bytes");
    expect_int(await_stream_readline(s, buf, 8), 7);
    expect_text(buf, "longer\n");
    expect_int(await_stream_readline(s, buf, 3), -ENOBUFS);
    expect_int(await_stream_readuntil(s, "", buf, sizeof buf), -EINVAL);
    expect_int(await_stream_readline(s, buf, 4), 3); /* without a separator */
    expect_text(buf, "end");
    expect_int(await_stream_readline(s, buf, sizeof buf), 0);
    expect_int(await_stream_readline(s, buf, 0), -ENOBUFS);
    return close(peer);
}

REAL(line_longer_than_the_buffer_is_read)
{
    enum { LONG = 100000 };
    char *text = malloc(2 * LONG + 1), *buf = malloc(LONG + 2);
    int peer;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    memset(text, 'x', 2 * LONG);
    text[LONG - 1] = text[2 * LONG - 1] = '\n';
    text[2 * LONG] = '\0';
    say(peer, text);
    expect_ok(shutdown(peer, SHUT_WR));
    expect_int(await_stream_readline(s, buf, LONG / 2), -ENOBUFS);
    expect_int(await_stream_readline(s, buf, LONG + 1), LONG);
    expect_int(await_stream_readline(s, buf, LONG), -ENOBUFS);
    expect_int(await_stream_readline(s, buf, LONG + 1), LONG);
    expect_ok(memcmp(buf, text, LONG));
    expect_int(await_stream_readline(s, buf, LONG), 0);
    free(text);
    free(buf);
    return close(peer);
}

REAL(readexactly_returns_all_bytes_or_how_many_there_were)
{
    char buf[32] = "";
    size_t got = 99;
    int peer;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    expect_int(await_stream_readexactly(s, buf, 0, &got), 0);
    expect_int(got, 0);
    say(peer, "line\n1234");
    expect_int(await_stream_readline(s, buf, sizeof buf), 5);
    await_task_auto t = async_create_task(says_later(peer, "5678abc"));
    expect_int(await_stream_readexactly(s, buf, 8, &got), 8); /* left-over bytes and fresh ones */
    expect_int(got, 8);
    expect_ok(memcmp(buf, "12345678", 8));
    expect_ok(await_task(t));
    expect_ok(close(peer));
    expect_int(await_stream_readexactly(s, buf, 8, &got), -ENODATA);
    expect_text(async_fail_text(-ENODATA), "the stream ended after 3 of 8 bytes");
    expect_int(got, 3);
    expect_ok(memcmp(buf, "abc", 3));
    expect_int(await_stream_read(s, buf, sizeof buf), 0);
    expect_int(await_stream_readexactly(s, buf, 8, &got), -ENODATA);
    expect_int(got, 0);
    return 0;
}

/* However much has come when it is cancelled, left over from before or not: nothing is lost. */
REAL(cancelled_read_consumes_nothing)
{
    static const char text[] = "0123456789";
    char buf[64];
    for (int before = 0; before < 2; before++)
        for (int n = 0; n <= 10; n++) {
            size_t got = 99;
            int peer;
            async_stream_auto s = NULL;
            expect_ok(await_pair(&s, &peer));
            if (before) { /* leave the first of them in the stream */
                char some[32];
                snprintf(some, sizeof some, "x\n%.*s", n / 2, text);
                say(peer, some);
                expect_int(await_stream_readline(s, buf, sizeof buf), 2);
            }
            char rest[32];
            snprintf(rest, sizeof rest, "%.*s", n, text);
            say(peer, rest + (before ? n / 2 : 0));
            expect_int(await_wait_for(exactly(s, buf, 20, &got), moment), -ETIMEDOUT);
            expect_int(got, 0);
            expect_int(await_wait_for(line(s, buf, sizeof buf), moment), -ETIMEDOUT);
            expect_int(await_wait_for(exactly(s, buf, 11, &got), moment), -ETIMEDOUT);
            expect_ok(close(peer));
            expect_int(await_stream_readexactly(s, buf, 11, &got), -ENODATA);
            expect_int(got, n);
            expect_ok(memcmp(buf, text, (size_t)n));
        }
    return 0;
}

REAL(second_reader_or_writer_is_refused)
{
    char buf[8], *much = calloc(1, 16 << 20);
    int peer;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    await_task_auto r = async_create_task(reads(s, buf, sizeof buf, "first"));
    await_task_auto w = async_create_task(writes(s, much, 16 << 20));
    expect_ok(await_sleep(moment));
    expect_int(await_stream_read(s, buf, 1), -EBUSY);
    expect_text(async_fail_text(-EBUSY), "other tasks read and write this stream");
    expect_int(await_stream_readline(s, buf, 1), -EBUSY);
    expect_int(await_stream_readexactly(s, buf, 1, NULL), -EBUSY);
    expect_int(await_stream_write(s, buf, 1), -EBUSY);
    expect_int(await_stream_printf(s, "x"), -EBUSY);
    expect_int(async_stream_write_eof(s), -EBUSY);
    say(peer, "abc"); /* both go on beside each other */
    expect_int(await_task(r), 3);
    expect_false(async_task_done(w));
    async_task_cancel(w);
    expect_int(await_task(w), -ECANCELED);
    expect_ok(await_stream_read(s, buf, 0));
    free(much);
    return close(peer);
}

ASYNC_DEF(slow_reader, (int)peer, (unsigned char *)sum)
{
    unsigned char buf[50000];
    int total = 0;
    for (;;) {
        int r = ASYNC_TRY(await_fd_ready(peer, POLLIN));
        expect_true(r & POLLIN);
        ssize_t n = recv(peer, buf, sizeof buf, MSG_DONTWAIT);
        if (n <= 0)
            return total;
        for (ssize_t i = 0; i < n; i++)
            *sum = (unsigned char)(*sum * 31 + buf[i]);
        total += (int)n;
        if (total < 1000000)
            ASYNC_TRY(await_sleep(0.0005));
    }
}

REAL(large_write_waits_for_a_slow_reader)
{
    enum { MUCH = 8 << 20 };
    unsigned char *data = malloc(MUCH), sum = 0, want = 0;
    int peer;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    for (int i = 0; i < MUCH; i++) {
        data[i] = (unsigned char)(i * 7 + i / 1000);
        want = (unsigned char)(want * 31 + data[i]);
    }
    await_task_auto t = async_create_task(slow_reader(peer, &sum));
    expect_ok(await_stream_write(s, data, MUCH));
    expect_ok(async_stream_write_eof(s));
    expect_int(await_task(t), MUCH);
    expect_int(sum, want);
    free(data);
    return close(peer);
}

REAL(formatted_text_of_any_length_is_written)
{
    char *text = malloc(5001), *got = malloc(5100);
    int peer;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    memset(text, 'y', 5000);
    text[5000] = '\0';
    expect_ok(await_stream_printf(s, "%d-%s\n", 42, "x"));
    expect_ok(await_stream_printf(s, "%s", ""));
    expect_ok(await_stream_printf(s, "%s!", text));
    expect_int(recv(peer, got, 5006, MSG_WAITALL), 5006);
    expect_ok(memcmp(got, "42-x\nyyy", 8));
    expect_int(got[5005], '!');
    free(text);
    free(got);
    return close(peer);
}

static bool running;

ASYNC_DEF(counts, (int *)n)
{
    while (running) {
        ++*n;
        ASYNC_TRY(await_sleep(0));
    }
    return 0;
}

/* A peer that is always ahead does not keep the loop to itself. */
REAL(reads_that_never_wait_let_other_tasks_run)
{
    char text[2001], c;
    int peer, turns = 0;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    memset(text, 'z', 2000);
    text[2000] = '\0';
    say(peer, text);
    running = true;
    await_task_auto t = async_create_task(counts(&turns));
    for (int i = 0; i < 2000; i++)
        expect_int(await_stream_read(s, &c, 1), 1);
    running = false;
    expect_true(turns >= 2000 / 128);
    expect_ok(await_task(t));
    return close(peer);
}

SUITE("stream", read_returns_what_has_come, separator_that_comes_in_pieces_is_found,
      line_is_read_with_its_end_or_refused_if_it_does_not_fit, line_longer_than_the_buffer_is_read,
      readexactly_returns_all_bytes_or_how_many_there_were, cancelled_read_consumes_nothing,
      second_reader_or_writer_is_refused, large_write_waits_for_a_slow_reader,
      formatted_text_of_any_length_is_written, reads_that_never_wait_let_other_tasks_run)
