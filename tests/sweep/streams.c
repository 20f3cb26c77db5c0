/* SPDX-License-Identifier: MIT */
/* Streams in memory: a read that is cancelled has consumed nothing, so the next one goes on with
 * the next byte. */
#include "scenario.h"

enum { BYTES = 40 };

/* Byte i of all that is sent is i. */
static void fill(char *buf, int from, int n)
{
    for (int i = 0; i < n; i++)
        buf[i] = (char)(from + i);
}

ASYNC_DEF(sends, (async_stream *)s, (int)n, (int)piece)
{
    char buf[BYTES];
    for (int i = 0; i < n; i += piece) {
        fill(buf, i, piece);
        ASYNC_TRY(await_stream_write(s, buf, (size_t)piece));
    }
    return async_stream_write_eof(s);
}

ASYNC_DEF(receives, (async_stream *)s, (int *)total)
{
    char buf[7];
    for (ssize_t n;;) {
        n = await_stream_read(s, buf, sizeof buf);
        if (n <= 0)
            return (int)n;
        for (int i = 0; i < n; i++)
            scenario_expect(buf[i] == *total + i);
        *total += (int)n;
    }
}

SCENARIO(bytes_in_order)
{
    int total = 0;
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b, .room = 5));
    int r = await_gather(NULL, sends(a, BYTES, 8), receives(b, &total));
    scenario_expect(r < 0 || total == BYTES);
    return r;
}

ASYNC_DEF(sends_slowly, (async_stream *)s, (int)n, (int)piece)
{
    char buf[BYTES];
    for (int i = 0; i < n; i += piece) {
        fill(buf, i, piece);
        ASYNC_TRY(await_stream_write(s, buf, (size_t)piece));
        ASYNC_TRY(await_sleep(1));
    }
    return async_stream_write_eof(s);
}

/* The reader loses its patience again and again, and misses nothing. */
SCENARIO(an_impatient_reader)
{
    char buf[8];
    int r = 0, at = 0;
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b, .room = 3));
    await_task_auto t = async_create_task(sends_slowly(a, 24, 4));
    for (int tries = 0; at < 24 && tries < 50; tries++) {
        await_timeout (r, tries % 3 ? 0.6 : 0)
            r = (int)await_stream_readexactly(b, buf, sizeof buf, NULL);
        if (r == -ETIMEDOUT)
            continue;
        if (r < 0)
            return async_task_result(t) == -ENOMEM ? -ENOMEM : r;
        for (int i = 0; i < r; i++)
            scenario_expect(buf[i] == at + i);
        at += r;
    }
    return async_task_result(t) == -ENOMEM ? -ENOMEM : 0;
}

ASYNC_DEF(says_lines, (async_stream *)s, (int)n)
{
    for (int i = 0; i < n; i++) {
        ASYNC_TRY(await_stream_printf(s, "line %d\n", i));
        ASYNC_TRY(await_sleep(i % 2));
    }
    ASYNC_TRY(await_stream_printf(s, "end"));
    return async_stream_write_eof(s);
}

ASYNC_DEF(hears_lines, (async_stream *)s, (int *)lines)
{
    char line[32], wanted[32];
    for (ssize_t n;;) {
        n = await_stream_readline(s, line, sizeof line);
        if (n <= 0)
            return (int)n;
        snprintf(wanted, sizeof wanted, "line %d\n", *lines);
        scenario_expect(!strcmp(line, wanted) || !strncmp("end", line, (size_t)n));
        ++*lines;
    }
}

SCENARIO(lines)
{
    int n = 0;
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b, .room = 10));
    int r = await_gather(NULL, hears_lines(b, &n), says_lines(a, 4));
    scenario_expect(r < 0 || n == 5);
    return r;
}

ASYNC_DEF(sends_text, (async_stream *)s, (const char *)text)
{
    return await_stream_write(s, text, strlen(text));
}

static ssize_t await_text_until(async_stream *s, const char *sep, const char *wanted)
{
    char buf[32];
    ssize_t n = await_stream_readuntil(s, sep, buf, sizeof buf);
    scenario_expect(n < 0 || n == 0 || !strncmp(buf, wanted, (size_t)n));
    return n;
}

ASYNC_DEF(two_texts, (async_stream *)s)
{
    ASYNC_TRY((int)await_text_until(s, "\r\n\r\n", "one\r\n\r\n"));
    ASYNC_TRY((int)await_text_until(s, "\r\n\r\n", "two\r\r\n\r\n"));
    return 0;
}

SCENARIO(separators)
{
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b, .room = 3));
    await_task_auto t = async_create_task(sends_text(a, "one\r\n\r\ntwo\r\r\n\r\nrest"));
    int r = await_wait_for(two_texts(b), 60);
    return r == -ETIMEDOUT && async_task_result(t) < 0 ? async_task_result(t) : r;
}

SCENARIO(a_line_that_is_too_long)
{
    char few[4], all[16];
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b));
    ASYNC_TRY(await_stream_printf(a, "%s", "too long\n"));
    ASYNC_TRY(async_stream_write_eof(a));
    ssize_t n = await_stream_readuntil(b, "\n", few, sizeof few);
    if (n != -ENOBUFS)
        return (int)n;
    n = await_stream_readline(b, all, sizeof all);
    scenario_expect(n < 0 || !strcmp(all, "too long\n"));
    return n < 0 ? (int)n : 0;
}

