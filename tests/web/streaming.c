/* SPDX-License-Identifier: MIT */
/* Streamed responses: complete, bounded in memory, and cut off if they fail. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static char bytes[1 << 20];

static void fill_bytes(void)
{
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)('a' + i * i % 23);
}

ASYNC_DEF(pieces, (async_web_request *)rq)
{
    const char *status = async_web_query(rq, "status");
    ASYNC_TRY(async_web_add_header(rq, "X-Kind", "stream"));
    ASYNC_TRY(await_web_stream_begin(rq, status ? atoi(status) : 200, "text/plain"));
    ASYNC_TRY(await_web_write(rq, "one ", 4));
    ASYNC_TRY(await_web_write(rq, "", 0));
    ASYNC_TRY(await_sleep(0.001));
    return await_web_printf(rq, "%s %600d", "two", 3);
}

/* Stream ?n= bytes in pieces of all sizes. */
ASYNC_DEF(many, (async_web_request *)rq)
{
    size_t total = (size_t)atoi(async_web_query(rq, "n"));
    uint64_t size = async_web_query(rq, "sized") ? total : 0;
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL, .size = size));
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

ASYNC_DEF(too_short, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL, .size = 10));
    expect_int(await_web_write(rq, "more than ten", 13), -EMSGSIZE);
    return await_web_write(rq, "five", 4);
}

ASYNC_DEF(ends_too_short, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL, .size = 10));
    ASYNC_TRY(await_web_write(rq, "five", 4));
    expect_int(await_web_stream_end(rq), -EPROTO);
    return 0;
}

static int after_end;

ASYNC_DEF(goes_on_after_end, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL));
    ASYNC_TRY(await_web_write(rq, "all", 3));
    ASYNC_TRY(await_web_stream_end(rq));
    expect_int(await_web_write(rq, "x", 1), -EPIPE);
    for (int i = 0; i < 20; i++) /* the client goes away meanwhile, which must not cancel this */
        ASYNC_TRY(await_sleep(0.001));
    after_end++;
    return 0;
}

ASYNC_DEF(misuses, (async_web_request *)rq)
{
    expect_int(await_web_write(rq, "x", 1), -EINVAL);
    expect_int(await_web_stream_end(rq), -EINVAL);
    expect_int(await_web_stream_begin(rq, 99, NULL), -EINVAL);
    expect_int(await_web_stream_begin(rq, 200, "a\nb"), -EINVAL);
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL));
    expect_int(await_web_stream_begin(rq, 200, NULL), -EALREADY);
    expect_int(async_web_add_header(rq, "X-Late", "1"), -EALREADY);
    expect_int(async_web_text(rq, 200, "x"), -EALREADY);
    return await_web_write(rq, "all", 3);
}

static const async_web_route routes[] = {
    { "GET", "/pieces", pieces },
    { "GET", "/many", many },
    { "GET", "/fails", fails },
    { "GET", "/short", too_short },
    { "GET", "/ends-short", ends_too_short },
    { "GET", "/goes-on", goes_on_after_end },
    { "GET", "/misuses", misuses },
    { 0 },
};

static void request_pieces(int port, void *arg)
{
    (void)arg;
    struct response r = request(port, "GET /pieces HTTP/1.1");
    expect_int(r.status, 200);
    expect_text(response_header(&r, "X-Kind"), "stream");
    expect_text(response_header(&r, "Content-Type"), "text/plain");
    expect_text(response_header(&r, "Transfer-Encoding"), "chunked");
    expect_int(r.size, 608);
    expect_true(r.complete && strncmp(r.body, "one two ", 8) == 0);
    free(r.body);
    r = request(port, "GET /pieces HTTP/1.0"); /* its end is that of the connection */
    expect_null(response_header(&r, "Transfer-Encoding"));
    expect_int(r.size, 608);
    free(r.body);
}

TEST(pieces_arrive_in_chunks_or_up_to_the_end)
{
    serve(routes, (struct async_web_opts){ 0 }, request_pieces, NULL);
}

static void request_head(int port, void *arg)
{
    (void)arg;
    struct response r = request(port, "HEAD /pieces HTTP/1.1");
    expect_int(r.status, 200);
    expect_text(response_header(&r, "X-Kind"), "stream");
    expect_ok(r.size);
    free(r.body);
    r = request(port, "HEAD /many?n=1000&sized HTTP/1.1");
    expect_text(response_header(&r, "Content-Length"), "1000");
    free(r.body);
}

static void expect_nothing_after_head(int port, const char *request_line)
{
    int fd = connect_to(port);
    send_text(fd, "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", request_line);
    struct response r = read_head_response(fd);
    expect_true(r.complete);
    expect_that(reads_end(fd), "%s: bytes after the headers", request_line);
    free(r.body);
    close(fd);
}

