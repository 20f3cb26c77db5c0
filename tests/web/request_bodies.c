/* SPDX-License-Identifier: MIT */
/* Bodies of requests: complete, or refused beyond the limit. */
#include "harness.h"

#include "fake_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

ASYNC_DEF(echo, (async_web_request *)rq)
{
    size_t size;
    const char *body = async_web_body(rq, &size);
    expect_ptr(body, async_web_body(rq, NULL));
    expect_int(body[size], '\0');
    return async_web_respond(rq, 200, "text/plain", body, size);
}

static const async_web_route routes[] = { { "*", "/echo", echo }, { 0 } };

#define PUT_ECHO "PUT /echo HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED  "Transfer-Encoding: chunked\r\n\r\n"

static char big[3 << 20];

static void fill_big(void)
{
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)('a' + i * i % 23);
}

static void expect_echo(int fd, const void *bytes, size_t size)
{
    struct response r = read_response(fd);
    expect_int(r.status, 200);
    expect_int(r.size, size);
    expect_bytes(r.body, bytes, size);
    free(r.body);
}

static void send_bodies(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "", "GET /echo HTTP/1.1");
    expect_response(port, 200, "", "POST /echo HTTP/1.1\r\nContent-Length: 0");
    for (size_t size = 1; size <= 1 << 20; size = size * 3 + 1) {
        int fd = connect_to(port);
        send_text(fd, PUT_ECHO "Content-Length: %zu\r\n\r\n", size);
        send_bytes(fd, big, size);
        expect_echo(fd, big, size);
        send_text(fd, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"); /* on the same connection */
        expect_echo(fd, "", 0);
        close(fd);
    }
}

TEST(body_of_any_size_reaches_the_handler)
{
    fill_big();
    serve(routes, (struct async_web_opts){ 0 }, send_bodies, NULL);
}

static void send_chunks(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, PUT_ECHO CHUNKED "5\r\nHel");
    send_text(fd, "lo\r\n7;x=y\r\n, World\r\n0\r\nX-Trailer: 1\r\n\r\n");
    expect_echo(fd, "Hello, World", 12);
    close(fd);
    fd = connect_to(port);
    send_text(fd, PUT_ECHO CHUNKED "%zx\r\n", (size_t)300000);
    send_bytes(fd, big, 300000);
    send_text(fd, "\r\n0\r\n\r\n");
    expect_echo(fd, big, 300000);
    close(fd);
}

TEST(chunked_body_reaches_the_handler)
{
    fill_big();
    serve(routes, (struct async_web_opts){ 0 }, send_chunks, NULL);
}

/* --- refused bodies --- */

enum { LIMIT = 5000 };

static void expect_by_length(int port, size_t size, int status)
{
    int fd = connect_to(port);
    send_text(fd, PUT_ECHO "Content-Length: %zu\r\n\r\n", size);
    send_bytes(fd, big, size);
    expect_status(fd, status);
    close(fd);
}

static void expect_by_chunks(int port, size_t size, int status)
{
    int fd = connect_to(port);
    send_text(fd, PUT_ECHO CHUNKED);
    for (size_t n; size; size -= n) {
        n = size < 1000 ? size : 1000;
        send_text(fd, "%zx\r\n", n);
        send_bytes(fd, big, n);
        send_text(fd, "\r\n");
    }
    send_text(fd, "0\r\n\r\n");
    expect_status(fd, status);
    close(fd);
}

static void exceed_limit(int port, void *arg)
{
    (void)arg;
    expect_by_length(port, LIMIT, 200);
    expect_by_length(port, LIMIT + 1, 413);
    expect_by_length(port, 900000, 413);
    expect_by_chunks(port, LIMIT, 200);
    expect_by_chunks(port, LIMIT + 1, 413);
    expect_by_chunks(port, 100000, 413);
}

TEST(body_beyond_the_limit_is_read_and_gets_413)
{
    fill_big();
    serve(routes, (struct async_web_opts){ .body_limit = LIMIT }, exceed_limit, NULL);
}

static void announce_too_much(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, PUT_ECHO "Content-Length: 100000000000\r\n\r\n");
    expect_status(fd, 413);
    expect_true(reads_end(fd));
    close(fd);
}

TEST(body_too_long_to_be_read_gets_413_at_once)
{
    serve(routes, (struct async_web_opts){ .body_limit = LIMIT }, announce_too_much, NULL);
}

static void send_endless_chunk(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, PUT_ECHO CHUNKED "%zx\r\n", sizeof big);
    send_bytes(fd, big, sizeof big);
    expect_status(fd, 0);
    close(fd);
}

TEST(chunked_body_that_does_not_end_is_cut_off)
{
    serve(routes, (struct async_web_opts){ .body_limit = LIMIT }, send_endless_chunk, NULL);
}

static void send_body_to_unknown_path(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, "PUT /unknown HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n");
    send_bytes(fd, big, 4000);
    expect_status(fd, 404);
    send_text(fd, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_status(fd, 200);
    close(fd);
}

TEST(connection_goes_on_after_a_refused_body)
{
    serve(routes, (struct async_web_opts){ 0 }, send_body_to_unknown_path, NULL);
}

static void expect_continue(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, PUT_ECHO "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    struct response r = read_head_response(fd);
    expect_int(r.status, 100);
    free(r.body);
    send_text(fd, "12345");
    expect_echo(fd, "12345", 5);
    close(fd);
    fd = connect_to(port);
    send_text(fd, PUT_ECHO "Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", LIMIT + 1);
    expect_status(fd, 413);
    close(fd);
}

TEST(expected_continue_is_sent_unless_the_body_is_refused)
{
    serve(routes, (struct async_web_opts){ .body_limit = LIMIT }, expect_continue, NULL);
}

/* --- incomplete bodies --- */

/* Send bytes and the end of the stream in one packet. */
static void send_last_bytes(int fd, const char *text)
{
    expect_int(send(fd, text, strlen(text), MSG_MORE), (int)strlen(text));
    shutdown(fd, SHUT_WR);
}

/* With the clock stopped, no timeout ends the request. */
static void send_half_a_body(int port, void *arg)
{
    (void)arg;
    fake_clock_stop();
    int fd = connect_to(port);
    send_last_bytes(fd, PUT_ECHO "Content-Length: 1000\r\n\r\nonly this");
    expect_status(fd, 0);
    close(fd);
    fd = connect_to(port);
    send_text(fd, PUT_ECHO "Content-Length: 1000\r\n\r\nonly");
    expect_response(port, 200, "", "GET /echo HTTP/1.1"); /* by now the above has been read */
    send_last_bytes(fd, " this");
    expect_status(fd, 0);
    close(fd);
}

TEST(incomplete_body_reaches_no_handler_and_ends_its_connection)
{
    serve(routes, (struct async_web_opts){ 0 }, send_half_a_body, NULL);
}

SUITE("web-request-bodies", body_of_any_size_reaches_the_handler, chunked_body_reaches_the_handler,
      body_beyond_the_limit_is_read_and_gets_413, body_too_long_to_be_read_gets_413_at_once,
      chunked_body_that_does_not_end_is_cut_off, connection_goes_on_after_a_refused_body,
      expected_continue_is_sent_unless_the_body_is_refused,
      incomplete_body_reaches_no_handler_and_ends_its_connection)
