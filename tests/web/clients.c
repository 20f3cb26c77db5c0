/* SPDX-License-Identifier: MIT */
/* Many clients at once, clients that leave, that want more than their share, that hold a place for nothing. */
#include "harness.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

enum { TOGETHER = 40 };
static atomic_int running, ended, result;
static char why[64], seen[64];
static async_task *tasks[TOGETHER];
static async_event all_inside;

/* Nobody is answered before all are here. */
ASYNC_DEF(with_others, (async_web_request *)rq)
{
    const char *x = async_web_header(rq, "X-Test"), *q = async_web_query(rq, "q");
    ck_assert_int_lt(running, TOGETHER);
    tasks[running++] = async_current_task();
    if (running == TOGETHER)
        async_event_set(&all_inside);
    ASYNC_TRY(await_event_wait(&all_inside));
    return async_web_text(rq, 200, "%s %s", x, q);
}

ASYNC_DEF(slow, (async_web_request *)rq)
{
    const char *q = async_web_query(rq, "q");
    running++;
    int r = await_sleep(0.1);
    if (r == 0)
        r = async_web_text(rq, 200, " %s", q ? q : "");
    running--;
    return r;
}

/* Tries to go on after its client has left; what it was given stays readable. */
ASYNC_DEF(long_one, (async_web_request *)rq)
{
    int shield;
    const char *x = async_web_header(rq, "X-Test");
    running++;
    result = await_sleep(20);
    snprintf(why, sizeof why, "%s", async_cancel_cause().why);
    await_shield (shield)
        shield = await_sleep(0.1);
    snprintf(seen, sizeof seen, "%s %s", x, async_web_path(rq));
    running--;
    ended++;
    return result;
}

ASYNC_DEF(quick, (async_web_request *)rq)
{
    const char *q = async_web_query(rq, "q");
    return async_web_text(rq, 200, "%s", q ? q : "");
}

static const async_web_route routes[] = { { "GET", "/together", with_others },
                                          { "GET", "/slow", slow },
                                          { "GET", "/long", long_one },
                                          { "GET", "/quick", quick },
                                          { 0 } };

static void wait_until(atomic_int *value, int wanted)
{
    for (int i = 0; i < 3000 && *value != wanted; i++)
        nap(0.01);
    ck_assert_int_eq(*value, wanted);
}

static void ask_together(int port, void *arg)
{
    int fds[TOGETHER];
    (void)arg;
    for (int i = 0; i < TOGETHER; i++) {
        fds[i] = dial(port);
        put(fds[i], "GET /together?q=%d HTTP/1.1\r\nHost: h\r\nX-Test: t%d\r\n\r\n", i, i);
    }
    for (int i = 0; i < TOGETHER; i++) {
        char expected[32];
        struct answer a = answer_read(fds[i], false);
        snprintf(expected, sizeof expected, "t%d %d", i, i);
        ck_assert_str_eq(a.body, expected);
        free(a.body);
        close(fds[i]);
    }
}

START_TEST(clients_are_served_at_the_same_time)
{
    serve(routes, (struct async_web_opts){ 0 }, ask_together, NULL);
    ck_assert_int_eq(running, TOGETHER);
    for (int i = 0; i < TOGETHER; i++)
        for (int j = 0; j < i; j++)
            ck_assert_msg(tasks[i] != tasks[j], "%d and %d: one task", i, j);
}
END_TEST

static void keep_alive(int port, void *arg)
{
    (void)arg;
    int fd = dial(port);
    for (int i = 0; i < 200; i++) {
        put(fd, "GET /quick?q=%d HTTP/1.1\r\nHost: h\r\n\r\n", i);
        struct answer a = answer_read(fd, false);
        ck_assert_int_eq(atoi(a.body), i);
        free(a.body);
    }
    close(fd);
    fd = dial(port); /* HTTP/1.0 closes, unless asked not to */
    put(fd, "GET /quick HTTP/1.0\r\n\r\n");
    struct answer a = answer_read(fd, false);
    ck_assert_int_eq(a.status, 200);
    ck_assert(at_end(fd));
    free(a.body);
    close(fd);
}

