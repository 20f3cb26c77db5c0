/* SPDX-License-Identifier: MIT */
/* How servers end: what runs gets its time, no more, and nothing is left. */
#include "harness.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_int begun, ended;
static char why[64];

/* /sleep/{ms}: at the end 200; a cancelled one says who cancelled it. */
ASYNC_DEF(sleeper, (async_web_request *)rq)
{
    int64_t ms = 0;
    ASYNC_TRY(async_web_param_int(rq, "ms", &ms));
    begun++;
    int r = await_sleep((double)ms / 1000);
    if (r < 0)
        snprintf(why, sizeof why, "%s", async_cancel_cause().why);
    ended++;
    return r < 0 ? r : async_web_text(rq, 200, "slept");
}

/* Will not be hurried: its cleanup takes 0.2 s. */
ASYNC_DEF(stubborn, (async_web_request *)rq)
{
    int shield, r = 0;
    begun++;
    r = await_sleep(20);
    await_shield (shield)
        shield = await_sleep(0.2);
    ended++;
    (void)rq;
    return r;
}

static const async_web_route routes[] = { { "GET", "/sleep/{ms}", sleeper },
                                          { "GET", "/stubborn", stubborn },
                                          { 0 } };

struct ask {
    const char *path;
    int status; /* of the answer */
    bool whole;
};

static void ask_one(int port, void *arg)
{
    struct ask *it = arg;
    struct answer a = ask(port, "GET %s HTTP/1.1", it->path);
    it->status = a.status;
    it->whole = a.whole;
    free(a.body);
}

/* Start a server, have a client ask it, stop it with that grace as soon as its handler runs. */
ASYNC_DEF(stop_while, (struct ask *)it, (double)grace, (double *)ret_seconds)
{
    struct client c;
    async_web_server *s;
    int expected = begun + 1;
    ASYNC_TRY(async_web_server_start(routes, &s));
    client_start(&c, async_web_server_port(s), ask_one, it);
    while (begun < expected)
        ASYNC_TRY(await_sleep(0.005));
    double start = async_time();
    ASYNC_TRY(await_web_server_stop(s, grace));
    *ret_seconds = async_time() - start;
    ck_assert_int_eq(begun, ended);
    return await_client(&c);
}

START_TEST(a_request_that_has_begun_is_answered)
{
    double t;
    struct ask it = { .path = "/sleep/200" };
    ck_assert_int_eq(async_run(stop_while(&it, 10 * SUITE_SECONDS, &t)), 0);
    ck_assert_int_eq(it.status, 200); /* it was let finish, and no longer was waited: that would take too long */
}
END_TEST

START_TEST(after_the_grace_handlers_are_cancelled)
{
    double t;
    struct ask it = { .path = "/sleep/20000" };
    ck_assert_int_eq(async_run(stop_while(&it, 0.2, &t)), 0);
    ck_assert_int_eq(it.status, 503);
    ck_assert_double_ge(t, 0.2);
    ck_assert_str_eq(why, "the server stops");
}
END_TEST

START_TEST(without_grace_handlers_are_cancelled_at_once)
{
    double t;
    struct ask it = { .path = "/sleep/20000" };
    ck_assert_int_eq(async_run(stop_while(&it, 0, &t)), 0);
    ck_assert_int_eq(it.status, 503);
    ck_assert_double_lt(t, 4); /* where nothing is said it is 5 s */
    ck_assert_int_eq(async_run(stop_while(&it, -1, &t)), 0);
    ck_assert_int_eq(it.status, 503);
}
END_TEST

START_TEST(the_cleanup_of_a_handler_is_awaited)
{
    double t;
    struct ask it = { .path = "/stubborn" };
    ck_assert_int_eq(async_run(stop_while(&it, 0.1, &t)), 0);
    ck_assert_double_ge(t, 0.3);
    ck_assert_int_eq(it.status, 503);
}
END_TEST

/* --- the stop itself is cancelled --- */

