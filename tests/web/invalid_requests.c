/* SPDX-License-Identifier: MIT */
/* Requests that are refused because another reader could understand them differently. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

ASYNC_DEF(show_path, (async_web_request *)rq)
{
    return async_web_text(rq, 200, "%s %s", async_web_method(rq), async_web_path(rq));
}

static const async_web_route routes[] = { { "*", "/exact", show_path }, { 0 } };

static void request_bad_targets(int port, void *arg)
{
    static const char *const targets[] = { "exact", "*",      "/a%",          "/a%2",
                                           "/a%zz", "/a%00b", "/exact?q=%00", "/exact?%g1",
                                           "/a\tb", "/a\x01", "ftp://here/",  "" };
    (void)arg;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct response r = request(port, "GET %s HTTP/1.1", targets[i]);
        expect_that(r.status == 400 || r.status == 0, "%s: %d", targets[i], r.status);
        free(r.body);
    }
    expect_response(port, 400, NULL, "GET /a%00b HTTP/1.1");
    expect_response(port, 200, "GET /exact", "GET /exact HTTP/1.1");
}

TEST(invalid_target_gets_400)
{
    serve(routes, (struct async_web_opts){ 0 }, request_bad_targets, NULL);
}

#define POST "POST /exact HTTP/1.1\r\nHost: h\r\n"

/* The connection is closed, because what follows may be part of the body. */
static void expect_400_and_end(int port, const char *text, size_t size)
{
    int fd = connect_to(port);
    send_bytes(fd, text, size);
    struct response r = read_response(fd);
    expect_that(r.status == 400, "%s: %d", text, r.status);
    expect_that(reads_end(fd), "%s", text);
    free(r.body);
    close(fd);
}

/* Text of which the client's bytes are more than MHD 0.9 passes on. */
static void send_hidden_bytes(int port, void *arg)
{
#define HIDDEN(text)                                                                               \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }
#define SMUGGLED "GET /exact HTTP/1.1\r\nHost: h\r\n\r\n"
    static const struct {
        const char *text;
        size_t size;
    } bad[] = {
        HIDDEN(POST ":\r\n" SMUGGLED),
        HIDDEN(POST ": x\r\n" SMUGGLED),
        HIDDEN(POST "X-A: b\r\n:\r\nContent-Length: 3\r\n\r\n123"),
        HIDDEN("POST /exact HTTP/1.0\r\n:\r\n" SMUGGLED),
        HIDDEN(POST "X-A: b\0c\r\n\r\n"),
        HIDDEN(POST "X-A: b\0\r\nX-B: c\r\n\r\n"),
        HIDDEN(POST "X-A\0: b\r\n\r\n"),
        HIDDEN(POST "Content-Length: 3\0\r\n\r\n123"),
        HIDDEN(POST "Transfer-Encoding: chunked\0x\r\n\r\n0\r\n\r\n"),
        HIDDEN("GET /exact\0.css HTTP/1.1\r\nHost: h\r\n\r\n"),
        HIDDEN("GET /exact?a\0b HTTP/1.1\r\nHost: h\r\n\r\n"),
        HIDDEN("GE\0T /exact HTTP/1.1\r\nHost: h\r\n\r\n"),
    };
    (void)arg;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_400_and_end(port, bad[i].text, bad[i].size);
}

TEST(head_with_hidden_bytes_gets_400_and_ends_the_connection)
{
    serve(routes, (struct async_web_opts){ 0 }, send_hidden_bytes, NULL);
}

static void send_bad_characters(int port, void *arg)
{
    static const char *const bad[] = {
        POST "X-A: b\rContent-Length: 3\r\n\r\n123",
        POST "X-A: b\r\r\n\r\n",
        POST "X-A: b\x01\r\n\r\n",
        POST "X-A: b\x7f\r\n\r\n",
        POST "X\xff: b\r\n\r\n",
        POST "X(A): b\r\n\r\n",
        "G(T /exact HTTP/1.1\r\nHost: h\r\n\r\n",
        "G\x01T /exact HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET  /exact HTTP/1.1\r\nHost: h\r\n\r\n",
    };
    (void)arg;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_400_and_end(port, bad[i], strlen(bad[i]));
}

