/* SPDX-License-Identifier: MIT */
/* Streams of an adapter's own kind, through <asyncio/stream_ops.h>. */
#include "../frame/loop_test.h"

#include <asyncio/testing.h>

#include <ctype.h>

/* --- a stream on top of another one, which waits in read and write --- */

struct upper {
    async_stream *inner;
    int finish_result;
    bool finish_waits; /* for a byte of the peer */
};

static int freed;

static struct upper *upper_of(const async_stream *s);

static ssize_t upper_read(async_stream *s, void *buf, size_t size)
{
    ssize_t n = await_stream_read(upper_of(s)->inner, buf, size);
    for (ssize_t i = 0; i < n; i++)
        ((char *)buf)[i] = (char)toupper(((unsigned char *)buf)[i]);
    return n;
}

static ssize_t upper_write(async_stream *s, const void *buf, size_t size)
{
    char piece[3]; /* short, so that the library must go on */
    size_t part = size < sizeof piece ? size : sizeof piece;
    for (size_t i = 0; i < part; i++)
        piece[i] = (char)toupper(((const unsigned char *)buf)[i]);
    return await_stream_write_some(upper_of(s)->inner, piece, part);
}

static int upper_finish(async_stream *s)
{
    struct upper *u = upper_of(s);
    char c;
    log_event("finish");
    ssize_t r =
            u->finish_waits ? await_stream_readexactly(u->inner, &c, 1, NULL) : u->finish_result;
    return r < 0 ? (int)r : u->finish_result;
}

static int upper_write_eof(async_stream *s)
{
    return async_stream_write_eof(upper_of(s)->inner);
}

static void upper_close(async_stream *s)
{
    log_event("close");
    async_stream_close(upper_of(s)->inner);
}

static void upper_free(async_stream *s)
{
    async_stream_drop(&upper_of(s)->inner);
    freed++;
}

static const struct async_stream_ops upper_ops = { .read = upper_read,
                                                   .write = upper_write,
                                                   .finish = upper_finish,
                                                   .write_eof = upper_write_eof,
                                                   .close = upper_close,
                                                   .free = upper_free };

static struct upper *upper_of(const async_stream *s)
{
    return async_stream_self(s, &upper_ops);
}

/* An upper stream, and the other end of what it is on top of. */
static void upper_open(async_stream **s, async_stream **peer)
{
    static struct upper u;
    freed = 0;
    clear_events();
    u = (struct upper){ 0 };
    expect_ok(async_stream_pair(&u.inner, peer, .room = 16));
    expect_ok(async_stream_new(&upper_ops, &u, s));
    expect_true(upper_of(*s) == &u);
}

ASYNC_DEF(reads, (async_stream *)s, (char *)buf, (size_t)size)
{
    return (int)await_stream_read(s, buf, size);
}

ASYNC_DEF(reads_exactly, (async_stream *)s, (char *)buf, (size_t)size)
{
    return (int)await_stream_readexactly(s, buf, size, NULL);
}

ASYNC_DEF(writes, (async_stream *)s, (const char *)text)
{
    return await_stream_write(s, text, strlen(text));
}

LOOP_TEST(all_functions_of_streams_work_on_an_adapters_stream)
{
    char buf[32] = "";
    int r, lines = 0;
    async_stream_auto s = NULL;
    async_stream_auto peer = NULL;
    upper_open(&s, &peer);
    await_task_auto t = async_create_task(writes(peer, "one\ntwo, three\nfour five\nsix"));
    expect_int(await_stream_read(s, buf, 2), 2);
    expect_int(await_stream_readline(s, buf + 2, sizeof buf - 2), 2);
    expect_text(buf, "ONE\n");
    expect_int(await_stream_readuntil(s, ", ", buf, sizeof buf), 5);
    expect_text(buf, "TWO, ");
    expect_int(await_stream_readexactly(s, buf, 6, NULL), 6);
    expect_ok(memcmp(buf, "THREE\n", 6));
    expect_ok(await_task(t));
    expect_ok(async_stream_write_eof(peer));
    await_for_each (r, line, async_lines(s))
        expect_text(line, lines++ ? "SIX" : "FOUR FIVE");
    expect_ok(r);
    expect_int(lines, 2);
    expect_int(await_stream_read(s, buf, sizeof buf), 0);
    expect_ok(await_stream_printf(s, "answer %d\n", 42));
    expect_int(await_stream_write_some(s, "abcdef", 6), 3);
    expect_int(await_stream_readexactly(peer, buf, 13, NULL), 13);
    expect_ok(memcmp(buf, "ANSWER 42\nABC", 13));
    expect_ok(async_stream_write_eof(s));
    expect_int(await_stream_read(peer, buf, sizeof buf), 0);
    return 0;
}

