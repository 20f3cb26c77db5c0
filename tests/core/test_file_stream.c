/* SPDX-License-Identifier: MIT */
/* Files as streams, and the lines of streams. Run once for each engine. */
#include "files.h"

#include <asyncio/testing.h>

FILES(a_file_is_read_as_a_stream)
{
    char buf[64];
    size_t got = 0;
    async_stream_auto s = NULL;
    put("a", "first line\nsecond;third\nrest and last");
    expect_ok(await_open_file("a", "r", &s));
    expect_int(await_stream_readline(s, buf, sizeof buf), 11);
    expect_text(buf, "first line\n");
    expect_int(async_stream_tell(s), 11);
    expect_int(await_stream_readuntil(s, ";", buf, sizeof buf), 7);
    expect_int(await_stream_read(s, buf, 3), 3);
    expect_ok(memcmp(buf, "thi", 3));
    expect_int(await_stream_readline(s, buf, 3), -ENOBUFS);
    expect_int(await_stream_readline(s, buf, sizeof buf), 3);
    expect_int(await_stream_readexactly(s, buf, 4, NULL), 4);
    expect_int(await_stream_readexactly(s, buf, 64, &got), -ENODATA);
    expect_int(got, 9);
    expect_ok(memcmp(buf, " and last", 9));
    expect_int(await_stream_read(s, buf, sizeof buf), 0);
    expect_int(await_stream_readline(s, buf, sizeof buf), 0);
    expect_int(async_stream_tell(s), 37);
    expect_ok(await_stream_close(s));
    expect_int(await_stream_read(s, buf, 1), -EPIPE);
    expect_contains(async_fail_text(-EPIPE), "closed on our side");
    expect_ok(await_stream_close(s));
    return 0;
}

FILES(read_after_the_end_returns_what_was_appended_since)
{
    char buf[64];
    int r, lines = 0;
    async_stream_auto s = NULL;
    put("a", "one\n");
    expect_ok(await_open_file("a", "r", &s));
    await_for_each (r, line, async_lines(s))
        lines++;
    expect_ok(r);
    expect_int(await_stream_read(s, buf, sizeof buf), 0);
    put("a", "one\ntwo\nthree\n");
    await_for_each (r, line, async_lines(s)) {
        expect_text(line, lines == 1 ? "two" : "three");
        lines++;
    }
    expect_ok(r);
    expect_int(lines, 3);
    return 0;
}

FILES(a_file_is_written_as_a_stream)
{
    async_stream_auto s = NULL;
    char longer[2000];
    put("a", "longer than before");
    expect_ok(await_open_file("a", "w", &s));
    expect_ok(await_stream_write(s, "one\n", 4));
    expect_ok(await_stream_printf(s, "%d and %s\n", 2, "three"));
    expect_ok(await_stream_write(s, "", 0));
    expect_text(content("a"), "one\n2 and three\n");
    memset(longer, 'x', sizeof longer);
    expect_ok(await_stream_printf(s, "%.*s", (int)sizeof longer, longer));
    expect_int(strlen(content("a")), 16 + sizeof longer);
    expect_int(await_stream_read(s, longer, 1), -EBADF);
    expect_int(async_stream_write_eof(s), -ENOTSUP);
    return await_stream_close(s);
}

FILES(the_modes_are_those_of_fopen)
{
    async_stream_auto s = NULL;
    char buf[16] = "";
    put("a", "old");
    expect_ok(await_open_file("a", "ab", &s));
    expect_ok(await_stream_write(s, "+", 1));
    async_stream_drop(&s);
    expect_text(content("a"), "old+");
    expect_ok(await_open_file("a", "r+", &s));
    expect_ok(await_stream_write(s, "n", 1));
    async_stream_drop(&s);
    expect_text(content("a"), "nld+");
    expect_ok(await_open_file("a", "w+", &s));
    expect_ok(await_stream_write(s, "new", 3));
    expect_ok(async_stream_seek(s, 1));
    expect_int(await_stream_read(s, buf, 16), 2);
    async_stream_drop(&s);
    expect_ok(await_open_file("b", "wx", &s));
    async_stream_drop(&s);
    expect_int(await_open_file("b", "wx", &s), -EEXIST);
    expect_int(await_open_file("c", "r+", &s), -ENOENT);
    expect_text(async_fail_text(-ENOENT), "cannot open c: No such file or directory");
    static const char *const wrong[] = { "", "q", "rw", "rx", "r,ccs=x" };
    for (size_t i = 0; i < countof(wrong); i++)
        expect_int(await_open_file("a", wrong[i], &s), -EINVAL);
    expect_text(async_fail_text(-EINVAL), "cannot open a: there is no mode \"r,ccs=x\"");
    expect_int(await_open_file(place, "r", &s), -EISDIR);
    expect_int(await_open_file("a/b", "w", &s), -ENOTDIR);
    expect_true(!s);
    return 0;
}

