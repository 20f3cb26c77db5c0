/* SPDX-License-Identifier: MIT */
/* Answers in pieces: whole, bounded in memory, cut when they fail, ended when nobody listens. */
#include "harness.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static char bytes[1 << 20];

static void fill(void)
{
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)('a' + i * i % 23);
}

ASYNC_DEF(pieces, (async_web_request *)rq)
{
    ASYNC_TRY(async_web_add_header(rq, "X-Kind", "stream"));
    ASYNC_TRY(await_web_stream_begin(rq, 200, "text/plain"));
    ASYNC_TRY(await_web_write(rq, "one ", 4));
    ASYNC_TRY(await_web_write(rq, "", 0));
    ASYNC_TRY(await_sleep(0.01));
    return await_web_printf(rq, "%s %600d", "two", 3);
}

/* Megabytes, in uneven pieces. */
ASYNC_DEF(plenty, (async_web_request *)rq)
{
    size_t total = (size_t)atoi(async_web_query(rq, "n"));
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL, .size = async_web_query(rq, "sized") ? total : 0));
    for (size_t at = 0, n = 1; at < total; at += n, n = n * 3 + 1) {
        if (n > sizeof bytes - at % sizeof bytes)
            n = sizeof bytes - at % sizeof bytes;
        if (n > total - at)
            n = total - at;
        ASYNC_TRY(await_web_write(rq, bytes + at % sizeof bytes, n));
    }
    return 0;
}

ASYNC_DEF(fails, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL));
    ASYNC_TRY(await_web_write(rq, "half", 4));
    return -EIO;
}

ASYNC_DEF(too_little, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL, .size = 10));
    ck_assert_int_eq(await_web_write(rq, "more than ten", 13), -EMSGSIZE);
    return await_web_write(rq, "five", 4);
}

ASYNC_DEF(too_little_end, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL, .size = 10));
    ASYNC_TRY(await_web_write(rq, "five", 4));
    ck_assert_int_eq(await_web_stream_end(rq), -EPROTO);
    return 0;
}

static int after_end;

ASYNC_DEF(ends, (async_web_request *)rq)
{
    ck_assert_int_eq(await_web_write(rq, "x", 1), -EINVAL);
    ck_assert_int_eq(await_web_stream_end(rq), -EINVAL);
    ck_assert_int_eq(await_web_stream_begin(rq, 99, NULL), -EINVAL);
    ck_assert_int_eq(await_web_stream_begin(rq, 200, "a\nb"), -EINVAL);
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL));
    ck_assert_int_eq(await_web_stream_begin(rq, 200, NULL), -EALREADY);
    ck_assert_int_eq(async_web_add_header(rq, "X-Late", "1"), -EALREADY);
    ck_assert_int_eq(async_web_text(rq, 200, "x"), -EALREADY);
    ASYNC_TRY(await_web_write(rq, "all", 3));
    ASYNC_TRY(await_web_stream_end(rq));
    ck_assert_int_eq(await_web_write(rq, "x", 1), -EPIPE);
    ASYNC_TRY(await_sleep(0.05)); /* nobody waits for us, and nobody cancels us */
    after_end++;
    return 0;
}

static const async_web_route routes[] = {
    { "GET", "/pieces", pieces },
    { "GET", "/plenty", plenty },
    { "GET", "/fails", fails },
    { "GET", "/little", too_little },
    { "GET", "/little-end", too_little_end },
    { "GET", "/ends", ends },
    { 0 },
};

static void ask_pieces(int port, void *arg)
{
    (void)arg;
    struct answer a = ask(port, "GET /pieces HTTP/1.1");
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_header(&a, "X-Kind"), "stream");
    ck_assert_str_eq(answer_header(&a, "Content-Type"), "text/plain");
    ck_assert_str_eq(answer_header(&a, "Transfer-Encoding"), "chunked");
    ck_assert_uint_eq(a.size, 608);
    ck_assert(a.whole && strncmp(a.body, "one two ", 8) == 0);
    free(a.body);
    a = ask(port, "GET /pieces HTTP/1.0"); /* to the end of the connection */
    ck_assert_ptr_null(answer_header(&a, "Transfer-Encoding"));
    ck_assert_uint_eq(a.size, 608);
    free(a.body);
    a = ask(port, "HEAD /pieces HTTP/1.1");
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_header(&a, "X-Kind"), "stream");
    ck_assert_uint_eq(a.size, 0);
    free(a.body);
    a = ask(port, "HEAD /plenty?n=1000&sized HTTP/1.1");
    ck_assert_str_eq(answer_header(&a, "Content-Length"), "1000");
    free(a.body);
    expect(port, 200, "all", "GET /ends HTTP/1.1");
    expect(port, 200, "all", "GET /ends HTTP/1.1");
}

START_TEST(pieces_arrive_whole)
{
    serve(routes, (struct async_web_opts){ 0 }, ask_pieces, NULL);
    ck_assert_int_eq(after_end, 2);
}
END_TEST

static void ask_plenty(int port, void *arg)
{
    (void)arg;
    const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 200000, 9000000 };
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i / 2];
        struct answer a = ask(port, "GET /plenty?n=%zu%s HTTP/1.1", size, i % 2 ? "&sized" : "");
        ck_assert(a.whole);
        ck_assert_uint_eq(a.size, size);
        for (size_t at = 0; at < size; at++)
            if (a.body[at] != bytes[at % sizeof bytes])
                ck_abort_msg("byte %zu of %zu differs", at, size);
        free(a.body);
    }
    int fd = dial(port); /* streams one after the other on one connection */
    for (int i = 0; i < 3; i++) {
        put(fd, "GET /plenty?n=100000 HTTP/1.1\r\nHost: h\r\n\r\n");
        struct answer a = answer_read(fd, false);
        ck_assert(a.whole && a.size == 100000);
        free(a.body);
    }
    close(fd);
}