LOOP_TEST(second_reader_or_writer_is_refused_but_one_of_each_is_not)
{
    char buf[8];
    async_stream_auto s = NULL;
    async_stream_auto peer = NULL;
    upper_open(&s, &peer);
    await_task_auto r = async_create_task(reads(s, buf, sizeof buf));
    await_task_auto w = async_create_task(writes(s, "more than there is room for"));
    expect_ok(await_sleep(1));
    expect_int(await_stream_read(s, buf, 1), -EBUSY);
    expect_int(await_stream_write(s, buf, 1), -EBUSY);
    expect_ok(await_stream_write(peer, "x", 1));
    expect_int(await_task(r), 1);
    expect_false(async_task_done(w));
    return 0;
}

LOOP_TEST(close_wakes_tasks_in_read_and_write_and_frees_after_they_have_returned)
{
    char buf[8];
    async_stream *s;
    async_stream_auto peer = NULL;
    upper_open(&s, &peer);
    await_task_auto r = async_create_task(reads_exactly(s, buf, sizeof buf));
    await_task_auto w = async_create_task(writes(s, "more than there is room for"));
    expect_ok(await_stream_write(peer, "part", 4));
    expect_ok(await_sleep(1));
    async_stream_drop(&s);
    expect_events("close");
    expect_int(freed, 0);
    expect_int(await_task(r), -EPIPE);
    expect_text(async_fail_text(-EPIPE), "the stream was closed on our side");
    expect_int(await_task(w), -EPIPE);
    expect_int(freed, 1);
    return 0;
}

LOOP_TEST(cancelled_readexactly_gives_back_what_an_adapter_has_read)
{
    char buf[8] = "";
    async_stream_auto s = NULL;
    async_stream_auto peer = NULL;
    upper_open(&s, &peer);
    for (int i = 0; i < 2; i++) { /* the second time some bytes are left over before */
        if (i) {
            expect_ok(await_stream_write(peer, "\nxy", 3));
            expect_int(await_stream_readline(s, buf, sizeof buf), 1);
        }
        await_task_auto t = async_create_task(reads_exactly(s, buf, sizeof buf));
        expect_ok(await_sleep(1));
        expect_ok(await_stream_write(peer, "abc", 3));
        expect_ok(await_sleep(1));
        expect_true(async_task_cancel(t));
        expect_int(await_task(t), -ECANCELED);
        expect_int(await_stream_read(s, buf, sizeof buf), i ? 5 : 3);
        expect_ok(memcmp(buf, i ? "XYABC" : "ABC", i ? 5 : 3));
    }
    return 0;
}

/* --- the end in order --- */

ASYNC_DEF(closes, (async_stream *)s)
{
    return await_stream_close(s);
}

LOOP_TEST(await_close_finishes_then_closes)
{
    char c;
    async_stream_auto s = NULL;
    async_stream_auto peer = NULL;
    upper_open(&s, &peer);
    upper_of(s)->finish_waits = true;
    upper_of(s)->finish_result = -EIO;
    await_task_auto t = async_create_task(closes(s));
    expect_ok(await_sleep(1));
    expect_events("finish");
    expect_int(await_stream_read(s, &c, 1), -EPIPE); /* refused meanwhile */
    expect_int(await_stream_write(s, &c, 1), -EPIPE);
    expect_int(async_stream_write_eof(s), -EPIPE);
    expect_ok(await_stream_write(peer, "!", 1));
    expect_int(await_task(t), -EIO);
    expect_events("finish close");
    expect_ok(await_stream_close(s));
    expect_events("finish close");
    async_stream_drop(&s);
    expect_int(freed, 1);
    return 0;
}