TEST(invalid_character_in_the_head_gets_400_and_ends_the_connection)
{
    serve(routes, (struct async_web_opts){ 0 }, send_bad_characters, NULL);
}

/* MHD 0.9 would take what follows each of these for a request. */
static void smuggle_behind_chunks(int port, void *arg)
{
    static const char *const bodies[] = { "0\r\nX-A: b\r\n:\r\n", "0\r\n\r\n", "0;\n\n" };
    (void)arg;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        int fd = connect_to(port);
        send_text(fd, POST "Transfer-Encoding: chunked\r\n\r\n%s" SMUGGLED, bodies[i]);
        struct response r = read_response(fd);
        expect_int(r.status, 200);
        expect_text(response_header(&r, "Connection"), "close");
        expect_true(reads_end(fd));
        free(r.body);
        close(fd);
    }
}

TEST(nothing_is_read_after_a_chunked_body)
{
    serve(routes, (struct async_web_opts){ 0 }, smuggle_behind_chunks, NULL);
}

static void send_ambiguous_headers(int port, void *arg)
{
    static const char *const bad[] = {
        POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
        POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n12345",
        POST "Content-Length : 5\r\n\r\n12345",
        POST "Content-Length\t: 5\r\n\r\n12345",
        POST "Content Length: 5\r\n\r\n12345",
        POST "Content-Length: 5\r\n 6\r\n\r\n123456",
        POST "Content-Length: 5\r\n\t\r\n\r\n123456",
        POST "X-A: 5\r\n 6\r\nX-B: 7\r\nContent-Length: 1\r\n\r\n1",
        POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: identity\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n , identity\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
        POST "Host: i\r\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: a/../b\r\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: a:b\r\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: a:1:2\r\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: [::1\r\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: [::1]x\r\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: a]b\r\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: a{}\r\n\r\n",
        "POST /exact HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /exact HTTP/1.1\r\n\r\n",
        "GET /ex act HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    };
    (void)arg;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_400_and_end(port, bad[i], strlen(bad[i]));
}

TEST(ambiguous_headers_get_400_and_end_the_connection)
{
    serve(routes, (struct async_web_opts){ 0 }, send_ambiguous_headers, NULL);
}

static void send_unusual_headers(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, NULL,
                    "GET /exact HTTP/1.1\r\nX-A:b\r\nX-B: \t c\r\nX-C:\r\nX-D: \r\nX-E: \xc3\xa4");
    expect_response(port, 200, NULL, "GET /exact HTTP/1.0");
    expect_response(port, 200, NULL, "X-Y.z /exact?a=b&c&=&%20 HTTP/1.1\r\nX-A: b  ");
    expect_response(port, 200, NULL, "\r\n\r\nGET http://h/exact HTTP/1.1");
}

/* Hosts that name one. */
static void send_hosts(int port, void *arg)
{
    static const char *const hosts[] = { "a", "a.b-c_d:80",      "1.2.3.4:", "[::1]:80",
                                         "",  "[fe80::1.2.3.4]", "%C3%A4" };
    (void)arg;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        int fd = connect_to(port);
        send_text(fd, "GET /exact HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        expect_status(fd, 200);
        close(fd);
    }
}

TEST(host_that_is_a_name_or_an_address_is_accepted)
{
    serve(routes, (struct async_web_opts){ 0 }, send_hosts, NULL);
}