FILES(one_position_serves_reading_and_writing)
{
    async_stream_auto s = NULL;
    char buf[64];
    put("a", "one\ntwo\nthree\n");
    expect_ok(await_open_file("a", "r+", &s));
    expect_int(await_stream_readline(s, buf, sizeof buf), 4);
    expect_ok(await_stream_write(s, "TWO", 3)); /* although more has been read ahead */
    expect_int(async_stream_tell(s), 7);
    expect_int(await_stream_readline(s, buf, sizeof buf), 1);
    expect_int(await_stream_readline(s, buf, sizeof buf), 6);
    expect_text(content("a"), "one\nTWO\nthree\n");
    expect_ok(async_stream_seek(s, 20));
    expect_ok(await_stream_write(s, "!", 1));
    expect_int(async_stream_tell(s), 21);
    expect_ok(async_stream_seek(s, 0));
    expect_int(await_stream_readexactly(s, buf, 21, NULL), 21);
    expect_ok(memcmp(buf + 14, "\0\0\0\0\0\0!", 7));
    expect_int(async_stream_seek(s, -1), -EINVAL);
    expect_contains(async_fail_text(-EINVAL), "cannot seek before the beginning of ");
    return 0;
}

FILES(appending_leaves_the_position_alone)
{
    async_stream_auto s = NULL;
    char buf[64];
    put("a", "one\ntwo\n");
    expect_ok(await_open_file("a", "a+", &s));
    expect_int(await_stream_readline(s, buf, sizeof buf), 4);
    expect_ok(await_stream_write(s, "three\n", 6));
    expect_int(async_stream_tell(s), 4);
    expect_int(await_stream_readline(s, buf, sizeof buf), 4);
    expect_text(buf, "two\n");
    expect_int(await_stream_readline(s, buf, sizeof buf), 6);
    expect_text(buf, "three\n");
    return 0;
}

FILES(a_position_may_be_beyond_4_GiB)
{
    const int64_t far = (INT64_C(1) << 32) + 5;
    async_stream_auto s = NULL;
    char buf[16];
    expect_ok(await_open_file("a", "w+", &s));
    expect_ok(async_stream_seek(s, far));
    expect_ok(await_stream_write(s, "one\ntwo\n", 8));
    expect_int(async_stream_tell(s), far + 8);
    expect_ok(async_stream_seek(s, far + 4));
    expect_int(await_stream_readline(s, buf, sizeof buf), 4);
    expect_text(buf, "two\n");
    expect_int(async_stream_tell(s), far + 8);
    return 0;
}

FILES(only_files_have_a_position)
{
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    expect_ok(async_stream_pair(&a, &b));
    expect_int(async_stream_seek(a, 0), -ESPIPE);
    expect_int(async_stream_tell(a), -ESPIPE);
    return 0;
}

ASYNC_DEF(reads_some, (async_stream *)s, (char *)buf, (size_t)size)
{
    return (int)await_stream_read(s, buf, size);
}

ASYNC_DEF(reads_a_line, (async_stream *)s, (char *)buf, (size_t)size)
{
    return (int)await_stream_readline(s, buf, size);
}

FILES(second_task_is_refused_while_one_reads_or_writes)
{
    char buf[8];
    async_stream_auto s = NULL;
    put("a", "text");
    expect_ok(await_open_file("a", "r+", &s));
    await_task_auto t = async_create_task(reads_some(s, buf, 4));
    expect_ok(await_sleep(0));
    if (!async_task_done(t)) { /* it may be quick */
        expect_int(await_stream_read(s, buf, 1), -EBUSY);
        expect_int(await_stream_write(s, "x", 1), -EBUSY);
        expect_int(async_stream_seek(s, 0), -EBUSY);
    }
    expect_int(await_task(t), 4);
    return 0;
}