START_TEST(much_arrives_whole)
{
    fill();
    serve(routes, (struct async_web_opts){ 0 }, ask_plenty, NULL);
}
END_TEST

static void ask_cut(int port, void *arg)
{
    (void)arg;
    const char *paths[] = { "/fails", "/little", "/little-end" };
    for (int i = 0; i < 3; i++) {
        struct answer a = ask(port, "GET %s HTTP/1.1", paths[i]);
        ck_assert_int_eq(a.status, 200);
        ck_assert_msg(!a.whole, "%s", paths[i]);
        free(a.body);
    }
}

START_TEST(a_failed_answer_is_cut)
{
    serve(routes, (struct async_web_opts){ 0 }, ask_cut, NULL);
}
END_TEST

/* --- a client that does not read --- */

static atomic_size_t written;
static atomic_bool begun, ended;
static int result;
static char why[64];

ASYNC_DEF(endless, (async_web_request *)rq)
{
    int r = await_web_stream_begin(rq, 200, NULL);
    begun = true;
    while (r == 0 && written < (size_t)256 << 20)
        if ((r = await_web_write(rq, bytes, 10000)) == 0)
            written += 10000;
    result = r;
    snprintf(why, sizeof why, "%s", async_cancel_cause().why);
    ended = true;
    return r;
}

ASYNC_DEF(quiet, (async_web_request *)rq)
{
    int r = await_web_stream_begin(rq, 200, NULL);
    if (r == 0)
        r = await_web_write(rq, "x", 1);
    begun = true;
    if (r == 0)
        r = await_sleep(20);
    result = r;
    snprintf(why, sizeof why, "%s", async_cancel_cause().why);
    ended = true;
    return r;
}

static const async_web_route long_routes[] = { { "GET", "/endless", endless },
                                               { "GET", "/quiet", quiet },
                                               { 0 } };

static void wait_for(atomic_bool *flag)
{
    for (int i = 0; i < 3000 && !*flag; i++)
        nap(0.01);
    ck_assert(*flag);
}

static void read_nothing(int port, void *arg)
{
    (void)arg;
    int fd = dial(port);
    put(fd, "GET /endless HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&begun);
    size_t before = 1;
    for (int i = 0; i < 100 && before != written; i++) { /* until the sockets are full */
        before = written;
        nap(0.1);
    }
    ck_assert_uint_eq(before, written);
    ck_assert_uint_lt(before, (size_t)64 << 20);
    for (size_t got = 0; got < before + 1000000;) { /* and on, when it is read */
        static char mine[1 << 20];
        ssize_t n = recv(fd, mine, sizeof mine, 0);
        ck_assert_int_gt(n, 0);
        got += (size_t)n;
    }
    ck_assert_uint_gt(written, before);
    ck_assert(!ended);
    close(fd); /* with unread bytes: a reset */
    wait_for(&ended);
}

START_TEST(a_client_that_reads_nothing_is_given_up)
{
    serve(long_routes, (struct async_web_opts){ 0 }, read_nothing, NULL);
    ck_assert(result == -ECANCELED || result == -EPIPE);
    ck_assert_str_eq(why, "the client went away");
}
END_TEST

static void go_away(int port, void *arg)
{
    (void)arg;
    int fd = dial(port);
    put(fd, "GET /quiet HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&begun);
    nap(0.05);
    close(fd);
    wait_for(&ended);
}

START_TEST(a_writer_hears_that_its_client_has_gone)
{
    serve(long_routes, (struct async_web_opts){ 0 }, go_away, NULL);
    ck_assert_int_eq(result, -ECANCELED);
    ck_assert_str_eq(why, "the client went away");
}
END_TEST

/* --- two writers --- */

static int second = 1;

ASYNC_DEF(interrupt, (async_web_request *)rq)
{
    ASYNC_TRY(await_sleep(0.05));
    second = await_web_write(rq, "x", 1);
    return 0;
}

ASYNC_DEF(two_writers, (async_web_request *)rq)
{
    int r;
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL));
    await_group (r, g) {
        async_spawn(g, interrupt(rq));
        for (int i = 0; i < 30; i++)
            ASYNC_TRY(await_web_write(rq, bytes, sizeof bytes));
    }
    return r;
}

static void read_late(int port, void *arg)
{
    (void)arg;
    int fd = dial(port);
    put(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    nap(0.2);
    struct answer a = answer_read(fd, false);
    ck_assert(a.whole);
    ck_assert_uint_eq(a.size, 30 * sizeof bytes);
    free(a.body);
    close(fd);
}

START_TEST(a_second_writer_is_refused)
{
    static const async_web_route both[] = { { "GET", "/", two_writers }, { 0 } };
    serve(both, (struct async_web_opts){ 0 }, read_late, NULL);
    ck_assert_int_eq(second, -EBUSY);
}
END_TEST

SUITE("web-stream", pieces_arrive_whole, much_arrives_whole, a_failed_answer_is_cut,
      a_client_that_reads_nothing_is_given_up, a_writer_hears_that_its_client_has_gone,
      a_second_writer_is_refused)