static void send_bare_line_feeds(int port, void *arg)
{
    static const char *const bad[] = {
        "GET /exact HTTP/1.1\nHost: h\n\n",
        "GET /exact HTTP/1.1\nHost: h\r\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: h\n\r\n",
        "GET /exact HTTP/1.1\r\nHost: h\r\n\n",
        "GET /exact HTTP/1.0\n\n",
        "GET /exact HTTP/1.0\r\n\n",
        POST "X-A: b\nContent-Length: 3\r\n\r\n123",
        POST "X-A: b\r\nContent-Length: 3\n\r\n123",
        POST "X-A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    };
    (void)arg;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_400_and_end(port, bad[i], strlen(bad[i]));
}

TEST(line_that_ends_with_a_bare_line_feed_gets_400)
{
    serve(routes, (struct async_web_opts){ 0 }, send_bare_line_feeds, NULL);
}

TEST(unusual_but_clear_headers_are_accepted)
{
    serve(routes, (struct async_web_opts){ 0 }, send_unusual_headers, NULL);
}

/* Byte by byte, and with as many headers as fit, so that MHD's memory grows meanwhile. */
static void send_slowly(int port, void *arg)
{
    char text[12000] = "GET /exact?a=b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
    (void)arg;
    for (int i = 0; i < 100; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "X-Header-%d: %d\r\n", i, i);
    strcat(text, "\r\n");
    int fd = connect_to(port);
    for (const char *p = text; *p; p++)
        send_bytes(fd, p, 1);
    expect_status(fd, 200);
    close(fd);
}

TEST(head_that_arrives_byte_by_byte_is_accepted)
{
    serve(routes, (struct async_web_opts){ 0 }, send_slowly, NULL);
}

/* Everything that the server sends until it closes the connection. */
static struct response read_to_end(int fd)
{
    struct response r = read_response(fd);
    char rest[2000];
    ssize_t n = recv(fd, rest, sizeof rest, 0);
    expect_that(n <= 0, "after the response: %.*s", (int)n, rest);
    return r;
}

/* The head of each request arrives at once, or in two parts. */
static void send_bad_lengths(int port, void *arg)
{
    static const struct {
        const char *value;
        int status;
    } bad[] = { { "5, 5", 400 }, { "+5", 400 },   { "-1", 400 },
                { "0x5", 400 },  { "", 400 },     { "5 5", 400 },
                { "5;", 400 },   { "five", 400 }, { "99999999999999999999999", 413 } };
    (void)arg;
    for (size_t i = 0; i < 2 * sizeof bad / sizeof *bad; i++) {
        int fd = connect_to(port);
        send_text(fd, POST "Content-Length: %s\r\n", bad[i / 2].value);
        if (i % 2)
            expect_response(port, 200, NULL, "GET /exact HTTP/1.1");
        send_text(fd, "\r\n");
        struct response r = read_to_end(fd);
        expect_that(r.status == bad[i / 2].status, "%s: %d", bad[i / 2].value, r.status);
        expect_text(response_header(&r, "Connection"), "close");
        free(r.body);
        close(fd);
    }
}

TEST(invalid_content_length_gets_one_response)
{
    serve(routes, (struct async_web_opts){ 0 }, send_bad_lengths, NULL);
}

static void send_long_heads(int port, void *arg)
{
    static char filler[40001];
    (void)arg;
    memset(filler, 'x', sizeof filler - 1);
    struct response r = request(port, "GET /exact HTTP/1.1\r\nX-Big: %.10000s", filler);
    expect_int(r.status, 200);
    free(r.body);
    r = request(port, "GET /exact HTTP/1.1\r\nX-Big: %s", filler);
    expect_int(r.status, 431);
    free(r.body);
    r = request(port, "GET /exact?%s HTTP/1.1", filler);
    expect_int(r.status, 414);
    free(r.body);
}

TEST(headers_beyond_the_limit_get_431_and_targets_414)
{
    serve(routes, (struct async_web_opts){ 0 }, send_long_heads, NULL);
}

SUITE("web-invalid-requests", invalid_target_gets_400,
      head_with_hidden_bytes_gets_400_and_ends_the_connection,
      invalid_character_in_the_head_gets_400_and_ends_the_connection,
      nothing_is_read_after_a_chunked_body, ambiguous_headers_get_400_and_end_the_connection,
      host_that_is_a_name_or_an_address_is_accepted, line_that_ends_with_a_bare_line_feed_gets_400,
      unusual_but_clear_headers_are_accepted, head_that_arrives_byte_by_byte_is_accepted,
      invalid_content_length_gets_one_response, headers_beyond_the_limit_get_431_and_targets_414)