FILES(reader_of_a_stream_that_is_closed_gets_epipe)
{
    static char buf[100000];
    memset(buf, 'x', sizeof buf);
    for (int i = 0; i < 20; i++) {
        async_stream_auto s = NULL;
        expect_ok(await_write_file("a", buf, sizeof buf));
        expect_ok(await_open_file("a", "r", &s));
        await_task_auto t = async_create_task(i % 2 ? reads_some(s, buf, sizeof buf)
                                                    : reads_a_line(s, buf, sizeof buf));
        expect_ok(await_sleep(0));
        bool over = async_task_done(t);
        if (i % 4 < 2)
            async_stream_drop(&s);
        else
            expect_ok(await_stream_close(s));
        int r = await_task(t);
        expect_true(r == -EPIPE || over || (i % 4 >= 2 && r > 0) || r == -ENOBUFS);
    }
    return 0;
}

/* Whatever a cancelled call has not given is given by the next one. */
FILES(a_cancelled_read_consumes_nothing)
{
    enum { LINES = 4000 };
    static char text[LINES * 8 + 1], buf[64];
    size_t end = 0;
    for (int i = 0; i < LINES; i++)
        end += (size_t)sprintf(text + end, "%07d\n", i);
    expect_ok(await_write_file("a", text, end));
    async_stream_auto s = NULL;
    expect_ok(await_open_file("a", "r", &s));
    for (int i = 0; i < LINES;) {
        await_task_auto t = async_create_task(reads_a_line(s, buf, sizeof buf));
        for (int k = 0; k < i % 3; k++)
            expect_ok(await_sleep(0));
        async_task_cancel(t);
        int r = await_task(t);
        if (r == -ECANCELED) {
            r = (int)await_stream_readexactly(s, buf, 8, NULL);
            buf[8] = '\0';
        }
        expect_int(r, 8);
        expect_int(atoi(buf), i++);
    }
    return 0;
}

/* --- lines --- */

FILES(lines_of_a_file_are_read_one_by_one)
{
    async_stream_auto s = NULL;
    int r, n = 0;
    char *longest = malloc(100001);
    memset(longest, 'y', 100000);
    longest[100000] = '\0';
    FILE *f = fopen("a", "we");
    fprintf(f, "one\n\nthree\n%s\nlast", longest);
    expect_ok(fclose(f));
    expect_ok(await_open_file("a", "r", &s));
    const char *const expected[] = { "one", "", "three", longest, "last" };
    await_for_each (r, line, async_lines(s)) {
        expect_true(n < 5);
        expect_text(line, expected[n]);
        n++;
    }
    expect_ok(r);
    expect_int(n, 5);
    expect_ok(async_stream_seek(s, 0));
    await_for_each (r, line, async_lines(s))
        if (!strcmp(line, "three"))
            break;
    expect_ok(r);
    expect_int(async_stream_tell(s), 11); /* the rest is there for the next call */
    await_for_each (r, line, async_lines(s)) {
        expect_text(line, longest);
        break;
    }
    free(longest);
    return 0;
}

FILES(lines_of_any_stream_are_read_one_by_one)
{
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    int r, n = 0;
    expect_ok(async_stream_pair(&a, &b));
    expect_ok(await_stream_write(a, "x\ny\nz", 5));
    async_stream_drop(&a);
    await_for_each (r, line, async_lines(b))
        expect_int(line[0], 'x' + n++);
    expect_ok(r);
    expect_int(n, 3);
    return 0;
}

/* --- a file into a stream --- */

ASYNC_DEF(sends, (async_stream *)s, (async_file *)f, (int64_t)offset, (int64_t)size, (int64_t *)ret)
{
    *ret = await_stream_sendfile(s, f, offset, size);
    return 0;
}

FILES(a_file_is_sent_into_a_stream)
{
    enum { SIZE = 300000 };
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    async_file_auto f = NULL;
    char *data = malloc(SIZE), *back = malloc(SIZE);
    int64_t sent = -1;
    for (int i = 0; i < SIZE; i++)
        data[i] = (char)(i * 7 + i / 251);
    expect_ok(await_temporary_file(place, &f));
    expect_ok(await_pwrite(f, data, SIZE, 0));
    expect_ok(async_stream_pair(&a, &b));
    await_task_auto t = async_create_task(sends(a, f, 10, INT64_MAX, &sent));
    expect_int(await_stream_readexactly(b, back, SIZE - 10, NULL), SIZE - 10);
    expect_ok(await_task(t));
    expect_int(sent, SIZE - 10);
    expect_ok(memcmp(back, data + 10, SIZE - 10));
    expect_int(await_stream_sendfile(a, f, 5, 3), 3);
    expect_int(await_stream_sendfile(a, f, SIZE, 3), 0);
    expect_int(await_stream_sendfile(a, f, 5, 0), 0);
    expect_int(await_stream_readexactly(b, back, 3, NULL), 3);
    expect_ok(memcmp(back, data + 5, 3));
    free(data);
    free(back);
    return 0;
}