SCENARIO(a_text_that_needs_memory)
{
    char got[700];
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b));
    ASYNC_TRY(await_stream_printf(a, "%600d", 7));
    size_t n = 0;
    ASYNC_TRY((int)await_stream_readexactly(b, got, 300, &n));
    scenario_expect(n == 300);
    ASYNC_TRY((int)await_stream_readexactly(b, got, 300, &n));
    scenario_expect(got[299] == '7');
    return 0;
}

ASYNC_DEF(answers, (async_stream *)s)
{
    char line[32];
    for (ssize_t n;;) {
        n = await_stream_readline(s, line, sizeof line);
        if (n <= 0)
            return (int)n;
        ASYNC_TRY(await_sleep(1));
        ASYNC_TRY(await_stream_printf(s, "yes: %s", line));
    }
}

SCENARIO(questions_and_answers)
{
    char line[32];
    async_stream_auto client = NULL;
    async_stream_auto server = NULL;
    ASYNC_TRY(async_stream_pair(&client, &server, .room = 6));
    await_task_auto t = async_create_task(answers(server));
    for (int i = 0, r; i < 3; i++) {
        await_timeout (r, 10) {
            r = await_stream_printf(client, "are you there, %d?\n", i);
            if (r == 0)
                r = (int)await_stream_readline(client, line, sizeof line);
        }
        if (r < 0)
            return async_task_result(t) == -ENOMEM ? -ENOMEM : r;
    }
    return await_stream_close(client);
}

ASYNC_DEF(passes_on, (async_stream *)from, (async_stream *)to)
{
    char buf[5];
    for (ssize_t n;;) {
        n = await_stream_read(from, buf, sizeof buf);
        if (n < 0)
            return (int)n;
        if (n == 0)
            return async_stream_write_eof(to);
        ASYNC_TRY(await_stream_write(to, buf, (size_t)n));
    }
}

SCENARIO(a_proxy)
{
    int total = 0;
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    async_stream_auto c = NULL;
    async_stream_auto d = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b, .room = 4));
    ASYNC_TRY(async_stream_pair(&c, &d, .room = 3));
    int r = await_gather(NULL, receives(d, &total), sends(a, BYTES, 5), passes_on(b, c));
    scenario_expect(r < 0 || total == BYTES);
    return r;
}

SCENARIO(both_ways_at_once)
{
    int there = 0, back = 0;
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b, .room = 7));
    int r = await_gather(NULL, sends(a, BYTES, 8), sends(b, BYTES, 4), receives(a, &back),
                         receives(b, &there));
    scenario_expect(r < 0 || (there == BYTES && back == BYTES));
    return r;
}

ASYNC_DEF(reads_for_ever, (async_stream *)s)
{
    char buf[4];
    ssize_t n = await_stream_read(s, buf, sizeof buf);
    scenario_expect(n <= 0);
    return (int)n;
}

SCENARIO(a_stream_that_is_dropped_under_its_reader)
{
    async_stream *a, *b;
    ASYNC_TRY(async_stream_pair(&a, &b));
    await_task_auto t = async_create_task(reads_for_ever(a));
    int r = await_sleep(1);
    async_stream_drop(&a);
    if (r == 0) {
        r = await_task(t);
        scenario_expect(r == -EPIPE || r == -ECANCELED || r == -ENOMEM);
        r = r == -EPIPE ? 0 : r;
    }
    async_stream_drop(&b);
    return r;
}

ASYNC_DEF(sends_some, (async_stream *)s, (int)n)
{
    char buf[BYTES];
    for (int i = 0; i < n;) {
        fill(buf, i, n - i);
        i += (int)ASYNC_TRY(await_stream_write_some(s, buf, (size_t)(n - i)));
    }
    return async_stream_write_eof(s);
}

SCENARIO(short_writes_in_order)
{
    int total = 0;
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b, .room = 7));
    int r = await_gather(NULL, sends_some(a, BYTES), receives(b, &total));
    scenario_expect(r < 0 || total == BYTES);
    return r;
}

/* A write that is cancelled has written nothing, or the call says how much. So a sender can go
 * on. */
SCENARIO(write_some_that_is_cancelled_wrote_nothing)
{
    int total = 0, r = 0;
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b, .room = 4));
    await_task_auto t = async_create_task(receives(b, &total));
    int sent = 0;
    char buf[BYTES];
    for (int tries = 0; sent < BYTES && r == 0 && tries < 4 * BYTES; tries++) {
        fill(buf, sent, BYTES - sent);
        await_timeout (r, tries % 2)
            r = (int)await_stream_write_some(a, buf + 0, (size_t)(BYTES - sent));
        sent += r > 0 ? r : 0;
        r = r > 0 || r == -ETIMEDOUT ? 0 : r;
    }
    async_stream_close(a);
    if (r < 0)
        return r;
    r = await_task(t);
    scenario_expect(r < 0 || total == sent);
    return r;
}

