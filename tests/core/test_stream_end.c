/* SPDX-License-Identifier: MIT */
/* Streams: how they end, on either side. */
#include "stream.h"

ASYNC_DEF(calls_again, (async_stream *)s)
{
    char c;
    int r = (int)await_stream_read(s, &c, 1);
    note("woken=%s", shown(r));
    r = (int)await_stream_read(s, &c, 1);
    note("again=%s", shown(r));
    return r;
}

static const char closed_here[] = "the stream was closed on our side";

REAL(close_wakes_the_tasks_that_wait)
{
    char buf[8], *much = calloc(1, 16 << 20);
    int peer;
    async_stream_auto s = NULL;
    ok(await_pair(&s, &peer));
    await_task_auto r = async_create_task(calls_again(s));
    await_task_auto w = async_create_task(writes(s, much, 16 << 20));
    ok(await_sleep(moment));
    async_stream_close(s);
    async_stream_close(s);
    is(await_task(w), -EPIPE);
    is_text(async_fail_text(-EPIPE), closed_here);
    is(await_task(r), -EPIPE);
    is_text(async_fail_text(-EPIPE), closed_here);
    is_trail("woken=-EPIPE again=-EPIPE");
    is(await_stream_read(s, buf, 1), -EPIPE);
    is(await_stream_readuntil(s, "x", buf, 1), -EPIPE);
    is(await_stream_readexactly(s, buf, 1, NULL), -EPIPE);
    is(await_stream_write(s, buf, 1), -EPIPE);
    is(async_stream_write_eof(s), -EPIPE);
    is_text(async_fail_text(-EPIPE), closed_here);
    ok(await_stream_close(s));
    async_stream_close(NULL);
    ok(await_stream_close(NULL));
    free(much);
    return close(peer);
}

/* The stream goes while a call on it waits: that call still finds what it looks at. */
REAL(drop_wakes_the_reader_and_frees_later)
{
    char buf[8];
    int peer;
    async_stream *s = NULL;
    for (int i = 0; i < 2; i++) {
        ok(await_pair(&s, &peer));
        if (i)
            say(peer, "part");
        await_task_auto t = i ? async_create_task(exactly(s, buf, 8, NULL))
                              : async_create_task(reads(s, buf, sizeof buf, "read"));
        ok(await_sleep(moment));
        async_stream_drop(&s);
        is_true(!s);
        async_stream_drop(&s);
        is(await_task(t), -EPIPE);
        ok(close(peer));
    }
    return 0;
}

ASYNC_DEF(cancelled_close, (async_stream *)s)
{
    async_task_cancel(async_current_task());
    return await_stream_close(s);
}

REAL(cancelled_close_closes)
{
    char c;
    int peer;
    async_stream_auto s = NULL;
    ok(await_pair(&s, &peer));
    await_task_auto t = async_create_task(cancelled_close(s));
    is(await_task(t), -ECANCELED);
    is(await_stream_read(s, &c, 1), -EPIPE);
    is(read(peer, &c, 1), 0);
    return close(peer);
}

REAL(reset_is_reported_to_reader_and_writer)
{
    char buf[8];
    int peer;
    async_stream_auto s = NULL;
    ok(await_pair(&s, &peer));
    await_task_auto t = async_create_task(reads(s, buf, sizeof buf, "read"));
    ok(await_sleep(moment));
    reset(peer);
    is(await_task(t), -ECONNRESET);
    is(await_stream_write(s, "x", 1), -EPIPE); /* and no signal */
    for (int i = 0; i < 2; i++)                /* not the end that a peer makes in order */
        is(await_stream_read(s, buf, sizeof buf), -ECONNRESET);
    return 0;
}

REAL(write_to_a_peer_that_has_closed_fails_without_a_signal)
{
    int peer, r = 0;
    async_stream_auto s = NULL;
    ok(await_pair(&s, &peer));
    ok(close(peer));
    for (int i = 0; i < 100 && r == 0; i++) {
        r = await_stream_write(s, "x", 1);
        ok(await_sleep(0.001));
    }
    is_true(r == -EPIPE || r == -ECONNRESET);
    return 0;
}

REAL(write_eof_leaves_reading_open)
{
    char buf[8];
    int peer;
    async_stream_auto s = NULL;
    ok(await_pair(&s, &peer));
    ok(shutdown(peer, SHUT_WR)); /* the peer has ended its side only */
    is(await_stream_read(s, buf, sizeof buf), 0);
    ok(await_stream_write(s, "back", 4));
    is(read(peer, buf, sizeof buf), 4);
    async_stream_close(s);
    ok(close(peer));

    async_stream_auto other = NULL;
    ok(await_pair(&other, &peer));
    ok(async_stream_write_eof(other)); /* and this side */
    ok(async_stream_write_eof(other));
    is(read(peer, buf, sizeof buf), 0);
    is(await_stream_write(other, "x", 1), -EPIPE);
    say(peer, "still");
    is(await_stream_read(other, buf, sizeof buf), 5);
    return close(peer);
}

ASYNC_DEF(open_left)
{
    int peer;
    async_stream *s = NULL;
    ok(await_pair(&s, &peer));
    *(async_stream **)trail = s; /* found again below */
    return close(peer);
}

/* A loop that closes says what was left open, and closes it; the handle is good for nothing but to
 * be dropped. */
START_TEST(stream_left_open_is_reported_when_the_loop_closes)
{
    ears_open();
    ok(async_run(open_left()));
    has_text(heard(), "the loop closes with 1 streams open");
    ears_close();
    async_stream *s = *(async_stream **)trail;
    async_stream_close(s);
    async_stream_drop(&s);
}
END_TEST

ASYNC_DEF(uses_a_foreign_one, (async_stream *)s)
{
    char c;
    is(await_stream_read(s, &c, 1), -EPERM);
    has_text(heard(), "another loop");
    return 0;
}

START_TEST(stream_of_another_loop_is_refused)
{
    ears_open();
    ok(async_run(open_left()));
    heard();
    async_stream *s = *(async_stream **)trail;
    ok(async_run(uses_a_foreign_one(s)));
    is_text(heard(), "");
    ears_close();
    async_stream_drop(&s);
}
END_TEST

SUITE("stream-end", close_wakes_the_tasks_that_wait, drop_wakes_the_reader_and_frees_later,
      cancelled_close_closes, reset_is_reported_to_reader_and_writer,
      write_to_a_peer_that_has_closed_fails_without_a_signal, write_eof_leaves_reading_open,
      stream_left_open_is_reported_when_the_loop_closes, stream_of_another_loop_is_refused)
