/* SPDX-License-Identifier: MIT */
/* Connections that are idle, and those that are only nearly idle, with a clock of the test's
 * own. */
#include "harness.h"

#include "fake_clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

ASYNC_DEF(respond, (async_web_request *)rq)
{
    return async_web_text(rq, 200, "here");
}

static const async_web_route routes[] = { { "*", "/", respond }, { 0 } };

#define GET "GET / HTTP/1.1\r\nHost: h\r\n"

/* Has the server closed the connection? All that was sent before has been handled when another
 * client gets a response. */
static bool is_closed(int port, int fd)
{
    char c;
    expect_response(port, 200, NULL, "GET / HTTP/1.1");
    ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

static void be_idle(int port, void *arg)
{
    (void)arg;
    fake_clock_stop();
    int never = connect_to(port), once = connect_to(port), half = connect_to(port);
    send_text(once, GET "\r\n");
    expect_status(once, 200);
    send_text(half, "GET / HTTP/1.1\r\n");
    expect_true(!is_closed(port, never) && !is_closed(port, once) && !is_closed(port, half));
    skip_seconds(9);
    expect_true(!is_closed(port, never) && !is_closed(port, once) && !is_closed(port, half));
    skip_seconds(3);
    expect_true(reads_end(never) && reads_end(once) && reads_end(half));
    close(never);
    close(once);
    close(half);
}

TEST(idle_connections_are_closed)
{
    serve(routes, (struct async_web_opts){ .idle_timeout = 10 }, be_idle, NULL);
}

/* Send a byte every few seconds, in the place of the request line, a header, or the body. Returns
 * after how many seconds the server closed the connection. */
static int drip(int port, const char *begin)
{
    int fd = connect_to(port), seconds = 0;
    send_text(fd, "%s", begin);
    while (!is_closed(port, fd) && seconds < 300) {
        send_text(fd, "x");
        skip_seconds(5);
        seconds += 5;
    }
    close(fd);
    return seconds;
}

static void drip_requests(int port, void *arg)
{
    (void)arg;
    fake_clock_stop();
    int first = drip(port, "");
    expect_at_least(first, 30);
    expect_at_most(first, 45);
    int headers = drip(port, GET);
    expect_at_least(headers, 20);
    expect_at_most(headers, 25);
    int body = drip(port, GET "Content-Length: 10000\r\n\r\n");
    expect_at_least(body, 20);
    expect_at_most(body, 25);
}

TEST(request_that_arrives_too_slowly_is_closed)
{
    serve(routes, (struct async_web_opts){ .idle_timeout = 10, .request_timeout = 20 },
          drip_requests, NULL);
}

SUITE("web-timeouts", idle_connections_are_closed, request_that_arrives_too_slowly_is_closed)
