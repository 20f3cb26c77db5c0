/* SPDX-License-Identifier: MIT */
/* Tests of streams in memory, and of the assertions about suspension. The sweeps are tested in
 * tests/sweep. */
#include "../frame/loop_test.h"

#include <asyncio/testing.h>

#include <signal.h>
#include <sys/wait.h>

ASYNC_DEF(writes, (async_stream *)s, (const char *)text)
{
    return await_stream_write(s, text, strlen(text));
}

ASYNC_DEF(reads, (async_stream *)s, (char *)buf, (size_t)size)
{
    return (int)await_stream_read(s, buf, size);
}

LOOP_TEST(bytes_written_to_one_end_are_read_from_other)
{
    char buf[32];
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    expect_ok(async_stream_pair(&a, &b));
    async_assert_no_suspend {
        expect_ok(await_stream_write(a, "one\ntwo\n", 8));
        expect_ok(await_stream_printf(b, "%d", 42));
        expect_int(await_stream_readline(b, buf, sizeof buf), 4);
        expect_text(buf, "one\n");
        expect_int(await_stream_read(b, buf, sizeof buf), 4);
        expect_int(await_stream_readexactly(a, buf, 2, NULL), 2);
        expect_ok(memcmp(buf, "42", 2));
    }
    return 0;
}

/* With each size of the buffer. */
LOOP_TEST(writer_waits_until_buffer_has_room)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    char got[sizeof text] = "";
    for (size_t room = 1; room < sizeof text; room++) {
        async_stream_auto a = NULL;
        async_stream_auto b = NULL;
        expect_ok(async_stream_pair(&a, &b, .room = room));
        await_task_auto t = async_create_task(writes(a, text));
        size_t n = sizeof text - 1;
        async_assert_suspends {
            expect_int(await_stream_readexactly(b, got, n, NULL), (ssize_t)n);
        }
        expect_text(got, text);
        expect_ok(await_task(t));
    }
    return 0;
}

LOOP_TEST(reader_waits_for_bytes_in_virtual_time)
{
    char buf[8];
    int r;
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    expect_ok(async_stream_pair(&a, &b));
    await_timeout (r, 100)
        r = (int)await_stream_read(a, buf, sizeof buf);
    expect_int(r, -ETIMEDOUT);
    expect_time(100);
    await_task_auto t = async_create_task(reads(a, buf, sizeof buf));
    expect_ok(await_sleep(1));
    expect_int(await_stream_read(a, buf, sizeof buf), -EBUSY);
    expect_ok(await_stream_write(b, "late", 4));
    expect_int(await_task(t), 4);
    return 0;
}

LOOP_TEST(end_of_one_direction_leaves_other_open)
{
    char buf[8];
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    expect_ok(async_stream_pair(&a, &b));
    expect_ok(await_stream_write(a, "last", 4));
    expect_ok(async_stream_write_eof(a));
    expect_int(await_stream_write(a, "x", 1), -EPIPE);
    expect_int(await_stream_read(b, buf, sizeof buf), 4);
    expect_ok(await_stream_read(b, buf, sizeof buf));
    expect_ok(await_stream_write(b, "but", 3));
    expect_int(await_stream_read(a, buf, sizeof buf), 3);
    expect_ok(await_stream_write(b, "kept", 4));
    expect_ok(await_stream_close(b));
    expect_int(await_stream_read(b, buf, sizeof buf), -EPIPE);
    expect_int(await_stream_read(a, buf, sizeof buf), 4);
    expect_ok(await_stream_read(a, buf, sizeof buf));
    async_stream_drop(&b);
    expect_ok(await_stream_read(a, buf, sizeof buf));
    return 0;
}

/* On the side that is closed and on the other one. */
LOOP_TEST(close_wakes_waiting_reader_and_writer)
{
    char buf[8];
    for (int other = 0; other < 2; other++) {
        async_stream_auto a = NULL;
        async_stream_auto b = NULL;
        expect_ok(async_stream_pair(&a, &b, .room = 2));
        await_task_auto w = async_create_task(writes(a, "too much"));
        await_task_auto r = async_create_task(reads(a, buf, sizeof buf));
        expect_ok(await_sleep(1));
        async_stream_drop(other ? &b : &a);
        expect_int(await_task(w), -EPIPE);
        expect_int(await_task(r), other ? 0 : -EPIPE);
    }
    return 0;
}

ASYNC_DEF(reads_a_line, (async_stream *)s, (char *)buf, (size_t)size)
{
    return (int)await_stream_readline(s, buf, size);
}

ASYNC_DEF(reads_four, (async_stream *)s, (char *)buf, (size_t)size)
{
    return size < 5 ? -EINVAL : (int)await_stream_readexactly(s, buf, 4, NULL);
}

typedef async_co reads_fn(async_stream *s, char *buf, size_t size);
static reads_fn *const ways_to_read[] = { reads, reads_a_line, reads_four };