ASYNC_DEF(cancelled_stop)
{
    struct client c;
    async_web_server *s;
    struct ask it = { .path = "/sleep/20000" };
    ASYNC_TRY(async_web_server_start(routes, &s));
    client_start(&c, async_web_server_port(s), ask_one, &it);
    while (begun == 0)
        ASYNC_TRY(await_sleep(0.005));
    int r;
    await_timeout (r, 0.1)
        r = await_web_server_stop(s, 10 * SUITE_SECONDS);
    ck_assert_int_eq(r, -ETIMEDOUT);
    ck_assert_int_eq(ended, 1);
    ASYNC_TRY(await_client(&c));
    ck_assert_int_eq(it.status, 503);
    return 0;
}

START_TEST(a_cancelled_stop_goes_on_to_the_end)
{
    ck_assert_int_eq(async_run(cancelled_stop()), 0);
}
END_TEST

/* A handler cannot wait for its own end. */
static async_web_server *mine;

ASYNC_DEF(stops_itself, (async_web_request *)rq)
{
    ck_assert_int_eq(await_web_server_stop(mine, 1), -EDEADLK);
    return async_web_text(rq, 200, "no");
}

ASYNC_DEF(suicide)
{
    static const async_web_route table[] = { { "GET", "/", stops_itself }, { 0 } };
    struct client c;
    struct ask it = { .path = "/" };
    ASYNC_TRY(async_web_server_start(table, &mine));
    client_start(&c, async_web_server_port(mine), ask_one, &it);
    ASYNC_TRY(await_client(&c));
    ck_assert_int_eq(it.status, 200);
    return await_web_server_stop(mine, 1);
}

START_TEST(a_handler_cannot_wait_for_its_own_end)
{
    ck_assert_int_eq(async_run(suicide()), 0);
}
END_TEST

/* Clients that are there before the server's tasks have had their first turn, stopped at once. */
ASYNC_DEF(early_clients)
{
    for (int turns = 0; turns < 8; turns++) {
        struct client c;
        async_web_server *s;
        struct ask it = { .path = "/sleep/10" };
        ASYNC_TRY(async_web_server_start(routes, &s));
        client_start(&c, async_web_server_port(s), ask_one, &it);
        nap(0.05); /* the loop stands still: the request is in the socket */
        for (int i = 0; i < turns; i++)
            ASYNC_TRY(await_sleep(0));
        ASYNC_TRY(await_web_server_stop(s, 10 * SUITE_SECONDS));
        ASYNC_TRY(await_client(&c));
        ck_assert_msg(it.status == 200 || it.status == 503 || it.status == 0, "%d", it.status);
    }
    return 0;
}

START_TEST(a_server_may_be_stopped_before_its_first_turn)
{
    ck_assert_int_eq(async_run(early_clients()), 0);
}
END_TEST

/* --- await_web_serve --- */

ASYNC_DEF(serve_task, (int *)port, (async_event *)serving)
{
    return await_web_serve(routes, .ret_port = port, .serving = serving, .grace = 2);
}

ASYNC_DEF(served)
{
    int port = 0;
    struct client c;
    async_event serving = { 0 };
    struct ask it = { .path = "/sleep/200" };
    await_task_auto t = async_create_task(serve_task(&port, &serving));
    ASYNC_TRY(await_event_wait(&serving));
    ck_assert_int_gt(port, 0);
    client_start(&c, port, ask_one, &it);
    while (begun == 0)
        ASYNC_TRY(await_sleep(0.005));
    async_task_cancel(t);
    ck_assert_int_eq(await_task(t), -ECANCELED);
    ck_assert_int_eq(ended, 1);
    ASYNC_TRY(await_client(&c));
    ck_assert_int_eq(it.status, 200);
    return 0;
}

START_TEST(a_cancelled_server_finishes_what_has_begun)
{
    ck_assert_int_eq(async_run(served()), 0);
}
END_TEST

/* Cancelled before it could begin, and as soon as it has. */
ASYNC_DEF(hardly)
{
    int port = 0;
    async_event serving = { 0 };
    for (int turns = 0; turns < 6; turns++) {
        async_event_clear(&serving);
        await_task_auto t = async_create_task(serve_task(&port, &serving));
        for (int i = 0; i < turns; i++)
            ASYNC_TRY(await_sleep(0));
        async_task_cancel(t);
        ck_assert_int_eq(await_task(t), -ECANCELED);
    }
    return 0;
}