/* All at once: answered in their order, slow ones too. */
static void pipeline(int port, void *arg)
{
    (void)arg;
    int fd = dial(port);
    for (int i = 0; i < 30; i++)
        put(fd, "GET /%s?q=%d HTTP/1.1\r\nHost: h\r\n\r\n", i % 10 == 5 ? "slow" : "quick", i);
    for (int i = 0; i < 30; i++) {
        struct answer a = answer_read(fd, false);
        ck_assert_int_eq(a.status, 200);
        ck_assert_int_eq(atoi(a.body + strspn(a.body, " ")), i);
        free(a.body);
    }
    close(fd);
}

START_TEST(a_connection_serves_many_requests)
{
    serve(routes, (struct async_web_opts){ 0 }, keep_alive, NULL);
    serve(routes, (struct async_web_opts){ 0 }, pipeline, NULL);
}
END_TEST

enum leaving { CLOSES, RESETS, RESETS_UNREAD, RESETS_LATE };

static void leave(int port, void *arg)
{
    enum leaving how = *(enum leaving *)arg;
    int fd = dial(port);
    put(fd, "GET /long HTTP/1.1\r\nHost: h\r\nX-Test: still here\r\n\r\n");
    wait_until(&running, 1);
    if (how >= RESETS_UNREAD)
        put(fd, "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n"); /* something unread before the end */
    nap(how == RESETS_LATE ? 0.5 : 0.05); /* before or after the server begins to look */
    if (how != CLOSES)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger)); /* RST */
    close(fd);
    wait_until(&ended, 1);
    expect(port, 200, "on", "GET /quick?q=on HTTP/1.1"); /* the server has not suffered */
}

static void left(enum leaving how)
{
    serve(routes, (struct async_web_opts){ 0 }, leave, &how);
    ck_assert_int_eq(result, -ECANCELED);
    ck_assert_str_eq(why, "the client went away");
    ck_assert_str_eq(seen, "still here /long");
}

START_TEST(a_client_that_closes_cancels_its_handler)
{
    left(CLOSES);
}
END_TEST

START_TEST(a_client_that_resets_cancels_its_handler)
{
    left(RESETS);
}
END_TEST

START_TEST(a_client_that_resets_with_bytes_unread_cancels_its_handler)
{
    left(RESETS_UNREAD);
}
END_TEST

START_TEST(a_client_that_resets_late_cancels_its_handler)
{
    left(RESETS_LATE);
}
END_TEST

