/* SPDX-License-Identifier: MIT */
/* What happens to connections when their server stops, and how await_web_serve() ends. */
#include "harness.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_int stopping, idle, requested;
static async_event handler_begun, finish;

ASYNC_DEF(wait_for_finish, (async_web_request *)rq)
{
    async_event_set(&handler_begun);
    ASYNC_TRY(await_event_wait(&finish));
    return async_web_text(rq, 200, "finished");
}

ASYNC_DEF(respond, (async_web_request *)rq)
{
    return async_web_text(rq, 200, "here");
}

static const async_web_route routes[] = { { "GET", "/wait", wait_for_finish },
                                          { "GET", "/quick", respond },
                                          { 0 } };

static void stay_idle(int port, void *arg)
{
    (void)arg;
    int kept = connect_to(port), silent = connect_to(port);
    send_text(kept, "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_status(kept, 200);
    idle = 1;
    expect_true(reads_end(kept) && reads_end(silent));
    close(kept);
    close(silent);
}

/* The grace period is longer than the test may take: a stop that waits for connections fails it. */
ASYNC_DEF(stop_with_idle_connections)
{
    struct client c;
    async_web_server *s;
    ASYNC_TRY(async_web_server_start(routes, &s));
    client_start(&c, async_web_server_port(s), stay_idle, NULL);
    while (!idle)
        ASYNC_TRY(await_sleep(0.001));
    ASYNC_TRY(await_web_server_stop(&s, 10 * SUITE_SECONDS));
    return await_client(&c);
}

TEST(stop_closes_idle_connections_at_once)
{
    expect_ok(async_run(stop_with_idle_connections()));
}

static void connect_while_stopping(int port, void *arg)
{
    int fd = connect_to(port);
    (void)arg;
    send_text(fd, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_until(&stopping, 1);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    expect_int(connect(late, (struct sockaddr *)&a, sizeof a), -1);
    expect_int(errno, ECONNREFUSED);
    close(late);
    stopping = 2;
    struct response r = read_response(fd);
    expect_int(r.status, 200);
    expect_text(response_header(&r, "Connection"), "close");
    expect_true(reads_end(fd));
    free(r.body);
    close(fd);
}

/* The stop has closed the listening socket before it suspends for the first time. */
ASYNC_DEF(watch_stop)
{
    stopping = 1;
    while (stopping == 1)
        ASYNC_TRY(await_sleep(0.001));
    async_event_set(&finish);
    return 0;
}

ASYNC_DEF(stop_server, (async_web_server *)s)
{
    return await_web_server_stop(&s, 10 * SUITE_SECONDS);
}

ASYNC_DEF(stop_while_connecting)
{
    struct client c;
    async_web_server *s;
    ASYNC_TRY(async_web_server_start(routes, &s));
    client_start(&c, async_web_server_port(s), connect_while_stopping, NULL);
    ASYNC_TRY(await_event_wait(&handler_begun));
    await_task_auto t = async_create_task(stop_server(s));
    for (int i = 0; i < 5; i++) /* loop iterations, so that the server's own tasks have run */
        ASYNC_TRY(await_sleep(0));
    ASYNC_TRY(await_watch_stop());
    ASYNC_TRY(await_task(t));
    return await_client(&c);
}

TEST(stop_refuses_new_connections_and_closes_kept_ones_with_their_response)
{
    expect_ok(async_run(stop_while_connecting()));
}

static void request_early(int port, void *arg)
{
    int *status = arg, fd = connect_to(port);
    send_text(fd, "GET /quick HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    requested = 1;
    struct response r = read_response(fd);
    *status = r.status;
    free(r.body);
    close(fd);
}

/* The server is stopped after a few loop iterations, and its client has been there from the start:
 * the loop stands still until the request is in the socket. */
ASYNC_DEF(stop_early, (int)iterations)
{
    struct client c;
    async_web_server *s;
    int status = -1;
    requested = 0;
    ASYNC_TRY(async_web_server_start(routes, &s));
    client_start(&c, async_web_server_port(s), request_early, &status);
    wait_until(&requested, 1);
    for (int i = 0; i < iterations; i++)
        ASYNC_TRY(await_sleep(0));
    ASYNC_TRY(await_web_server_stop(&s, 10 * SUITE_SECONDS));
    ASYNC_TRY(await_client(&c));
    expect_that(status == 200 || status == 503 || status == 0, "%d", status);
    return 0;
}

TEST(server_can_be_stopped_before_its_first_loop_iteration)
{
    for (int iterations = 0; iterations < 8; iterations++)
        expect_ok(async_run(stop_early(iterations)));
}

/* --- await_web_serve() --- */

ASYNC_DEF(serve_forever, (int *)port, (async_event *)serving)
{
    return await_web_serve(routes, .ret_port = port, .serving = serving, .grace = 60);
}

static void request_wait(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "finished", "GET /wait HTTP/1.1");
}

ASYNC_DEF(cancel_serve)
{
    int port = 0;
    struct client c;
    async_event serving = { 0 };
    await_task_auto t = async_create_task(serve_forever(&port, &serving));
    ASYNC_TRY(await_event_wait(&serving));
    expect_greater(port, 0);
    client_start(&c, port, request_wait, NULL);
    ASYNC_TRY(await_event_wait(&handler_begun));
    async_task_cancel(t);
    ASYNC_TRY(await_sleep(0.005));
    expect_true(!async_task_done(t)); /* it waits for the handler */
    async_event_set(&finish);
    expect_int(await_task(t), -ECANCELED);
    return await_client(&c);
}

TEST(cancelled_serve_finishes_the_requests_that_have_begun)
{
    expect_ok(async_run(cancel_serve()));
}

ASYNC_DEF(cancel_serve_early)
{
    int port = 0;
    async_event serving = { 0 };
    for (int iterations = 0; iterations < 6; iterations++) {
        async_event_clear(&serving);
        await_task_auto t = async_create_task(serve_forever(&port, &serving));
        for (int i = 0; i < iterations; i++)
            ASYNC_TRY(await_sleep(0));
        async_task_cancel(t);
        expect_int(await_task(t), -ECANCELED);
    }
    return 0;
}

TEST(serve_can_be_cancelled_before_it_has_begun)
{
    expect_ok(async_run(cancel_serve_early()));
}

SUITE("web-stop-connections", stop_closes_idle_connections_at_once,
      stop_refuses_new_connections_and_closes_kept_ones_with_their_response,
      server_can_be_stopped_before_its_first_loop_iteration,
      cancelled_serve_finishes_the_requests_that_have_begun,
      serve_can_be_cancelled_before_it_has_begun)
