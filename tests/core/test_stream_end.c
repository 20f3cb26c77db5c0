/* SPDX-License-Identifier: MIT */
/* Streams: how they end, on either side. */
#include "stream.h"

#include <pthread.h>

ASYNC_DEF(calls_again, (async_stream *)s)
{
    char c;
    int r = (int)await_stream_read(s, &c, 1);
    log_event("woken=%s", result_text(r));
    r = (int)await_stream_read(s, &c, 1);
    log_event("again=%s", result_text(r));
    return r;
}

static const char closed_here[] = "the stream was closed on our side";

REAL(close_wakes_the_tasks_that_wait)
{
    char buf[8], *much = calloc(1, 16 << 20);
    int peer;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    await_task_auto r = async_create_task(calls_again(s));
    await_task_auto w = async_create_task(writes(s, much, 16 << 20));
    expect_ok(await_sleep(moment));
    async_stream_close(s);
    async_stream_close(s);
    expect_int(await_task(w), -EPIPE);
    expect_text(async_fail_text(-EPIPE), closed_here);
    expect_int(await_task(r), -EPIPE);
    expect_text(async_fail_text(-EPIPE), closed_here);
    expect_events("woken=-EPIPE again=-EPIPE");
    expect_int(await_stream_read(s, buf, 1), -EPIPE);
    expect_int(await_stream_readuntil(s, "x", buf, 1), -EPIPE);
    expect_int(await_stream_readexactly(s, buf, 1, NULL), -EPIPE);
    expect_int(await_stream_write(s, buf, 1), -EPIPE);
    expect_int(async_stream_write_eof(s), -EPIPE);
    expect_text(async_fail_text(-EPIPE), closed_here);
    expect_ok(await_stream_close(s));
    async_stream_close(NULL);
    expect_ok(await_stream_close(NULL));
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
        expect_ok(await_pair(&s, &peer));
        if (i)
            say(peer, "part");
        await_task_auto t = i ? async_create_task(exactly(s, buf, 8, NULL))
                              : async_create_task(reads(s, buf, sizeof buf, "read"));
        expect_ok(await_sleep(moment));
        async_stream_drop(&s);
        expect_true(!s);
        async_stream_drop(&s);
        expect_int(await_task(t), -EPIPE);
        expect_ok(close(peer));
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
    expect_ok(await_pair(&s, &peer));
    await_task_auto t = async_create_task(cancelled_close(s));
    expect_int(await_task(t), -ECANCELED);
    expect_int(await_stream_read(s, &c, 1), -EPIPE);
    expect_int(read(peer, &c, 1), 0);
    return close(peer);
}

REAL(reset_is_reported_to_reader_and_writer)
{
    char buf[8];
    int peer;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    await_task_auto t = async_create_task(reads(s, buf, sizeof buf, "read"));
    expect_ok(await_sleep(moment));
    reset(peer);
    expect_int(await_task(t), -ECONNRESET);
    expect_int(await_stream_write(s, "x", 1), -EPIPE); /* and no signal */
    for (int i = 0; i < 2; i++)                        /* not the end that a peer makes in order */
        expect_int(await_stream_read(s, buf, sizeof buf), -ECONNRESET);
    return 0;
}

REAL(write_to_a_peer_that_has_closed_fails_without_a_signal)
{
    int peer, r = 0;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    expect_ok(close(peer));
    for (int i = 0; i < 100 && r == 0; i++) {
        r = await_stream_write(s, "x", 1);
        expect_ok(await_sleep(0.001));
    }
    expect_true(r == -EPIPE || r == -ECONNRESET);
    return 0;
}

REAL(write_eof_leaves_reading_open)
{
    char buf[8];
    int peer;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    expect_ok(shutdown(peer, SHUT_WR)); /* the peer has ended its side only */
    expect_int(await_stream_read(s, buf, sizeof buf), 0);
    expect_ok(await_stream_write(s, "back", 4));
    expect_int(read(peer, buf, sizeof buf), 4);
    async_stream_close(s);
    expect_ok(close(peer));

    async_stream_auto other = NULL;
    expect_ok(await_pair(&other, &peer));
    expect_ok(async_stream_write_eof(other)); /* and this side */
    expect_ok(async_stream_write_eof(other));
    expect_int(read(peer, buf, sizeof buf), 0);
    expect_int(await_stream_write(other, "x", 1), -EPIPE);
    say(peer, "still");
    expect_int(await_stream_read(other, buf, sizeof buf), 5);
    return close(peer);
}

ASYNC_DEF(open_left)
{
    int peer;
    async_stream *s = NULL;
    expect_ok(await_pair(&s, &peer));
    *(async_stream **)event_log = s; /* found again below */
    return close(peer);
}

/* A loop that closes says what was left open, and closes it; the handle is good for nothing but to
 * be dropped. */
TEST(stream_left_open_is_reported_when_the_loop_closes)
{
    capture_stderr_begin();
    expect_ok(async_run(open_left()));
    expect_contains(captured_stderr(), "the loop closes with 1 stream open");
    capture_stderr_end();
    async_stream *s = *(async_stream **)event_log;
    async_stream_close(s);
    async_stream_drop(&s);
}

ASYNC_DEF(uses_a_foreign_one, (async_stream *)s)
{
    char c;
    expect_int(await_stream_read(s, &c, 1), -EPERM);
    expect_contains(captured_stderr(), "another loop");
    return 0;
}

TEST(stream_of_another_loop_is_refused)
{
    capture_stderr_begin();
    expect_ok(async_run(open_left()));
    captured_stderr();
    async_stream *s = *(async_stream **)event_log;
    expect_ok(async_run(uses_a_foreign_one(s)));
    expect_text(captured_stderr(), "");
    capture_stderr_end();
    async_stream_drop(&s);
}

/* --- streams of another thread --- */

ASYNC_DEF(closes_a_foreign_one, (async_stream *)s)
{
    async_stream *copy = s;
    expect_int(await_stream_close(s), -EPERM);
    expect_contains(captured_stderr(), "await_stream_close() of another thread's stream");
    async_stream_close(s);
    expect_contains(captured_stderr(), "async_stream_close() of another thread's stream");
    async_stream_drop(&copy);
    expect_contains(captured_stderr(), "async_stream_drop() of another thread's stream");
    return 0;
}

static void *closes_on_a_thread(void *s)
{
    expect_ok(async_run(closes_a_foreign_one(s)));
    return NULL;
}

REAL(stream_of_another_thread_is_not_closed)
{
    char buf[8];
    int peer;
    pthread_t thread;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    expect_ok(pthread_create(&thread, NULL, closes_on_a_thread, s));
    expect_ok(pthread_join(thread, NULL));
    say(peer, "still");
    expect_int(await_stream_read(s, buf, sizeof buf), 5);
    return close(peer);
}

SUITE("stream-end", close_wakes_the_tasks_that_wait, drop_wakes_the_reader_and_frees_later,
      cancelled_close_closes, reset_is_reported_to_reader_and_writer,
      write_to_a_peer_that_has_closed_fails_without_a_signal, write_eof_leaves_reading_open,
      stream_left_open_is_reported_when_the_loop_closes, stream_of_another_loop_is_refused,
      stream_of_another_thread_is_not_closed)