/* The file has three pieces, and the task waits in the stream or in the file when both go. */
FILES(file_dropped_while_it_is_sent_is_sent_to_its_end)
{
    enum { SIZE = 150000 };
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    async_file *f = NULL;
    char *back = malloc(SIZE);
    int64_t sent = -1;
    expect_ok(await_temporary_file(place, &f));
    expect_ok(await_ftruncate(f, SIZE));
    expect_ok(async_stream_pair(&a, &b));
    await_task_auto t = async_create_task(sends(a, f, 0, INT64_MAX, &sent));
    expect_int(await_stream_readexactly(b, back, 10, NULL), 10);
    async_file_drop(&f);
    expect_int(await_stream_readexactly(b, back, SIZE - 10, NULL), SIZE - 10);
    expect_ok(await_task(t));
    expect_int(sent, SIZE);
    free(back);
    return 0;
}

FILES(stream_dropped_while_a_file_is_sent_ends_the_call_with_epipe)
{
    for (int i = 0; i < 2; i++) {
        async_stream *a = NULL;
        async_stream_auto b = NULL;
        async_file_auto f = NULL;
        char c;
        int64_t sent = 0;
        expect_ok(await_temporary_file(place, &f));
        expect_ok(await_ftruncate(f, 150000));
        expect_ok(async_stream_pair(&a, &b));
        await_task_auto t = async_create_task(sends(a, f, 0, INT64_MAX, &sent));
        expect_ok(await_sleep(0));
        if (i) /* the task waits in the stream, not in the file */
            expect_int(await_stream_readexactly(b, &c, 1, NULL), 1);
        async_stream_drop(&a);
        expect_ok(await_task(t));
        expect_int(sent, -EPIPE);
    }
    return 0;
}

FILES(a_file_is_sent_into_a_file)
{
    async_stream_auto s = NULL;
    async_file_auto f = NULL;
    put("a", "some text");
    expect_ok(await_open("a", O_RDONLY, &f));
    expect_ok(await_open_file("b", "w", &s));
    expect_int(await_stream_sendfile(s, f, 5, 100), 4);
    expect_int(await_stream_sendfile(s, f, 0, 4), 4);
    expect_text(content("b"), "textsome");
    return 0;
}

FILES(message_names_the_file_that_cannot_be_sent)
{
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    async_file_auto f = NULL;
    int r, inner = 0;
    put("a", "some text");
    expect_ok(await_open("a", O_RDONLY, &f));
    expect_ok(async_stream_pair(&a, &b));
    expect_int(await_stream_sendfile(a, f, 0, -1), -EINVAL);
    expect_text(async_fail_text(-EINVAL), "cannot send a: Invalid argument");
    await_timeout (r, 0)
        inner = (int)await_stream_sendfile(a, f, 0, 4);
    expect_int(inner, -ECANCELED);
    async_stream_drop(&b);
    expect_int(await_stream_sendfile(a, f, 0, 4), -EPIPE);
    expect_ok(await_close(f));
    expect_int(await_stream_sendfile(a, f, 0, 4), -EBADF);
    expect_text(async_fail_text(-EBADF), "cannot read a: Bad file descriptor");
    return 0;
}

SUITE("file_stream", a_file_is_read_as_a_stream, a_file_is_written_as_a_stream,
      read_after_the_end_returns_what_was_appended_since, the_modes_are_those_of_fopen,
      one_position_serves_reading_and_writing, appending_leaves_the_position_alone,
      a_position_may_be_beyond_4_GiB, only_files_have_a_position,
      second_task_is_refused_while_one_reads_or_writes,
      reader_of_a_stream_that_is_closed_gets_epipe, a_cancelled_read_consumes_nothing,
      lines_of_a_file_are_read_one_by_one, lines_of_any_stream_are_read_one_by_one,
      a_file_is_sent_into_a_stream, file_dropped_while_it_is_sent_is_sent_to_its_end,
      stream_dropped_while_a_file_is_sent_ends_the_call_with_epipe, a_file_is_sent_into_a_file,
      message_names_the_file_that_cannot_be_sent)
