/* SPDX-License-Identifier: MIT */
/* session.c - the life of a session: options, loops, and what its end does to requests. */
#include "http_test.h"

#include <pthread.h>

const char *const http_suite = "http-session";

/* --- opening --- */

TEST(open_outside_of_a_loop_is_eperm)
{
    async_http_session *own = NULL;
    expect_int(async_http_session_open(&own), -EPERM);
    expect_null(own);
}

TEST(close_and_free_accept_null)
{
    async_http_session_close(NULL);
    async_http_response_free(NULL);
}

HTTP_TEST(bad_options_are_einval)
{
    async_http_session *own = NULL;
    expect_int(async_http_session_open(&own, .headers = ASYNC_HTTP_PAIRS("A", "\n")), -EINVAL);
    expect_text_not(async_fail_text(-EINVAL), "");
    expect_int(async_http_session_open(&own, .user_agent = "a\r\nB: c"), -EINVAL);
    expect_int(async_http_session_open(&own, .ip = 5), -EINVAL);
    expect_null(own);
    return 0;
}

HTTP_TEST(context_manager_opens_and_closes)
{
    async_http_session *own = NULL;
    int r, status = 0;
    await_with (r, async_http_session_context_manager(&own, .limit = 3)) {
        async_http_response_auto page = NULL;
        status = await_http_get(own, at(sv, "/echo"), &page);
    }
    expect_ok(r);
    expect_int(status, 200);
    expect_null(own);
    expect_eventually(atomic_load(&sv->open) == 0);
    return 0;
}

/* Here by its old name, which still compiles. */
HTTP_TEST(context_manager_with_bad_options_is_not_entered)
{
    async_http_session *own = NULL;
    int r;
    await_with (r, async_http_session_hold(&own, .ip = 1))
        fail_test("entered");
    expect_int(r, -EINVAL);
    return 0;
}

HTTP_TEST(cookies_are_kept_if_the_session_has_a_jar)
{
    async_http_session_auto jar = NULL;
    async_http_response_auto a = NULL, b = NULL, c = NULL, d = NULL;
    expect_ok(async_http_session_open(&jar, .cookies = true));
    expect_int(await_http_get(jar, at(sv, "/cookie"), &a), 200);
    expect_int(await_http_get(jar, at(sv, "/echo"), &b), 200);
    expect_contains(b->body, "Cookie: crumb=42\r\n");
    expect_int(await_http_get(s, at(sv, "/cookie"), &c), 200);
    expect_int(await_http_get(s, at(sv, "/echo"), &d), 200);
    expect_lacks(d->body, "Cookie");
    return 0;
}

/* --- loops --- */

ASYNC_DEF(request_fifty, (const char *)url)
{
    async_http_session_auto own = NULL;
    ASYNC_TRY(async_http_session_open(&own));
    for (int i = 0; i < 50; i++) {
        async_http_response_auto r = NULL;
        ASYNC_TRY(await_http_get(own, url, &r));
    }
    return 0;
}

static void *run_loop(void *url)
{
    return (void *)(intptr_t)async_run(request_fifty(url));
}

TEST(four_loops_have_a_session_each)
{
    struct server sv;
    pthread_t threads[4];
    void *r;
    server_start(&sv);
    const char *url = at(&sv, "/echo");
    for (int i = 0; i < 4; i++)
        expect_ok(pthread_create(&threads[i], NULL, run_loop, (void *)(uintptr_t)url));
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &r);
        expect_ok((int)(intptr_t)r);
    }
    expect_int(atomic_load(&sv.requests), 200);
    expect_int(atomic_load(&sv.connections), 4);
    server_stop(&sv);
}

static async_http_session *foreign;

ASYNC_DEF(use_foreign_session)
{
    async_http_response_auto r = NULL;
    return await_http_get(foreign, "http://127.0.0.1/", &r);
}

static void *run_foreign(void *arg)
{
    (void)arg;
    return (void *)(intptr_t)async_run(use_foreign_session());
}

HTTP_TEST(session_of_another_loop_is_eperm)
{
    pthread_t thread;
    void *r;
    foreign = s;
    expect_ok(pthread_create(&thread, NULL, run_foreign, NULL));
    pthread_join(thread, &r);
    expect_int((int)(intptr_t)r, -EPERM);
    return 0;
}

/* --- closing --- */

ASYNC_DEF(get, (async_http_session *)s, (const char *)url)
{
    async_http_response_auto r = NULL;
    return await_http_get(s, url, &r);
}

ASYNC_DEF(open_stream, (async_http_session *)s, (const char *)url)
{
    async_http_response_auto r = NULL;
    return await_http_open(s, "GET", url, &r);
}