LOOP_TEST(cancelled_await_close_still_closes)
{
    async_stream_auto s = NULL;
    async_stream_auto peer = NULL;
    for (int begun = 0; begun < 2; begun++) {
        async_stream_drop(&s);
        async_stream_drop(&peer);
        upper_open(&s, &peer);
        upper_of(s)->finish_waits = true;
        await_task_auto t = async_create_task(closes(s));
        if (begun)
            expect_ok(await_sleep(1));
        else
            async_task_cancel(async_current_task());
        if (begun)
            async_task_cancel(t);
        expect_int(begun ? await_task(t) : await_stream_close(s), -ECANCELED);
        expect_events(begun ? "finish close" : "close");
        if (!begun)
            async_uncancel();
    }
    return 0;
}

LOOP_TEST(drop_while_another_task_finishes_frees_when_that_has_returned)
{
    async_stream *s;
    async_stream_auto peer = NULL;
    upper_open(&s, &peer);
    upper_of(s)->finish_waits = true;
    await_task_auto t = async_create_task(closes(s));
    expect_ok(await_sleep(1));
    async_stream_drop(&s);
    expect_events("finish close");
    expect_int(freed, 0);
    expect_int(await_task(t), -EPIPE);
    expect_int(freed, 1);
    expect_events("finish close");
    return 0;
}

static async_stream *left;
static async_stream *left_peer;

ASYNC_DEF(leaves_one)
{
    upper_open(&left, &left_peer);
    return 0;
}

