/* SPDX-License-Identifier: MIT */
/* How servers stop: handlers get their grace period, are then cancelled, and are waited for. */
#include "harness.h"

#include "../frame/capture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_int begun, ended;
static async_event handler_begun, finish;
static char why[64];

static void note_begin(void)
{
    begun++;
    async_event_set(&handler_begun);
}

/* Respond when the test sets `finish`. Notes why it was cancelled. */
ASYNC_DEF(wait_for_finish, (async_web_request *)rq)
{
    note_begin();
    int r = await_event_wait(&finish);
    if (r < 0)
        snprintf(why, sizeof why, "%s", async_cancel_cause().why);
    ended++;
    return r < 0 ? r : async_web_text(rq, 200, "finished");
}

/* Needs a moment to clean up after it has been cancelled. */
ASYNC_DEF(clean_up_slowly, (async_web_request *)rq)
{
    int shield;
    (void)rq;
    note_begin();
    int r = await_event_wait(&finish);
    await_shield (shield)
        for (int i = 0; i < 20 && shield == 0; i++)
            shield = await_sleep(0.001);
    ended++;
    return r;
}

static const async_web_route routes[] = { { "GET", "/wait", wait_for_finish },
                                          { "GET", "/slow", clean_up_slowly },
                                          { 0 } };

struct exchange {
    const char *path;
    int status; /* of the response */
};

static void request_one(int port, void *arg)
{
    struct exchange *it = arg;
    struct response r = request(port, "GET %s HTTP/1.1", it->path);
    it->status = r.status;
    free(r.body);
}

/* Start a server and a client, and wait until the client's handler runs. */
static int await_start(async_web_server **s, struct client *c, struct exchange *it)
{
    async_event_clear(&handler_begun);
    async_event_clear(&finish);
    ASYNC_TRY(async_web_server_start(routes, s));
    client_start(c, async_web_server_port(*s), request_one, it);
    return await_event_wait(&handler_begun);
}

ASYNC_DEF(finish_soon)
{
    ASYNC_TRY(await_sleep(0.01));
    async_event_set(&finish);
    return 0;
}

/* The grace period is longer than the test may take, so the handler must have ended by itself. */
ASYNC_DEF(stop_with_grace)
{
    struct client c;
    async_web_server *s;
    struct exchange it = { .path = "/wait" };
    ASYNC_TRY(await_start(&s, &c, &it));
    await_task_auto t = async_create_task(finish_soon());
    ASYNC_TRY(await_web_server_stop(&s, 10 * SUITE_SECONDS));
    ASYNC_TRY(await_client(&c));
    expect_int(it.status, 200);
    return await_task(t);
}

TEST(handler_that_ends_within_the_grace_period_is_answered)
{
    expect_ok(async_run(stop_with_grace()));
}

ASYNC_DEF(stop_after, (const char *)path, (double)grace)
{
    struct client c;
    async_web_server *s;
    struct exchange it = { .path = path };
    ASYNC_TRY(await_start(&s, &c, &it));
    ASYNC_TRY(await_web_server_stop(&s, grace));
    expect_int(begun, ended);
    ASYNC_TRY(await_client(&c));
    return it.status;
}

TEST(handler_that_exceeds_the_grace_period_is_cancelled)
{
    expect_int(async_run(stop_after("/wait", 0.01)), 503);
    expect_text(why, "the server stops");
}

