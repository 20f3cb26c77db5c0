/* SPDX-License-Identifier: MIT */
/* Clients that go away: their handlers are cancelled, and nothing is left of them. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_int running, ended;
static atomic_size_t written;
static int result;
static char why[64], seen[64];

static int note_end(int r)
{
    result = r;
    snprintf(why, sizeof why, "%s", async_cancel_cause().why);
    running--;
    ended++;
    return r;
}

/* Cleans up after its client has left; the strings that it read before stay valid. */
ASYNC_DEF(sleep_long, (async_web_request *)rq)
{
    int shield;
    const char *x = async_web_header(rq, "X-Test");
    running++;
    int r = await_sleep(20);
    await_shield (shield)
        shield = await_sleep(0.001);
    snprintf(seen, sizeof seen, "%s %s", x, async_web_path(rq));
    return note_end(r);
}

ASYNC_DEF(sleep_briefly, (async_web_request *)rq)
{
    running++;
    int r = await_sleep(0.01);
    running--;
    return r < 0 ? r : async_web_text(rq, 200, "slept");
}

ASYNC_DEF(respond, (async_web_request *)rq)
{
    return async_web_text(rq, 200, "here");
}

/* Write until the client is gone. */
ASYNC_DEF(endless_stream, (async_web_request *)rq)
{
    static char piece[10000];
    running++;
    int r = await_web_stream_begin(rq, 200, NULL);
    while (r == 0 && written < (size_t)256 << 20)
        if ((r = await_web_write(rq, piece, sizeof piece)) == 0)
            written += sizeof piece;
    return note_end(r);
}

/* Write once and wait. */
ASYNC_DEF(pausing_stream, (async_web_request *)rq)
{
    int r = await_web_stream_begin(rq, 200, NULL);
    if (r == 0)
        r = await_web_write(rq, "x", 1);
    running++;
    if (r == 0)
        r = await_sleep(20);
    return note_end(r);
}

static const async_web_route routes[] = {
    { "GET", "/long", sleep_long },        { "GET", "/brief", sleep_briefly },
    { "GET", "/quick", respond },          { "GET", "/endless", endless_stream },
    { "GET", "/pausing", pausing_stream }, { 0 }
};

enum leaving { CLOSES, RESETS, CLOSES_WITH_UNREAD_REQUEST, RESETS_WITH_UNREAD_REQUEST };

static void leave(int port, void *arg)
{
    enum leaving how = *(enum leaving *)arg;
    int fd = connect_to(port);
    send_text(fd, "GET /long HTTP/1.1\r\nHost: h\r\nX-Test: still here\r\n\r\n");
    wait_until(&running, 1);
    if (how == CLOSES_WITH_UNREAD_REQUEST || how == RESETS_WITH_UNREAD_REQUEST)
        send_text(fd, "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
    if (how == CLOSES || how == CLOSES_WITH_UNREAD_REQUEST)
        close(fd);
    else
        reset_connection(fd);
    wait_until(&ended, 1);
    expect_response(port, 200, "here", "GET /quick HTTP/1.1");
}

static void expect_cancelled(enum leaving how)
{
    serve(routes, (struct async_web_opts){ 0 }, leave, &how);
    expect_int(result, -ECANCELED);
    expect_text(why, "the client went away");
    expect_text(seen, "still here /long");
}

TEST(client_that_closes_cancels_its_handler)
{
    expect_cancelled(CLOSES);
}

TEST(client_that_resets_cancels_its_handler)
{
    expect_cancelled(RESETS);
}

/* The server does not read the second request before the first is answered, so it finds bytes in
 * the socket, and not the end of the stream. */
TEST(client_that_closes_with_an_unread_request_cancels_its_handler)
{
    expect_cancelled(CLOSES_WITH_UNREAD_REQUEST);
}

TEST(client_that_resets_with_an_unread_request_cancels_its_handler)
{
    expect_cancelled(RESETS_WITH_UNREAD_REQUEST);
}

static void leave_stream(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, "GET /pausing HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_until(&running, 1);
    close(fd);
    wait_until(&ended, 1);
}

TEST(client_that_leaves_a_pausing_stream_cancels_its_handler)
{
    serve(routes, (struct async_web_opts){ 0 }, leave_stream, NULL);
    expect_int(result, -ECANCELED);
    expect_text(why, "the client went away");
}

/* Wait until the server writes no more, because the sockets' buffers are full. */
static size_t wait_for_standstill(void)
{
    size_t before = 1;
    for (int unchanged = 0; unchanged < 50; unchanged++) {
        if (before != written)
            unchanged = 0;
        before = written;
        usleep(1000);
    }
    return before;
}

static void read_late(int port, void *arg)
{
    (void)arg;
    static char buf[1 << 20];
    int fd = connect_to(port);
    send_text(fd, "GET /endless HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_until(&running, 1);
    size_t before = wait_for_standstill();
    expect_less(before, (size_t)64 << 20);
    for (size_t got = 0; got < before + 1000000;) {
        ssize_t n = recv(fd, buf, sizeof buf, 0);
        expect_greater(n, 0);
        got += (size_t)n;
    }
    expect_greater(written, before);
    expect_ok(ended);
    close(fd); /* with unread bytes, so that the kernel sends a reset */
    wait_until(&ended, 1);
}

TEST(stream_waits_for_a_client_that_does_not_read_and_ends_when_it_leaves)
{
    serve(routes, (struct async_web_opts){ 0 }, read_late, NULL);
    expect_true(result == -ECANCELED || result == -EPIPE);
    expect_text(why, "the client went away");
}

/* Hundreds of clients that leave at once, at any point of a request. The end of serve() waits for
 * whatever is left of them. */
static void hit_and_run(int port, void *arg)
{
    (void)arg;
    for (int i = 0; i < 300; i++) {
        int fd = connect_to(port);
        if (i % 3)
            send_text(fd, "GET /%s HTTP/1.1\r\nHost: h\r\n%s", i % 2 ? "brief" : "quick",
                      i % 3 == 1 ? "\r\n" : "");
        if (i % 5 == 0)
            reset_connection(fd);
        else
            close(fd);
    }
    expect_response(port, 200, "here", "GET /quick HTTP/1.1");
    wait_until(&running, 0);
}

TEST(clients_that_leave_at_once_leave_nothing_behind)
{
    serve(routes, (struct async_web_opts){ 0 }, hit_and_run, NULL);
    expect_ok(running);
}

SUITE("web-disconnects", client_that_closes_cancels_its_handler,
      client_that_resets_cancels_its_handler,
      client_that_closes_with_an_unread_request_cancels_its_handler,
      client_that_resets_with_an_unread_request_cancels_its_handler,
      client_that_leaves_a_pausing_stream_cancels_its_handler,
      stream_waits_for_a_client_that_does_not_read_and_ends_when_it_leaves,
      clients_that_leave_at_once_leave_nothing_behind)