/* A client would take such bytes for the beginning of the next response. */
static void request_without_body(int port, void *arg)
{
    (void)arg;
    expect_nothing_after_head(port, "HEAD /pieces");
    expect_nothing_after_head(port, "HEAD /many?n=100000");
    expect_nothing_after_head(port, "HEAD /many?n=100000&sized");
    expect_nothing_after_head(port, "GET /pieces?status=304");
    expect_nothing_after_head(port, "GET /pieces?status=204");
}

TEST(stream_without_a_body_sends_nothing_after_its_headers)
{
    serve(routes, (struct async_web_opts){ 0 }, request_without_body, NULL);
}

TEST(head_of_a_stream_has_headers_only)
{
    serve(routes, (struct async_web_opts){ 0 }, request_head, NULL);
}

static void request_ends(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "all", "GET /goes-on HTTP/1.1");
    expect_response(port, 200, "all", "GET /goes-on HTTP/1.1");
}

TEST(handler_goes_on_after_the_end_of_its_stream)
{
    serve(routes, (struct async_web_opts){ 0 }, request_ends, NULL);
    expect_int(after_end, 2);
}

static void request_misuse(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "all", "GET /misuses HTTP/1.1");
}

TEST(stream_that_has_begun_refuses_other_responses)
{
    serve(routes, (struct async_web_opts){ 0 }, request_misuse, NULL);
}

static void request_many(int port, void *arg)
{
    (void)arg;
    const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 200000, 9000000 };
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i / 2];
        struct response r =
                request(port, "GET /many?n=%zu%s HTTP/1.1", size, i % 2 ? "&sized" : "");
        expect_true(r.complete);
        expect_int(r.size, size);
        for (size_t at = 0; at < size; at++)
            if (r.body[at] != bytes[at % sizeof bytes])
                fail_test("byte %zu of %zu differs", at, size);
        free(r.body);
    }
}

TEST(stream_of_any_size_arrives_complete)
{
    fill_bytes();
    serve(routes, (struct async_web_opts){ 0 }, request_many, NULL);
}

static void request_one_after_the_other(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    for (int i = 0; i < 3; i++) {
        send_text(fd, "GET /many?n=100000 HTTP/1.1\r\nHost: h\r\n\r\n");
        struct response r = read_response(fd);
        expect_true(r.complete && r.size == 100000);
        free(r.body);
    }
    close(fd);
}

TEST(connection_carries_several_streams)
{
    serve(routes, (struct async_web_opts){ 0 }, request_one_after_the_other, NULL);
}

static void request_cut(int port, void *arg)
{
    (void)arg;
    const char *paths[] = { "/fails", "/short", "/ends-short" };
    for (int i = 0; i < 3; i++) {
        struct response r = request(port, "GET %s HTTP/1.1", paths[i]);
        expect_int(r.status, 200);
        expect_that(!r.complete, "%s", paths[i]);
        free(r.body);
    }
}

TEST(failed_or_short_stream_is_cut_off)
{
    serve(routes, (struct async_web_opts){ 0 }, request_cut, NULL);
}

/* --- two writers --- */

static int second_writer = 1;

ASYNC_DEF(write_meanwhile, (async_web_request *)rq)
{
    second_writer = await_web_write(rq, "x", 1);
    return 0;
}

ASYNC_DEF(two_writers, (async_web_request *)rq)
{
    int r;
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL));
    await_group (r, g) {
        async_spawn(g, write_meanwhile(rq));
        for (int i = 0; i < 30; i++) /* much more than the sockets hold: the first write waits */
            ASYNC_TRY(await_web_write(rq, bytes, sizeof bytes));
    }
    return r;
}

static void read_two_writers(int port, void *arg)
{
    (void)arg;
    struct response r = request(port, "GET / HTTP/1.1");
    expect_true(r.complete);
    expect_int(r.size, 30 * sizeof bytes);
    free(r.body);
}

TEST(second_writer_is_refused_while_the_first_waits)
{
    static const async_web_route table[] = { { "GET", "/", two_writers }, { 0 } };
    serve(table, (struct async_web_opts){ 0 }, read_two_writers, NULL);
    expect_int(second_writer, -EBUSY);
}

SUITE("web-streaming", pieces_arrive_in_chunks_or_up_to_the_end, head_of_a_stream_has_headers_only,
      stream_without_a_body_sends_nothing_after_its_headers,
      handler_goes_on_after_the_end_of_its_stream, stream_that_has_begun_refuses_other_responses,
      stream_of_any_size_arrives_complete, connection_carries_several_streams,
      failed_or_short_stream_is_cut_off, second_writer_is_refused_while_the_first_waits)