HTTP_TEST(close_ends_requests_that_wait_for_a_response)
{
    async_http_session *own = NULL;
    const char *silent = at(sv, "/silent");
    expect_ok(async_http_session_open(&own));
    await_task_auto whole = async_create_task(get(own, silent));
    await_task_auto stream = async_create_task(open_stream(own, silent));
    expect_eventually(atomic_load(&sv->requests) == 2);
    async_http_session_close(own);
    expect_int(await_task(whole), -EPIPE);
    expect_int(await_task(stream), -EPIPE);
    expect_eventually(atomic_load(&sv->open) == 0);
    return 0;
}

HTTP_TEST(close_ends_requests_that_are_queued)
{
    async_http_session *own = NULL;
    const char *silent = at(sv, "/silent");
    expect_ok(async_http_session_open(&own, .limit = 1));
    await_task_auto running = async_create_task(get(own, silent));
    expect_eventually(atomic_load(&sv->requests) == 1);
    await_task_auto first = async_create_task(get(own, silent));
    await_task_auto second = async_create_task(get(own, silent));
    expect_ok(await_sleep(0));
    async_http_session_close(own);
    expect_int(await_task(running), -EPIPE);
    expect_int(await_task(first), -EPIPE);
    expect_int(await_task(second), -EPIPE);
    expect_int(atomic_load(&sv->requests), 1);
    return 0;
}

HTTP_TEST(whole_response_outlives_its_session)
{
    async_http_session *own = NULL;
    async_http_response_auto r = NULL;
    expect_ok(async_http_session_open(&own));
    expect_int(await_http_get(own, at(sv, "/bytes/100"), &r), 200);
    async_http_session_drop(&own);
    expect_null(own);
    expect_int(strlen(r->body), 100);
    expect_text(async_http_header(r, "Content-Length"), "100");
    return 0;
}

/* Bytes that were received before are still returned. */
HTTP_TEST(stream_of_a_closed_session_ends_with_epipe)
{
    async_http_session *own = NULL;
    async_http_response_auto r = NULL;
    char buf[100];
    ssize_t n;
    expect_ok(async_http_session_open(&own));
    expect_int(await_http_open(own, "GET", at(sv, "/bytes/100000000"), &r), 200);
    expect_int((int)await_http_read(r, buf, 1), 1);
    async_http_session_drop(&own);
    while ((n = await_http_read(r, buf, sizeof buf)) > 0)
        ;
    expect_int((int)n, -EPIPE);
    expect_int((int)await_http_read(r, buf, sizeof buf), -EPIPE);
    expect_int(r->error, ASYNC_HTTP_CLOSED);
    return 0;
}

HTTP_TEST(url_may_be_relative_to_the_base_url)
{
    async_http_session_auto own = NULL;
    async_http_session *bad = NULL;
    char base[128];
    snprintf(base, sizeof base, "%s/echo/v1/", sv->url);
    expect_ok(async_http_session_open(&own, .base_url = base));
    base[0] = '\0'; /* it was copied */
    static const char *const paths[][2] = {
        { "users/7?a=b", "GET /echo/v1/users/7?a=b&c=d HTTP" },
        { "/echo", "GET /echo?c=d HTTP" },
        { "", "GET /echo/v1/?c=d HTTP" },
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        async_http_response_auto r = NULL;
        expect_int(await_http_get(own, paths[i][0], &r, .query = ASYNC_HTTP_PAIRS("c", "d")), 200);
        expect_contains(r->body, paths[i][1]);
    }
    async_http_response_auto whole = NULL, other = NULL;
    expect_int(await_http_get(own, at(sv, "/echo?whole"), &whole), 200);
    expect_contains(whole->body, "GET /echo?whole HTTP");
    expect_int(await_http_get(own, "mailto:joe@a", &other), -EPROTONOSUPPORT);
    expect_int(await_http_get(own, "http:/a", &other), -EINVAL);
    expect_int(await_http_get(s, "users/7", &other), -EINVAL);
    expect_int(async_http_session_open(&bad, .base_url = "users"), -EINVAL);
    expect_contains(async_fail_text(-EINVAL), "session option .base_url: bad URL");
    expect_int(async_http_session_open(&bad, .base_url = "http://u:p@a/"), -EINVAL);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, url_may_be_relative_to_the_base_url);
    tcase_add_test(tc, open_outside_of_a_loop_is_eperm);
    tcase_add_test(tc, close_and_free_accept_null);
    tcase_add_test(tc, bad_options_are_einval);
    tcase_add_test(tc, context_manager_opens_and_closes);
    tcase_add_test(tc, context_manager_with_bad_options_is_not_entered);
    tcase_add_test(tc, cookies_are_kept_if_the_session_has_a_jar);
    tcase_add_test(tc, four_loops_have_a_session_each);
    tcase_add_test(tc, session_of_another_loop_is_eperm);
    tcase_add_test(tc, close_ends_requests_that_wait_for_a_response);
    tcase_add_test(tc, close_ends_requests_that_are_queued);
    tcase_add_test(tc, whole_response_outlives_its_session);
    tcase_add_test(tc, stream_of_a_closed_session_ends_with_epipe);
}