START_TEST(a_server_may_be_cancelled_before_it_begins)
{
    ck_assert_int_eq(async_run(hardly()), 0);
}
END_TEST

/* --- connections at the end --- */

static void hold_idle(int port, void *arg)
{
    int fd = dial(port), silent = dial(port);
    put(fd, "GET /sleep/0 HTTP/1.1\r\nHost: h\r\n\r\n");
    struct answer a = answer_read(fd, false);
    ck_assert_int_eq(a.status, 200);
    free(a.body);
    *(atomic_int *)arg = 1;
    ck_assert(at_end(fd) && at_end(silent));
    close(fd);
    close(silent);
}

ASYNC_DEF(idle_connections)
{
    struct client c;
    async_web_server *s;
    atomic_int ready = 0;
    ASYNC_TRY(async_web_server_start(routes, &s));
    client_start(&c, async_web_server_port(s), hold_idle, (void *)&ready);
    while (!ready)
        ASYNC_TRY(await_sleep(0.005));
    ASYNC_TRY(await_web_server_stop(s, 10 * SUITE_SECONDS)); /* nobody waits for those who want nothing */
    return await_client(&c);
}

START_TEST(a_stop_waits_for_no_idle_connection)
{
    ck_assert_int_eq(async_run(idle_connections()), 0);
}
END_TEST

/* While it stops: no new connections, and kept ones are told to close. */
static void ask_during_stop(int port, void *arg)
{
    int fd = dial(port);
    put(fd, "GET /sleep/300 HTTP/1.1\r\nHost: h\r\n\r\n");
    while (*(atomic_int *)arg == 0)
        nap(0.005);
    nap(0.05);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(late, (struct sockaddr *)&a, sizeof a), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    close(late);
    struct answer answer = answer_read(fd, false);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer_header(&answer, "Connection"), "close");
    ck_assert(at_end(fd));
    free(answer.body);
    close(fd);
}

ASYNC_DEF(during_stop)
{
    struct client c;
    async_web_server *s;
    atomic_int stopping = 0;
    ASYNC_TRY(async_web_server_start(routes, &s));
    client_start(&c, async_web_server_port(s), ask_during_stop, (void *)&stopping);
    while (begun == 0)
        ASYNC_TRY(await_sleep(0.005));
    stopping = 1;
    ASYNC_TRY(await_web_server_stop(s, 5));
    return await_client(&c);
}

START_TEST(a_stop_takes_no_new_connection)
{
    ck_assert_int_eq(async_run(during_stop()), 0);
}
END_TEST

/* Main returns and forgets the server: its handlers end all the same. (Its memory is lost.) */
static async_web_server *forgotten;

ASYNC_DEF(forgetful, (struct client *)c, (struct ask *)it)
{
    ASYNC_TRY(async_web_server_start(routes, &forgotten, .grace = 0.1));
    client_start(c, async_web_server_port(forgotten), ask_one, it);
    while (begun == 0)
        ASYNC_TRY(await_sleep(0.005));
    return 7;
}

ASYNC_DEF(nothing)
{
    return 0;
}

START_TEST(a_forgotten_server_ends_its_handlers)
{
    struct client c;
    struct ask it = { .path = "/sleep/20000" };
    ck_assert_int_eq(async_run(forgetful(&c, &it)), 7);
    ck_assert_int_eq(ended, 1);
    ck_assert_int_eq(async_run(nothing()), 0);
    pthread_join(c.thread, NULL);
}
END_TEST

SUITE("web-stop", a_request_that_has_begun_is_answered, after_the_grace_handlers_are_cancelled,
      without_grace_handlers_are_cancelled_at_once, the_cleanup_of_a_handler_is_awaited,
      a_cancelled_stop_goes_on_to_the_end, a_handler_cannot_wait_for_its_own_end,
      a_server_may_be_stopped_before_its_first_turn, a_cancelled_server_finishes_what_has_begun,
      a_server_may_be_cancelled_before_it_begins, a_stop_waits_for_no_idle_connection,
      a_stop_takes_no_new_connection, a_forgotten_server_ends_its_handlers)