TEST(debug_mode_reports_nothing_about_a_handler_that_is_cancelled)
{
    capture_stderr_begin();
    expect_int(async_run(stop_after("/wait", 0.01), .debug = true, .slow_step = 1e9), 503);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

ASYNC_DEF(stop_an_automatic_server)
{
    await_web_server_auto s = NULL;
    ASYNC_TRY(async_web_server_start(routes, &s));
    ASYNC_TRY(await_web_server_stop(&s, 1));
    expect_null(s);
    return 0;
}

TEST(automatic_server_can_be_stopped_earlier)
{
    capture_stderr_begin();
    expect_ok(async_run(stop_an_automatic_server(), .debug = true, .slow_step = 1e9));
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

TEST(handler_without_a_grace_period_is_cancelled_at_once)
{
    expect_int(async_run(stop_after("/wait", 0)), 503);
    expect_int(async_run(stop_after("/wait", -1)), 503);
    expect_text(why, "the server stops");
}

TEST(stop_waits_for_the_cleanup_of_handlers)
{
    expect_int(async_run(stop_after("/slow", 0.01)), 503);
}

/* --- the stop itself is cancelled --- */

ASYNC_DEF(cancel_stop)
{
    int r;
    struct client c;
    async_web_server *s;
    struct exchange it = { .path = "/wait" };
    ASYNC_TRY(await_start(&s, &c, &it));
    await_timeout (r, 0.01)
        r = await_web_server_stop(&s, 10 * SUITE_SECONDS);
    expect_int(r, -ETIMEDOUT);
    expect_int(ended, 1);
    ASYNC_TRY(await_client(&c));
    expect_int(it.status, 503);
    return 0;
}

TEST(cancelled_stop_ends_the_grace_period_and_completes)
{
    expect_ok(async_run(cancel_stop()));
}

/* --- a server that is stopped by one of its handlers, or not at all --- */

static async_web_server *own_server;

ASYNC_DEF(stop_own_server, (async_web_request *)rq)
{
    expect_int(await_web_server_stop(&own_server, 1), -EDEADLK);
    return async_web_text(rq, 200, "refused");
}

ASYNC_DEF(stop_from_handler)
{
    static const async_web_route table[] = { { "GET", "/", stop_own_server }, { 0 } };
    struct client c;
    struct exchange it = { .path = "/" };
    ASYNC_TRY(async_web_server_start(table, &own_server));
    client_start(&c, async_web_server_port(own_server), request_one, &it);
    ASYNC_TRY(await_client(&c));
    expect_int(it.status, 200);
    return await_web_server_stop(&own_server, 1);
}

TEST(handler_cannot_stop_its_own_server)
{
    expect_ok(async_run(stop_from_handler()));
}

/* --- more than one stop --- */

ASYNC_DEF(stop_server, (async_web_server *)s, (double)grace)
{
    return await_web_server_stop(&s, grace);
}

ASYNC_DEF(stop_twice)
{
    int results[2];
    struct client c;
    async_web_server *s;
    struct exchange it = { .path = "/slow" };
    ASYNC_TRY(await_start(&s, &c, &it));
    ASYNC_TRY(await_gather(results, stop_server(s, 0), stop_server(s, 0)));
    expect_int(begun, ended);
    return await_client(&c);
}

TEST(server_stopped_by_two_tasks_is_freed_once)
{
    expect_ok(async_run(stop_twice()));
}

static async_web_server *servers[2];
static int stop_results[2], expected;
static async_event all_inside;

/* When all that are expected are here, stop one of the servers in a child of the handler. Without
 * the child the call would be refused. */
ASYNC_DEF(stop_in_child, (async_web_request *)rq)
{
    int64_t i = 0;
    ASYNC_TRY(async_web_param_int(rq, "i", &i));
    if (++begun == expected)
        async_event_set(&all_inside);
    ASYNC_TRY(await_event_wait(&all_inside));
    async_ignore(await_gather_all(&stop_results[i], stop_server(servers[i], 0.001)));
    ended++;
    return async_web_text(rq, 200, "stopped");
}

static const async_web_route stop_routes[] = { { "GET", "/stop/{i}", stop_in_child }, { 0 } };

ASYNC_DEF(stop_from_child)
{
    struct client c;
    struct exchange it = { .path = "/stop/0" };
    expected = 1;
    ASYNC_TRY(async_web_server_start(stop_routes, &servers[0]));
    client_start(&c, async_web_server_port(servers[0]), request_one, &it);
    ASYNC_TRY(await_client(&c));
    expect_int(stop_results[0], -ECANCELED);
    return 0;
}

TEST(stop_by_a_child_of_a_handler_returns_when_the_handler_is_cancelled)
{
    expect_ok(async_run(stop_from_child()));
}

ASYNC_DEF(stop_each_other)
{
    struct client c[2];
    struct exchange it[2] = { { .path = "/stop/1" }, { .path = "/stop/0" } };
    expected = 2;
    for (int i = 0; i < 2; i++)
        ASYNC_TRY(async_web_server_start(stop_routes, &servers[i]));
    for (int i = 0; i < 2; i++)
        client_start(&c[i], async_web_server_port(servers[i]), request_one, &it[i]);
    for (int i = 0; i < 2; i++)
        ASYNC_TRY(await_client(&c[i]));
    expect_int(begun, ended);
    return 0;
}

TEST(servers_whose_handlers_stop_each_other_both_end)
{
    expect_ok(async_run(stop_each_other()));
}

/* The memory of such a server is lost; static, so that the leak check still finds it. */
static async_web_server *forgotten;

ASYNC_DEF(forget_server, (struct client *)c, (struct exchange *)it)
{
    ASYNC_TRY(async_web_server_start(routes, &forgotten, .grace = 0.01));
    client_start(c, async_web_server_port(forgotten), request_one, it);
    ASYNC_TRY(await_event_wait(&handler_begun));
    return 7;
}

ASYNC_DEF(do_nothing)
{
    return 0;
}

TEST(server_that_is_never_stopped_ends_its_handlers_when_main_returns)
{
    struct client c;
    struct exchange it = { .path = "/wait" };
    expect_int(async_run(forget_server(&c, &it)), 7);
    expect_int(ended, 1);
    expect_ok(async_run(do_nothing()));
    pthread_join(c.thread, NULL);
}

static int callback_result = 1;

static void stop_in_callback(void *arg)
{
    async_web_server *server = arg;
    callback_result = await_web_server_stop(&server, 0);
}

ASYNC_DEF(stop_outside_a_task)
{
    async_callback cb;
    async_web_server *s;
    ASYNC_TRY(async_web_server_start(routes, &s));
    async_call_soon(&cb, stop_in_callback, s);
    ASYNC_TRY(await_sleep(0.001));
    expect_int(callback_result, -EPERM);
    return await_web_server_stop(&s, 0);
}

TEST(stop_outside_of_a_task_is_refused)
{
    expect_ok(async_run(stop_outside_a_task()));
}

ASYNC_DEF(stop_null)
{
    async_web_server *none = NULL;
    return await_web_server_stop(&none, 1);
}

TEST(stop_of_null_does_nothing)
{
    expect_ok(async_run(stop_null()));
}

SUITE("web-stop", handler_that_ends_within_the_grace_period_is_answered,
      handler_that_exceeds_the_grace_period_is_cancelled,
      debug_mode_reports_nothing_about_a_handler_that_is_cancelled,
      automatic_server_can_be_stopped_earlier, handler_without_a_grace_period_is_cancelled_at_once,
      stop_waits_for_the_cleanup_of_handlers, cancelled_stop_ends_the_grace_period_and_completes,
      handler_cannot_stop_its_own_server, server_stopped_by_two_tasks_is_freed_once,
      stop_by_a_child_of_a_handler_returns_when_the_handler_is_cancelled,
      servers_whose_handlers_stop_each_other_both_end,
      server_that_is_never_stopped_ends_its_handlers_when_main_returns, stop_of_null_does_nothing,
      stop_outside_of_a_task_is_refused)