/* Hundreds that ask and go at once: nothing is left of them. */
static void hit_and_run(int port, void *arg)
{
    (void)arg;
    for (int i = 0; i < 300; i++) {
        int fd = dial(port);
        if (i % 3)
            put(fd, "GET /%s HTTP/1.1\r\nHost: h\r\n%s", i % 2 ? "slow" : "quick",
                i % 3 == 1 ? "\r\n" : "");
        if (i % 5 == 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
        close(fd);
    }
    expect(port, 200, "on", "GET /quick?q=on HTTP/1.1");
    wait_until(&running, 0);
}

START_TEST(clients_that_go_at_once_leave_nothing)
{
    serve(routes, (struct async_web_opts){ 0 }, hit_and_run, NULL); /* whose end waits for who is left */
    ck_assert_int_eq(running, 0);
}
END_TEST

/* --- limits --- */

static void too_many(int port, void *arg)
{
    int fds[5];
    (void)arg;
    for (int i = 0; i < 5; i++) {
        fds[i] = dial(port); /* the kernel takes them all */
        put(fds[i], "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    for (int i = 0; i < 3; i++) {
        struct answer a = answer_read(fds[i], false);
        ck_assert_int_eq(a.status, 200);
        free(a.body);
    }
    struct pollfd waiting[2] = { { fds[3], POLLIN, 0 }, { fds[4], POLLIN, 0 } };
    ck_assert_int_eq(poll(waiting, 2, 200), 0);
    close(fds[0]);
    close(fds[1]);
    for (int i = 3; i < 5; i++) { /* there is a place now */
        struct answer a = answer_read(fds[i], false);
        ck_assert_int_eq(a.status, 200);
        free(a.body);
        close(fds[i]);
    }
    close(fds[2]);
}

START_TEST(clients_beyond_the_limit_wait_for_a_place)
{
    serve(routes, (struct async_web_opts){ .limit = 3 }, too_many, NULL);
}
END_TEST

static void be_silent(int port, void *arg)
{
    (void)arg;
    int never = dial(port), once = dial(port), half = dial(port);
    put(once, "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
    struct answer a = answer_read(once, false);
    ck_assert_int_eq(a.status, 200);
    free(a.body);
    double start = now();
    put(half, "GET /quick HTTP/1.1\r\n");
    ck_assert(at_end(never) && at_end(once) && at_end(half));
    ck_assert_double_ge(now() - start, 0.5);
    close(never);
    close(once);
    close(half);
}

START_TEST(silent_connections_are_closed)
{
    serve(routes, (struct async_web_opts){ .idle_timeout = 1 }, be_silent, NULL);
}
END_TEST

/* Never silent for long, and never done: in the first line, in the headers, in the body. */
static void drip(int port, void *arg)
{
    static const char *const begins[] = {
        "", "GET /quick HTTP/1.1\r\n", "GET /quick HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n"
    };
    int fds[3], open = 3;
    (void)arg;
    double start = now(), over[3] = { 0 };
    for (int i = 0; i < 3; i++)
        put(fds[i] = dial(port), "%s", begins[i]);
    while (open && now() - start < 8) {
        nap(0.1);
        for (int i = 0; i < 3; i++) {
            char c;
            if (over[i] > 0)
                continue;
            put(fds[i], "x");
            ssize_t n = recv(fds[i], &c, 1, MSG_DONTWAIT);
            if (n == 0 || (n < 0 && errno != EAGAIN)) {
                over[i] = now() - start;
                open--;
            }
        }
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(over[i] > 0.4, "%d: %f", i, over[i]);
        close(fds[i]);
    }
    expect(port, 200, "on", "GET /quick?q=on HTTP/1.1");
}

START_TEST(a_request_that_never_ends_is_closed)
{
    serve(routes, (struct async_web_opts){ .idle_timeout = 1, .request_timeout = 0.5 }, drip, NULL);
}
END_TEST

/* More clients than descriptors: they wait, the server does not spin, and then all are served. */
static void crowd(int port, void *arg)
{
    enum { N = 60 };
    int fds[N];
    (void)arg;
    for (int i = 0; i < N; i++)
        fds[i] = dial_later(); /* before the server takes what is left */
    for (int i = 0; i < N; i++) {
        dial_now(fds[i], port);
        put(fds[i], "GET /quick HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    }
    for (int i = 0; i < N; i++) {
        struct answer a = answer_read(fds[i], false);
        ck_assert_msg(a.status == 200, "%d: %d", i, a.status);
        free(a.body);
        close(fds[i]);
    }
}

START_TEST(clients_wait_for_descriptors)
{
    struct rlimit l;
    if (RUNNING_ON_VALGRIND)
        return; /* it closes what it has no number for */
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &l), 0);
    l.rlim_cur = 80; /* the client's 60 are among them */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &l), 0);
    serve(routes, (struct async_web_opts){ 0 }, crowd, NULL);
}
END_TEST

/* --- what it counts --- */

static void ask_ten(int port, void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++)
        expect(port, 200, NULL, "GET /quick HTTP/1.1");
}

ASYNC_DEF(count)
{
    struct client c;
    async_web_server *s;
    ASYNC_TRY(async_web_server_start(routes, &s));
    client_start(&c, async_web_server_port(s), ask_ten, NULL);
    ASYNC_TRY(await_client(&c));
    struct async_web_stats stats = async_web_server_stats(s);
    ck_assert_uint_eq(stats.requests, 10);
    ck_assert_uint_eq(stats.running, 0);
    ck_assert_uint_eq(stats.most, 1);
    return await_web_server_stop(s, 1);
}

START_TEST(requests_are_counted)
{
    ck_assert_int_eq(async_run(count()), 0);
}
END_TEST

SUITE("web-clients", clients_are_served_at_the_same_time, a_connection_serves_many_requests,
      a_client_that_closes_cancels_its_handler, a_client_that_resets_cancels_its_handler,
      a_client_that_resets_with_bytes_unread_cancels_its_handler,
      a_client_that_resets_late_cancels_its_handler, clients_that_go_at_once_leave_nothing,
      clients_beyond_the_limit_wait_for_a_place, silent_connections_are_closed,
      a_request_that_never_ends_is_closed, clients_wait_for_descriptors, requests_are_counted)
