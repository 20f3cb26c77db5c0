/* SPDX-License-Identifier: MIT */
/* Connections: many at once, several requests on one, more than there is room for. */
#include "harness.h"

#include "fake_clock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

enum { TOGETHER = 40 };

static int inside;
static async_task *tasks[TOGETHER];
static async_event all_inside;

/* Respond when all handlers have started, each in a task of its own. */
ASYNC_DEF(meet, (async_web_request *)rq)
{
    const char *x = async_web_header(rq, "X-Test"), *q = async_web_query(rq, "q");
    expect_less(inside, TOGETHER);
    tasks[inside++] = async_current_task();
    if (inside == TOGETHER)
        async_event_set(&all_inside);
    ASYNC_TRY(await_event_wait(&all_inside));
    return async_web_text(rq, 200, "%s %s", x, q);
}

ASYNC_DEF(slow, (async_web_request *)rq)
{
    ASYNC_TRY(await_sleep(0.005));
    return async_web_text(rq, 200, " %s", async_web_query(rq, "q"));
}

ASYNC_DEF(quick, (async_web_request *)rq)
{
    const char *q = async_web_query(rq, "q");
    return async_web_text(rq, 200, "%s", q ? q : "");
}

static const async_web_route routes[] = { { "GET", "/meet", meet },
                                          { "GET", "/slow", slow },
                                          { "GET", "/quick", quick },
                                          { 0 } };

static void request_together(int port, void *arg)
{
    int fds[TOGETHER];
    (void)arg;
    for (int i = 0; i < TOGETHER; i++) {
        fds[i] = connect_to(port);
        send_text(fds[i], "GET /meet?q=%d HTTP/1.1\r\nHost: h\r\nX-Test: t%d\r\n\r\n", i, i);
    }
    for (int i = 0; i < TOGETHER; i++) {
        char expected[32];
        struct response r = read_response(fds[i]);
        snprintf(expected, sizeof expected, "t%d %d", i, i);
        expect_text(r.body, expected);
        free(r.body);
        close(fds[i]);
    }
}

TEST(handlers_run_at_the_same_time_each_in_a_task)
{
    serve(routes, (struct async_web_opts){ 0 }, request_together, NULL);
    expect_int(inside, TOGETHER);
    for (int i = 0; i < TOGETHER; i++)
        for (int j = 0; j < i; j++)
            expect_that(tasks[i] != tasks[j], "%d and %d have the same task", i, j);
}

static void reuse_connection(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    for (int i = 0; i < 200; i++) {
        send_text(fd, "GET /quick?q=%d HTTP/1.1\r\nHost: h\r\n\r\n", i);
        struct response r = read_response(fd);
        expect_int(atoi(r.body), i);
        free(r.body);
    }
    close(fd);
}

TEST(connection_serves_many_requests)
{
    serve(routes, (struct async_web_opts){ 0 }, reuse_connection, NULL);
}

static void use_http_1_0(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, "GET /quick HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect_status(fd, 200);
    send_text(fd, "GET /quick HTTP/1.0\r\n\r\n");
    expect_status(fd, 200);
    expect_true(reads_end(fd));
    close(fd);
}

TEST(http_1_0_connection_is_closed_unless_kept_alive)
{
    serve(routes, (struct async_web_opts){ 0 }, use_http_1_0, NULL);
}

static void pipeline_requests(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    for (int i = 0; i < 30; i++)
        send_text(fd, "GET /%s?q=%d HTTP/1.1\r\nHost: h\r\n\r\n", i % 10 == 5 ? "slow" : "quick",
                  i);
    for (int i = 0; i < 30; i++) {
        struct response r = read_response(fd);
        expect_int(r.status, 200);
        expect_int(atoi(r.body + strspn(r.body, " ")), i);
        free(r.body);
    }
    close(fd);
}

TEST(pipelined_requests_are_answered_in_order)
{
    serve(routes, (struct async_web_opts){ 0 }, pipeline_requests, NULL);
}

/* With the clock stopped, no timeout closes the connection. */
static void close_own_side(int port, void *arg)
{
    static const char requests[] = "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n"
                                   "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n"
                                   "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n";
    (void)arg;
    fake_clock_stop();
    int fd = connect_to(port);
    expect_int(send(fd, requests, sizeof requests - 1, MSG_MORE), sizeof requests - 1);
    shutdown(fd, SHUT_WR); /* the end goes out together with the requests */
    for (int i = 0; i < 3; i++)
        expect_status(fd, 200);
    expect_true(reads_end(fd));
    close(fd);
}

TEST(client_that_closes_its_side_gets_its_responses_and_then_the_end)
{
    serve(routes, (struct async_web_opts){ 0 }, close_own_side, NULL);
}