TEST(drop_after_the_loop_has_closed_closes_and_frees)
{
    capture_stderr_begin();
    expect_ok(async_run(leaves_one()));
    expect_contains(captured_stderr(), "streams in memory open");
    async_stream_drop(&left);
    async_stream_drop(&left_peer);
    expect_events("close");
    expect_int(freed, 1);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

/* --- a stream without a peer, which returns ASYNC_STREAM_WOULD_BLOCK --- */

static struct source {
    async_event ready;
    const char *text; /* to be read */
    int waits, reads;
} source;

static ssize_t source_read(async_stream *s, void *buf, size_t size)
{
    (void)s;
    source.reads++;
    if (!source.text)
        return ASYNC_STREAM_WOULD_BLOCK;
    size_t n = strlen(source.text);
    n = n < size ? n : size;
    memcpy(buf, source.text, n);
    source.text = source.text[n] ? source.text + n : NULL;
    return (ssize_t)n;
}

static int source_wait(async_stream *s, enum async_stream_side side)
{
    (void)s;
    expect_int(side, ASYNC_STREAM_READABLE);
    source.waits++;
    return source.text ? 0 : await_event_wait(&source.ready);
}

static void source_close(async_stream *s)
{
    (void)s;
    async_event_set(&source.ready);
}

static const struct async_stream_ops source_ops = { .read = source_read,
                                                    .wait = source_wait,
                                                    .close = source_close };

static async_stream *source_open(const struct async_stream_ops *ops)
{
    async_stream *s;
    source = (struct source){ 0 };
    expect_ok(async_stream_new(ops, NULL, &s));
    return s;
}

static void source_put(const char *text)
{
    source.text = text;
    async_event_set(&source.ready);
    async_event_clear(&source.ready);
}

LOOP_TEST(would_block_is_followed_by_wait_and_another_attempt)
{
    char buf[16] = "";
    async_stream_auto s = source_open(&source_ops);
    await_task_auto t = async_create_task(reads(s, buf, 3));
    expect_ok(await_sleep(1));
    expect_int(source.reads, 1);
    source_put("abc\ndef");
    expect_int(await_task(t), 3);
    expect_int(source.reads, 2);
    expect_int(source.waits, 1);
    expect_int(await_stream_readline(s, buf, sizeof buf), 1);
    expect_int(await_stream_readexactly(s, buf, 3, NULL), 3);
    expect_ok(memcmp(buf, "def", 3));
    await_task_auto u = async_create_task(reads_exactly(s, buf, 5));
    expect_ok(await_sleep(1));
    source_put("123");
    expect_ok(await_sleep(1));
    expect_true(async_task_cancel(u));
    expect_int(await_task(u), -ECANCELED);
    expect_int(await_stream_read(s, buf, 5), 3);
    await_task_auto v = async_create_task(reads(s, buf, 3));
    expect_ok(await_sleep(1));
    async_stream_close(s);
    expect_int(await_task(v), -EPIPE);
    return 0;
}

/* It may have returned success, because what it waited for had happened: nothing is consumed all
 * the same. */
LOOP_TEST(reader_that_is_cancelled_after_its_wait_consumes_nothing)
{
    char buf[16];
    async_stream_auto s = source_open(&source_ops);
    await_task_auto t = async_create_task(reads(s, buf, 3));
    expect_ok(await_sleep(1));
    source_put("abc");
    expect_true(async_task_cancel(t));
    expect_int(await_task(t), -ECANCELED);
    expect_int(await_stream_read(s, buf, sizeof buf), 3);
    return 0;
}

LOOP_TEST(operations_that_are_missing_are_refused)
{
    static const struct async_stream_ops one_way = { .read = source_read, .close = source_close };
    static const struct async_stream_ops other_way = { .write = upper_write,
                                                       .close = source_close };
    static const struct async_stream_ops no_close = { .read = source_read };
    static const struct async_stream_ops no_side = { .close = source_close };
    char buf[4];
    async_stream *none = NULL;
    async_stream_auto in = source_open(&one_way);
    async_stream_auto out = source_open(&other_way);
    expect_int(await_stream_write(in, "x", 1), -EBADF);
    expect_int(await_stream_read(out, buf, 1), -EBADF);
    expect_int(async_stream_write_eof(in), -ENOTSUP);
    expect_int(await_stream_read(in, buf, 1), -EINVAL); /* would block */
    expect_contains(async_fail_text(-EINVAL), "wait");
    expect_int(async_stream_new(&no_close, NULL, &none), -EINVAL);
    expect_int(async_stream_new(&no_side, NULL, &none), -EINVAL);
    expect_true(!none && !async_stream_self(in, &upper_ops) &&
                !async_stream_self(NULL, &upper_ops));
    return 0;
}

LOOP_TEST(exclusive_stream_refuses_a_writer_while_a_task_reads)
{
    static const struct async_stream_ops ops = { .read = source_read,
                                                 .write = upper_write,
                                                 .wait = source_wait,
                                                 .close = source_close,
                                                 .exclusive = true };
    char buf[4];
    async_stream_auto s = source_open(&ops);
    await_task_auto t = async_create_task(reads(s, buf, 1));
    expect_ok(await_sleep(1));
    expect_int(await_stream_write(s, "x", 1), -EBUSY);
    source_put("y");
    expect_int(await_task(t), 1);
    return 0;
}

/* Like the position of a file. */
static void source_unread(async_stream *s, size_t n)
{
    (void)s;
    source.text = source.text ? source.text - n : &"abc"[3 - n];
}

LOOP_TEST(cancelled_readexactly_uses_unread_where_there_is_one)
{
    static const struct async_stream_ops ops = { .read = source_read,
                                                 .wait = source_wait,
                                                 .close = source_close,
                                                 .unread = source_unread };
    char buf[8];
    async_stream_auto s = source_open(&ops);
    await_task_auto t = async_create_task(reads_exactly(s, buf, 8));
    expect_ok(await_sleep(1));
    source_put("abc");
    expect_ok(await_sleep(1));
    expect_true(async_task_cancel(t));
    expect_int(await_task(t), -ECANCELED);
    expect_text(source.text, "abc");
    expect_int(await_stream_read(s, buf, 8), 3);
    return 0;
}

/* --- fairness --- */

static ssize_t endless_read(async_stream *s, void *buf, size_t size)
{
    (void)s, (void)size;
    *(char *)buf = 'x';
    return 1;
}

static ssize_t endless_write(async_stream *s, const void *buf, size_t size)
{
    (void)s, (void)buf;
    return size > 0;
}

static const struct async_stream_ops endless_ops = { .read = endless_read,
                                                     .write = endless_write,
                                                     .close = source_close };

static int turns;

ASYNC_DEF(takes_turns)
{
    for (;; turns++)
        ASYNC_TRY(await_sleep(0));
}

LOOP_TEST(long_call_that_never_waits_lets_others_run)
{
    enum { LONG = 1280 };
    char buf[LONG];
    async_stream_auto s = source_open(&endless_ops);
    await_task_auto t = async_create_task(takes_turns());
    expect_int(await_stream_readexactly(s, buf, LONG, NULL), LONG);
    expect_true(turns >= LONG / 128 - 1);
    turns = 0;
    expect_ok(await_stream_write(s, buf, LONG));
    expect_true(turns >= LONG / 128 - 1);
    turns = 0;
    expect_int(await_stream_readline(s, buf, LONG), -ENOBUFS);
    expect_true(turns >= LONG / 128 - 1);
    return 0;
}

ASYNC_DEF(closes_soon, (async_stream *)s)
{
    ASYNC_TRY(await_sleep(0));
    async_stream_close(s);
    return 0;
}

LOOP_TEST(stream_closed_while_others_run_ends_a_call_that_never_waits)
{
    char buf[1280];
    for (int i = 0; i < 3; i++) {
        async_stream_auto s = source_open(&endless_ops);
        await_task_auto t = async_create_task(closes_soon(s));
        expect_int(i == 0   ? await_stream_readexactly(s, buf, sizeof buf, NULL)
                   : i == 1 ? await_stream_readline(s, buf, sizeof buf)
                            : await_stream_write(s, buf, sizeof buf),
                   -EPIPE);
    }
    return 0;
}

TEST(no_stream_without_a_loop)
{
    async_stream *s = NULL;
    capture_stderr_begin();
    expect_int(async_stream_new(&source_ops, NULL, &s), -EPERM);
    expect_contains(captured_stderr(), "async_stream_new() on a thread without a loop");
    capture_stderr_end();
}

/* --- a stream of which one byte at a time is read ahead --- */

static const char *letters;

static ssize_t letters_read(async_stream *s ASYNC_UNUSED, void *buf, size_t size)
{
    expect_true(size > 0);
    if (!*letters)
        return 0;
    *(char *)buf = *letters++;
    return 1;
}

static void letters_close(async_stream *s ASYNC_UNUSED) {}

LOOP_TEST(one_byte_read_ahead_is_enough_for_lines)
{
    static const struct async_stream_ops ops = { .read = letters_read,
                                                 .close = letters_close,
                                                 .read_ahead = 1 };
    char line[8];
    async_data_auto rest = NULL;
    async_stream_auto s = NULL;
    letters = "ab\ncd\n";
    expect_ok(async_stream_new(&ops, NULL, &s));
    expect_int(await_stream_readline(s, line, sizeof line), 3);
    expect_text(line, "ab\n");
    expect_ok(await_stream_read_all(s, &rest, NULL));
    expect_text(rest, "cd\n");
    return 0;
}

SUITE("stream_ops", all_functions_of_streams_work_on_an_adapters_stream,
      second_reader_or_writer_is_refused_but_one_of_each_is_not,
      close_wakes_tasks_in_read_and_write_and_frees_after_they_have_returned,
      cancelled_readexactly_gives_back_what_an_adapter_has_read, await_close_finishes_then_closes,
      cancelled_await_close_still_closes,
      drop_while_another_task_finishes_frees_when_that_has_returned,
      drop_after_the_loop_has_closed_closes_and_frees,
      would_block_is_followed_by_wait_and_another_attempt,
      reader_that_is_cancelled_after_its_wait_consumes_nothing,
      operations_that_are_missing_are_refused, exclusive_stream_refuses_a_writer_while_a_task_reads,
      cancelled_readexactly_uses_unread_where_there_is_one,
      long_call_that_never_waits_lets_others_run,
      stream_closed_while_others_run_ends_a_call_that_never_waits, no_stream_without_a_loop,
      one_byte_read_ahead_is_enough_for_lines)