ASYNC_DEF(writes_to_both, (async_stream *)a, (async_stream *)b)
{
    ASYNC_TRY(await_sleep(1));
    ASYNC_TRY(await_stream_write(a, "aaa\n", 4));
    return await_stream_write(b, "bbb\n", 4);
}

/* Both streams become ready at the same time. One read wins; the other stream's bytes are there for
 * the next read. */
LOOP_TEST(read_that_loses_race_consumes_nothing)
{
    for (size_t i = 0; i < countof(ways_to_read); i++) {
        char buf[2][8] = { "", "" }, rest[8] = "";
        int n = 0;
        async_stream_auto a = NULL;
        async_stream_auto b = NULL;
        async_stream_auto to_a = NULL;
        async_stream_auto to_b = NULL;
        expect_ok(async_stream_pair(&a, &to_a));
        expect_ok(async_stream_pair(&b, &to_b));
        await_task_auto t = async_create_task(writes_to_both(to_a, to_b));
        int won = await_race(&n, ways_to_read[i](a, buf[0], sizeof *buf),
                             ways_to_read[i](b, buf[1], sizeof *buf));
        expect_true(won == 0 || won == 1);
        expect_int(n, 4);
        expect_text(buf[won], won ? "bbb\n" : "aaa\n");
        await_timeout (n, 1)
            n = (int)await_stream_readline(won ? a : b, rest, sizeof rest);
        expect_int(n, 4);
        expect_text(rest, won ? "aaa\n" : "bbb\n");
        expect_ok(await_task(t));
    }
    return 0;
}

LOOP_TEST(read_cancelled_before_it_runs_consumes_nothing)
{
    for (size_t i = 0; i < countof(ways_to_read); i++) {
        char buf[8] = "", rest[8] = "";
        async_stream_auto a = NULL;
        async_stream_auto b = NULL;
        expect_ok(async_stream_pair(&a, &b));
        await_task_auto t = async_create_task(ways_to_read[i](a, buf, sizeof buf));
        expect_ok(await_sleep(1));
        if (i > 0) { /* half of the bytes that it waits for */
            expect_ok(await_stream_write(b, "ab", 2));
            expect_ok(await_sleep(1));
        }
        expect_ok(await_stream_write(b, "c\n", 2));
        expect_true(async_task_cancel(t));
        expect_int(await_task(t), -ECANCELED);
        expect_int(await_stream_readline(a, rest, sizeof rest), i > 0 ? 4 : 2);
        expect_text(rest, i > 0 ? "abc\n" : "c\n");
    }
    return 0;
}

static async_stream *left;

ASYNC_DEF(leaves_one)
{
    async_stream_auto b = NULL;
    return async_stream_pair(&left, &b);
}

TEST(stream_left_open_is_reported_when_loop_closes)
{
    capture_stderr_begin();
    expect_ok(async_run(leaves_one()));
    expect_contains(captured_stderr(), "closes with 1 stream in memory open");
    async_stream_drop(&left);
    capture_stderr_end();
}

ASYNC_DEF(must_suspend)
{
    async_assert_suspends {
        expect_ok(await_sleep(0));
        async_assert_no_suspend { /* an inner block does not hide what the outer one has seen */
        }
    }
    for (int i = 0; i < 2; i++)
        async_assert_no_suspend {
            if (i == 0)
                continue; /* of the block alone */
        }
    async_assert_suspends {
        async_lock l = { 0 };
        expect_ok(await_lock_acquire(&l));
    }
    return 0;
}

ASYNC_DEF(must_not_suspend)
{
    int r;
    async_assert_no_suspend {
        await_timeout (r, 1)
            ASYNC_TRY(await_sleep(2)); /* also on the way out with an error */
    }
    return r;
}

static void aborts(async_co co, const char *sentence)
{
    capture_stderr_begin();
    pid_t pid = fork();
    int status = 0;
    if (pid == 0)
        _exit(async_run(co, .virtual_clock = true) < 0);
    expect_int(waitpid(pid, &status, 0), pid);
    expect_contains(captured_stderr(), sentence);
    capture_stderr_end();
    expect_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

TEST(assertion_about_suspension_aborts_with_message)
{
    aborts(must_suspend(), "await_must_suspend: this block has not suspended");
    aborts(must_not_suspend(), "await_must_not_suspend: this block has suspended");
}

SUITE("core-stream_pair", read_that_loses_race_consumes_nothing,
      read_cancelled_before_it_runs_consumes_nothing, bytes_written_to_one_end_are_read_from_other,
      writer_waits_until_buffer_has_room, reader_waits_for_bytes_in_virtual_time,
      end_of_one_direction_leaves_other_open, close_wakes_waiting_reader_and_writer,
      stream_left_open_is_reported_when_loop_closes, assertion_about_suspension_aborts_with_message)
