/* SPDX-License-Identifier: MIT */
/* Reading to the end of a stream, by await_stream_read_all() and line by line. */
#include "stream.h"

#include <asyncio/testing.h>

static async_stream *near_end, *far_end;

static void make_pair(size_t room)
{
    expect_ok(async_stream_pair(&near_end, &far_end, .room = room));
}

static int drop_pair(void)
{
    async_stream_drop(&near_end);
    async_stream_drop(&far_end);
    return 0;
}

ASYNC_DEF(sends_letters, (size_t)size)
{
    for (size_t i = 0; i < size; i++)
        ASYNC_TRY(await_stream_write(far_end, &(char){ (char)('a' + i % 26) }, 1));
    return async_stream_write_eof(far_end);
}

static bool are_letters(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] != (char)('a' + i % 26))
            return false;
    return text[size] == '\0';
}

ASYNC_DEF(reads_all, (char **)ret, (size_t *)size)
{
    return await_stream_read_all(near_end, ret, size);
}

LOOP_TEST(stream_of_any_length_is_read_to_its_end)
{
    static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 50000 };
    for (size_t i = 0; i < countof(sizes); i++) {
        async_data_auto text = NULL;
        size_t size = 99;
        make_pair(1000);
        await_task_auto t = async_create_task(sends_letters(sizes[i]));
        expect_ok(await_stream_read_all(near_end, &text, &size));
        expect_int(size, sizes[i]);
        expect_true(are_letters(text, size));
        expect_ok(await_task(t));
        async_data_drop(&text);
        expect_ok(await_stream_read_all(near_end, &text, NULL)); /* again: the end is still there */
        expect_text(text, "");
        expect_ok(drop_pair());
    }
    return 0;
}

LOOP_TEST(bytes_that_an_earlier_call_has_left_are_part_of_what_is_read)
{
    char line[8];
    async_data_auto text = NULL;
    make_pair(100);
    expect_ok(await_stream_write(far_end, "one\ntwo\nthree", 13));
    async_stream_drop(&far_end);
    expect_int(await_stream_readline(near_end, line, sizeof line), 4);
    expect_ok(await_stream_read_all(near_end, &text, NULL));
    expect_text(text, "two\nthree");
    return drop_pair();
}

LOOP_TEST(more_bytes_than_the_limit_are_refused_and_stay_in_the_stream)
{
    char buf[32];
    async_data_auto text = NULL;
    make_pair(100);
    expect_ok(await_stream_write(far_end, "0123456789", 10));
    async_stream_drop(&far_end);
    expect_int(await_stream_read_all(near_end, &text, NULL, .limit = 9), -ENOBUFS);
    expect_contains(async_fail_text(-ENOBUFS), "more than 9 bytes");
    expect_true(!text);
    expect_ok(await_stream_read_all(near_end, &text, NULL, .limit = 10));
    expect_text(text, "0123456789");
    expect_int(await_stream_read(near_end, buf, sizeof buf), 0);
    return drop_pair();
}

LOOP_TEST(cancelled_read_to_the_end_consumes_nothing)
{
    char *none = NULL;
    async_data_auto text = NULL;
    make_pair(10000);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 1000; j++)
            expect_ok(await_stream_write(far_end, &"012"[i], 1));
        expect_int(await_wait_for(reads_all(&none, NULL), 1), -ETIMEDOUT);
        expect_true(!none);
    }
    async_stream_drop(&far_end);
    size_t size;
    expect_ok(await_stream_read_all(near_end, &text, &size));
    expect_int(size, 3000);
    expect_int(text[999], '0');
    expect_int(text[1000], '1');
    expect_int(text[2999], '2');
    return drop_pair();
}

LOOP_TEST(second_reader_is_refused_while_a_task_reads_to_the_end)
{
    char c, *text = NULL;
    size_t size;
    make_pair(100);
    await_task_auto t = async_create_task(reads_all(&text, &size));
    expect_ok(await_sleep(1));
    expect_int(await_stream_read(near_end, &c, 1), -EBUSY);
    async_stream_close(near_end);
    expect_int(await_task(t), -EPIPE);
    expect_true(!text);
    return drop_pair();
}

REAL(reset_connection_is_not_taken_for_the_end)
{
    int peer;
    async_data_auto text = NULL;
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    say(peer, "half of it");
    reset(peer);
    for (int i = 0; i < 2; i++)
        expect_int(await_stream_read_all(s, &text, NULL), -ECONNRESET);
    expect_true(!text);
    return 0;
}

/* --- lines --- */

static int await_longest_line(size_t limit, int *lines)
{
    int r;
    *lines = 0;
    await_for_each (r, line, async_lines(near_end, .limit = limit)) {
        expect_true(!strchr(line, '\n'));
        ++*lines;
    }
    return r;
}

/* With room for its "\n", which counts. */
LOOP_TEST(line_beyond_the_limit_ends_the_iteration_and_stays_in_the_stream)
{
    static const struct {
        const char *text;
        size_t limit;
        int lines, result;
    } cases[] = {
        { "abc\nabcd\n", 5, 2, 0 },  { "abc\nabcd\n", 4, 1, -ENOBUFS },
        { "abc\nabcd", 4, 2, 0 },    { "abc\nabcde", 4, 1, -ENOBUFS },
        { "\n\n", 1, 2, 0 },         { "\nx\n", 1, 1, -ENOBUFS },
        { "abc\n", SIZE_MAX, 1, 0 }, { "", 1, 0, 0 },
    };
    for (size_t i = 0; i < countof(cases); i++) {
        int lines;
        async_data_auto rest = NULL;
        make_pair(100);
        expect_ok(await_stream_write(far_end, cases[i].text, strlen(cases[i].text)));
        async_stream_drop(&far_end);
        expect_int(await_longest_line(cases[i].limit, &lines), cases[i].result);
        expect_int(lines, cases[i].lines);
        if (cases[i].result < 0)
            expect_contains(async_fail_text(-ENOBUFS), ".limit of async_lines()");
        expect_ok(await_stream_read_all(near_end, &rest, NULL));
        expect_text(rest, cases[i].result < 0 ? strchr(cases[i].text, '\n') + 1 : "");
        expect_ok(drop_pair());
    }
    return 0;
}

ASYNC_DEF(sends_without_end)
{
    static char block[65536];
    memset(block, 'x', sizeof block);
    for (;;)
        ASYNC_TRY(await_stream_write(far_end, block, sizeof block));
}

LOOP_TEST(peer_that_never_ends_its_line_is_refused_at_one_mebibyte)
{
    int lines;
    make_pair(65536);
    await_task_auto t = async_create_task(sends_without_end());
    expect_int(await_longest_line(0, &lines), -ENOBUFS);
    expect_contains(async_fail_text(-ENOBUFS), "1048576 bytes");
    expect_int(lines, 0);
    await_task_drop(&t);
    return drop_pair();
}

SUITE("read_all", stream_of_any_length_is_read_to_its_end,
      bytes_that_an_earlier_call_has_left_are_part_of_what_is_read,
      more_bytes_than_the_limit_are_refused_and_stay_in_the_stream,
      cancelled_read_to_the_end_consumes_nothing,
      second_reader_is_refused_while_a_task_reads_to_the_end,
      reset_connection_is_not_taken_for_the_end,
      line_beyond_the_limit_ends_the_iteration_and_stays_in_the_stream,
      peer_that_never_ends_its_line_is_refused_at_one_mebibyte)