/* The kernel accepts all five connections, but the server takes three of them. */
static void exceed_limit(int port, void *arg)
{
    int fds[5];
    (void)arg;
    for (int i = 0; i < 5; i++) {
        fds[i] = connect_to(port);
        send_text(fds[i], "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    for (int i = 0; i < 3; i++)
        expect_status(fds[i], 200);
    struct pollfd waiting[2] = { { fds[3], POLLIN, 0 }, { fds[4], POLLIN, 0 } };
    expect_ok(poll(waiting, 2, 20));
    close(fds[0]);
    close(fds[1]);
    expect_status(fds[3], 200);
    expect_status(fds[4], 200);
    for (int i = 2; i < 5; i++)
        close(fds[i]);
}

TEST(clients_beyond_the_limit_wait_until_others_leave)
{
    serve(routes, (struct async_web_opts){ .limit = 3 }, exceed_limit, NULL);
}

/* The sockets are opened first, before the server can take the descriptors that are left. */
static void exhaust_descriptors(int port, void *arg)
{
    enum { N = 60 };
    int fds[N];
    (void)arg;
    for (int i = 0; i < N; i++)
        fds[i] = open_socket();
    for (int i = 0; i < N; i++) {
        connect_socket(fds[i], port);
        send_text(fds[i], "GET /quick HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    }
    for (int i = 0; i < N; i++) {
        expect_status(fds[i], 200);
        close(fds[i]);
    }
}

TEST(clients_wait_while_descriptors_are_exhausted)
{
    struct rlimit l;
    if (RUNNING_ON_VALGRIND)
        return; /* valgrind closes descriptors beyond its own limit */
    expect_ok(getrlimit(RLIMIT_NOFILE, &l));
    l.rlim_cur = 80; /* of which the client has 60 */
    expect_ok(setrlimit(RLIMIT_NOFILE, &l));
    serve(routes, (struct async_web_opts){ 0 }, exhaust_descriptors, NULL);
}

/* --- shortage --- */

static atomic_int shortages, refused_accepts; /* how many calls are to fail, and how many have */

/* Exported for the libraries, whose calls of accept4() come here. */
__attribute__((visibility("default"))) int accept4(int fd, struct sockaddr *a, socklen_t *size,
                                                   int flags)
{
    if (shortages > 0) {
        shortages--;
        refused_accepts++;
        errno = EMFILE;
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, a, size, flags);
}

static void connect_during_shortage(int port, void *arg)
{
    (void)arg;
    fake_clock_stop();
    shortages = 2;
    int fd = connect_to(port);
    send_text(fd, "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_until(&refused_accepts, 1);
    for (int i = 0; i < 50; i++)
        skip_seconds(0.001);
    expect_int(refused_accepts, 1); /* it does not try again and again */
    skip_seconds(0.2);
    expect_int(refused_accepts, 2);
    skip_seconds(0.2);
    expect_status(fd, 200);
    close(fd);
}

TEST(server_without_descriptors_pauses_and_accepts_later)
{
    char *text = serve_and_capture_stderr(routes, (struct async_web_opts){ 0 },
                                          connect_during_shortage, NULL);
    expect_text(text, "asyncio-web: cannot accept connections at the moment: "
                      "Too many open files\n"); /* once */
    free(text);
}

/* --- connections of one address --- */

static void connect_three_times(int port, void *arg)
{
    int fds[3];
    (void)arg;
    for (int i = 0; i < 3; i++) {
        fds[i] = connect_to(port);
        send_text(fds[i], "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
        if (i < 2)
            expect_status(fds[i], 200);
    }
    expect_true(reads_end(fds[2]));
    close(fds[0]);
    close(fds[2]);
    for (int i = 0; i < 1000; i++) {
        fds[0] = connect_to(port);
        send_text(fds[0], "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
        struct response r = read_response(fds[0]);
        free(r.body);
        close(fds[0]);
        if (r.status == 200)
            break; /* the server has noticed that there is room again */
        expect_less(i, 999);
    }
    close(fds[1]);
}

TEST(client_beyond_the_limit_of_its_address_is_closed)
{
    serve(routes, (struct async_web_opts){ .limit_per_address = 2 }, connect_three_times, NULL);
}

/* --- failed streams --- */

ASYNC_DEF(fail_stream, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL));
    return -EIO;
}

/* MHD 0.9 forgot a connection whose stream fails in the run that accepts it, behind another one
 * that is idle. The request is in the socket before the server can accept the connection. */
ASYNC_DEF(fail_streams)
{
    static const async_web_route table[] = { { "GET", "/", fail_stream }, { 0 } };
    async_web_server *s;
    ASYNC_TRY(async_web_server_start(table, &s));
    int idle = connect_to(async_web_server_port(s));
    while (async_web_server_stats(s).connections < 1)
        ASYNC_TRY(await_sleep(0.001));
    for (int i = 0; i < 5; i++) {
        int fd = connect_to(async_web_server_port(s));
        send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        while (async_web_server_stats(s).requests <= (uint64_t)i)
            ASYNC_TRY(await_sleep(0.001));
        close(fd);
    }
    for (int i = 0; i < 1000 && async_web_server_stats(s).connections > 1; i++)
        ASYNC_TRY(await_sleep(0.001));
    expect_int(async_web_server_stats(s).connections, 1);
    close(idle);
    return await_web_server_stop(&s, 0);
}

TEST(connection_is_freed_when_its_stream_fails)
{
    expect_ok(async_run(fail_streams()));
}

/* --- statistics --- */

static void request_ten(int port, void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++)
        expect_response(port, 200, NULL, "GET /quick HTTP/1.1");
}

ASYNC_DEF(count)
{
    struct client c;
    async_web_server *s;
    ASYNC_TRY(async_web_server_start(routes, &s));
    client_start(&c, async_web_server_port(s), request_ten, NULL);
    ASYNC_TRY(await_client(&c));
    struct async_web_stats stats = async_web_server_stats(s);
    expect_int(stats.requests, 10);
    expect_ok(stats.running);
    expect_int(stats.most, 1);
    return await_web_server_stop(&s, 1);
}

TEST(stats_count_requests_and_handlers)
{
    expect_ok(async_run(count()));
}

SUITE("web-connections", handlers_run_at_the_same_time_each_in_a_task,
      connection_serves_many_requests, http_1_0_connection_is_closed_unless_kept_alive,
      pipelined_requests_are_answered_in_order,
      client_that_closes_its_side_gets_its_responses_and_then_the_end,
      clients_beyond_the_limit_wait_until_others_leave,
      clients_wait_while_descriptors_are_exhausted,
      server_without_descriptors_pauses_and_accepts_later,
      client_beyond_the_limit_of_its_address_is_closed, connection_is_freed_when_its_stream_fails,
      stats_count_requests_and_handlers)