ASYNC_DEF(sends_in_two_parts, (async_stream *)s)
{
    ASYNC_TRY(await_stream_printf(s, "first\nsecond "));
    ASYNC_TRY(await_sleep(2));
    ASYNC_TRY(await_stream_printf(s, "part\nthe rest"));
    return async_stream_write_eof(s);
}

/* A reader with a timeout consumes nothing until the end has come. */
SCENARIO(stream_is_read_to_its_end_after_a_timeout)
{
    int r;
    size_t size = 0;
    async_data_auto text = NULL;
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b, .room = 6));
    await_task_auto t = async_create_task(sends_in_two_parts(a));
    do {
        await_timeout (r, 1.5)
            r = await_stream_read_all(b, &text, &size);
    } while (r == -ETIMEDOUT && !async_task_done(t));
    scenario_expect(r < 0 || (size == 26 && !strcmp(text, "first\nsecond part\nthe rest")));
    return async_task_result(t) == -ENOMEM ? -ENOMEM : r;
}

SCENARIO(lines_and_then_all_that_is_left)
{
    int r, n = 0;
    async_data_auto rest = NULL;
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b, .room = 40));
    ASYNC_TRY(await_stream_printf(a, "one\ntwo\nthree is long\nfour"));
    async_stream_close(a);
    await_for_each (r, line, async_lines(b, .limit = 5)) {
        scenario_expect(!strcmp(line, n == 0 ? "one" : "two"));
        n++;
    }
    scenario_expect(r < 0 && (r != -ENOBUFS || n == 2));
    if (r != -ENOBUFS)
        return r;
    r = await_stream_read_all(b, &rest, NULL);
    scenario_expect(r < 0 || !strcmp(rest, "three is long\nfour"));
    return r;
}

/* --- an adapter's stream, on top of another one --- */

static ssize_t inverted_read(async_stream *s, void *buf, size_t size);
static ssize_t inverted_write(async_stream *s, const void *buf, size_t size);
static int inverted_finish(async_stream *s);
static void inverted_close(async_stream *s);
static void inverted_free(async_stream *s);

static const struct async_stream_ops inverted_ops = { .read = inverted_read,
                                                      .write = inverted_write,
                                                      .finish = inverted_finish,
                                                      .close = inverted_close,
                                                      .free = inverted_free };

static async_stream *inner_of(async_stream *s)
{
    return async_stream_self(s, &inverted_ops);
}

static void invert(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (char)~from[i];
}

static ssize_t inverted_read(async_stream *s, void *buf, size_t size)
{
    ssize_t n = await_stream_read(inner_of(s), buf, size);
    if (n > 0)
        invert(buf, buf, (size_t)n);
    return n;
}

static ssize_t inverted_write(async_stream *s, const void *buf, size_t size)
{
    char piece[4];
    size_t part = size < sizeof piece ? size : sizeof piece;
    invert(piece, buf, part);
    return await_stream_write_some(inner_of(s), piece, part);
}

static int inverted_finish(async_stream *s)
{
    return await_stream_write(inner_of(s), "", 1);
}

static void inverted_close(async_stream *s)
{
    async_stream_close(inner_of(s));
}

static void inverted_free(async_stream *s)
{
    async_stream *inner = inner_of(s);
    async_stream_drop(&inner);
}

/* Put an inverting stream on top of *s, which becomes its own. */
static int put_inverted_on(async_stream **s)
{
    async_stream *outer;
    ASYNC_TRY(async_stream_new(&inverted_ops, *s, &outer));
    *s = outer;
    return 0;
}

ASYNC_DEF(sends_and_says_farewell, (async_stream *)s)
{
    char buf[BYTES];
    fill(buf, 0, BYTES);
    ASYNC_TRY(await_stream_write(s, buf, BYTES));
    return await_stream_close(s);
}

ASYNC_DEF(receives_and_hears_farewell, (async_stream *)s)
{
    char buf[BYTES + 2];
    ASYNC_TRY(await_stream_readexactly(s, buf, 10, NULL));
    ssize_t n = ASYNC_TRY(await_stream_readexactly(s, buf + 10, BYTES - 9, NULL));
    scenario_expect(n == BYTES - 9 && buf[BYTES] == (char)~'\0');
    for (int i = 0; i < BYTES; i++)
        scenario_expect(buf[i] == (char)i);
    return 0;
}

SCENARIO(streams_of_an_adapter)
{
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b, .room = 6));
    ASYNC_TRY(put_inverted_on(&a));
    ASYNC_TRY(put_inverted_on(&b));
    return await_gather(NULL, sends_and_says_farewell(a), receives_and_hears_farewell(b));
}

SCENARIO(a_peer_that_goes)
{
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    ASYNC_TRY(async_stream_pair(&a, &b, .room = 4));
    await_task_auto w = async_create_task(sends(a, BYTES, 8));
    ASYNC_TRY(await_sleep(1));
    ASYNC_TRY(await_stream_close(b));
    int r = await_task(w);
    scenario_expect(r < 0);
    return r == -EPIPE ? 0 : r;
}
