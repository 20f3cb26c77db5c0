/* SPDX-License-Identifier: MIT */
/* life.c - connections that are kept, servers that fail, requests that are cancelled, sessions that are closed. */
#include "http_test.h"

#include <pthread.h>
#include <unistd.h>

const char *const http_suite = "http-life";

HTTP_TEST(one_connection_for_many_requests)
{
    for (int i = 0; i < 50; i++) {
        async_http_response_auto r = NULL;
        ck_assert_int_eq(await_http_get(s, at(sv, "/bytes/%d", i * 100), &r), 200);
        ck_assert_uint_eq(r->size, (size_t)i * 100);
    }
    ck_assert_int_eq(atomic_load(&sv->connections), 1);
    return 0;
}

/* The server closes its side while nobody uses the connection: the next request takes a new one, and meanwhile
 * the loop sleeps. */
HTTP_TEST(closed_while_idle)
{
    struct timespec before, after;
    for (int i = 0; i < 3; i++) {
        async_http_response_auto r = NULL;
        ck_assert_int_eq(await_http_get(s, at(sv, "/idle"), &r), 200);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
        ck_assert_int_eq(await_sleep(0.2), 0);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
        double cpu = (double)(after.tv_sec - before.tv_sec) +
                     1e-9 * (double)(after.tv_nsec - before.tv_nsec);
        ck_assert_double_lt(cpu, 0.05 * slow());
    }
    ck_assert_int_eq(atomic_load(&sv->connections), 3);
    return 0;
}

HTTP_TEST(failures)
{
    async_http_response_auto same = NULL, dns = NULL, f = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/same"), &same), 200);
    ck_assert_int_eq(await_http_get(s, "http://no-such-name.invalid/", &dns, .failed = &f),
                     -EHOSTUNREACH);
    ck_assert_int_eq(f->error, ASYNC_HTTP_DNS);
    return 0;
}

/* --- cancellation --- */

ASYNC_DEF(fetch, (async_http_session *)s, (const char *)url, (bool)stream)
{
    async_http_response_auto r = NULL;
    char buf[1000];
    if (!stream)
        return await_http_get(s, url, &r);
    ASYNC_TRY(await_http_open(s, "GET", url, &r));
    while (ASYNC_TRY(await_http_read(r, buf, sizeof buf)) > 0)
        ;
    return 200;
}

/* One turn of the loop more each time, until it is finished before it is cancelled. */
static int await_sweep(async_http_session *s, const char *url, bool stream, double step)
{
    int survived = 0, cancelled = 0;
    for (int turns = 0; turns < 400 && survived < 3; turns++) {
        await_task_auto t = async_create_task(fetch(s, url, stream));
        for (int i = 0; i < turns; i++)
            ck_assert_int_eq(await_sleep(step), 0);
        async_task_cancel(t);
        int r = await_task(t);
        ck_assert_msg(r == 200 || r == -ECANCELED, "%d", r);
        survived = r == 200 ? survived + 1 : 0;
        cancelled += r == -ECANCELED;
    }
    ck_assert_int_gt(cancelled, 0);
    return survived;
}

/* A header, or a trailer behind the body, that looks like the first line of a response is none. */
HTTP_TEST(one_response_has_one_status)
{
    static const char *const raw[] = {
        "HTTP/1.1%20200%20OK%0D%0AX-A:%20a%0D%0AHTTP/9:%20x%0D%0AContent-Length:%202%0D%0A%0D%0Aok",
        "HTTP/1.1%20200%20OK%0D%0AX-A:%20a%0D%0ATransfer-Encoding:%20chunked%0D%0A%0D%0A"
        "2%0D%0Aok%0D%0A0%0D%0AHTTP/1.1%20404:%20No%0D%0A%0D%0A",
        "HTTP/1.1%20100%20Go%0D%0AX-B:%20b%0D%0A%0D%0AHTTP/1.1%20200%20OK%0D%0AX-A:%20a%0D%0A"
        "Content-Length:%202%0D%0A%0D%0Aok",
    };
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++) {
        async_http_response_auto r = NULL;
        ck_assert_int_eq(await_http_get(s, at(sv, "/raw?%s", raw[i]), &r), 200);
        ck_assert_int_eq(r->status, 200);
        ck_assert_str_eq(r->reason, "OK");
        ck_assert_str_eq(r->body, "ok");
        ck_assert_ptr_nonnull(async_http_header(r, "X-A"));
        ck_assert_ptr_null(async_http_header(r, "X-B"));
    }
    return 0;
}

HTTP_TEST(cancelled_anywhere)
{
    static const char *const paths[] = { "/echo", "/redirect/3", "/chunked/300000", "/gzip/300000" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (int stream = 0; stream < 2; stream++) {
            const char *url = at(sv, "%s", paths[i]);
            async_ignore(await_sweep(s, url, stream, 0));
            ck_assert_int_eq(await_sweep(s, url, stream, 0.0002), 3);
        }
    async_http_response_auto r = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo"), &r), 200);
    return 0;
}

HTTP_TEST(cancelled_leaves_nothing)
{
    for (int i = 0; i < 10; i++) {
        await_task_auto t = async_create_task(fetch(s, at(sv, "/silent"), i % 2));
        EVENTUALLY(atomic_load(&sv->requests) == i + 1);
        async_task_cancel(t);
        ck_assert_int_eq(await_task(t), -ECANCELED);
    }
    EVENTUALLY(atomic_load(&sv->open) == 0);
    ck_assert_int_eq(atomic_load(&sv->connections), 10);
    return 0;
}

HTTP_TEST(cancelled_in_the_queue)
{
    async_http_session_auto own = NULL;
    const char *slow = at(sv, "/delay/100"), *url = at(sv, "/echo");
    ck_assert_int_eq(async_http_session_open(&own, .limit_per_host = 1), 0);
    await_task_auto first = async_create_task(fetch(own, slow, false));
    await_task_auto second = async_create_task(fetch(own, url, false));
    await_task_auto third = async_create_task(fetch(own, url, false));
    ck_assert_int_eq(await_sleep(0.02), 0);
    async_task_cancel(second);
    ck_assert_int_eq(await_task(second), -ECANCELED);
    ck_assert_int_eq(await_task(third), 200);
    ck_assert_int_eq(await_task(first), 200);
    ck_assert_int_eq(atomic_load(&sv->requests), 2);
    return 0;
}

HTTP_TEST(cancelled_while_the_name_is_looked_up)
{
    double before = async_time();
    for (int i = 0; i < 5; i++) {
        char url[64];
        snprintf(url, sizeof url, "http://name-%d.invalid/", i);
        await_task_auto t = async_create_task(fetch(s, url, false));
        for (int k = 0; k < i + 1; k++)
            ck_assert_int_eq(await_sleep(0), 0);
        async_task_cancel(t);
        int r = await_task(t);
        ck_assert(r == -ECANCELED || r == -EHOSTUNREACH);
    }
    ck_assert_double_lt(async_time() - before, slow());
    ck_assert_int_eq(await_sleep(0.3), 0); /* let the threads of the resolver end: descriptors are counted */
    return 0;
}

HTTP_TEST(group_of_cancelled)
{
    const char *silent = at(sv, "/silent"), *drop = at(sv, "/drop");
    int r;
    {
        await_group (r, g) {
            for (int i = 0; i < 20; i++)
                async_spawn(g, fetch(s, silent, i % 2));
            EVENTUALLY(atomic_load(&sv->requests) == 20);
            async_spawn(g, fetch(s, drop, false));
        }
    }
    ck_assert_int_eq(r, -ENODATA);
    EVENTUALLY(atomic_load(&sv->open) == 0);
    return 0;
}

/* --- closing --- */

ASYNC_DEF(open_and_read, (async_http_session *)s, (const char *)url, (bool *)open, (int *)ret)
{
    async_http_response_auto r = NULL;
    char buf[100];
    ssize_t n;
    ASYNC_TRY(await_http_open(s, "GET", url, &r));
    *open = true;
    while ((n = await_http_read(r, buf, sizeof buf)) > 0)
        ;
    *ret = (int)n;
    return 0;
}

HTTP_TEST(closed_under_way)
{
    async_http_session *own = NULL;
    const char *silent = at(sv, "/silent"), *stall = at(sv, "/stall/1000");
    int read = 0;
    bool open = false;
    ck_assert_int_eq(async_http_session_open(&own, .limit = 3), 0);
    await_task_auto a = async_create_task(fetch(own, silent, false));
    await_task_auto b = async_create_task(fetch(own, silent, true));
    await_task_auto c = async_create_task(open_and_read(own, stall, &open, &read));
    await_task_auto queued = async_create_task(fetch(own, silent, false));
    await_task_auto queued_too = async_create_task(fetch(own, silent, false));
    EVENTUALLY(open && atomic_load(&sv->requests) == 3);
    async_http_session_close(own);
    ck_assert_int_eq(await_task(a), -EPIPE);
    ck_assert_int_eq(await_task(b), -EPIPE);
    ck_assert_int_eq(await_task(c), 0);
    ck_assert_int_eq(read, -EPIPE);
    ck_assert_int_eq(await_task(queued), -EPIPE);
    ck_assert_int_eq(await_task(queued_too), -EPIPE);
    EVENTUALLY(atomic_load(&sv->open) == 0);
    return 0;
}

HTTP_TEST(responses_outlive_their_session)
{
    async_http_session *own = NULL;
    async_http_response_auto whole = NULL, stream = NULL;
    char buf[100];
    ck_assert_int_eq(async_http_session_open(&own), 0);
    ck_assert_int_eq(await_http_get(own, at(sv, "/bytes/100"), &whole), 200);
    ck_assert_int_eq(await_http_open(own, "GET", at(sv, "/bytes/100000000"), &stream), 200);
    async_http_session_drop(&own);
    ck_assert_uint_eq(strlen(whole->body), 100);
    ck_assert_str_eq(async_http_header(whole, "Content-Length"), "100");
    while (await_http_read(stream, buf, sizeof buf) > 0)
        ;
    ck_assert_int_eq((int)await_http_read(stream, buf, sizeof buf), -EPIPE);
    ck_assert_int_eq(stream->error, ASYNC_HTTP_CLOSED);
    return 0;
}

/* --- addresses, environment, threads --- */

HTTP_TEST(private_addresses)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL, a = NULL, b = NULL;
    char url[64];
    ck_assert_int_eq(async_http_session_open(&own, .no_private = true), 0);
    ck_assert_int_eq(await_http_get(own, at(sv, "/echo"), &r, .failed = &a), -EACCES);
    ck_assert_int_eq(a->error, ASYNC_HTTP_FORBIDDEN);
    snprintf(url, sizeof url, "http://localhost:%d/echo", sv->port); /* after the name is resolved */
    ck_assert_int_eq(await_http_get(own, url, &r, .failed = &b), -EACCES);
    ck_assert_int_eq(await_http_get(own, "http://[::ffff:10.1.2.3]:1/", &r), -EACCES);
    ck_assert_int_eq(await_http_get(own, "http://169.254.169.254/", &r), -EACCES);
    ck_assert_int_eq(atomic_load(&sv->connections), 0);
    return 0;
}

HTTP_TEST(resolve)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL;
    char url[64], rule[64];
    snprintf(url, sizeof url, "http://made-up.example:%d/echo", sv->port);
    snprintf(rule, sizeof rule, "made-up.example:%d:127.0.0.1", sv->port);
    ck_assert_int_eq(
            async_http_session_open(&own, .resolve = (const char *const[]){ rule, NULL }, .ip = 4), 0);
    ck_assert_int_eq(await_http_get(own, url, &r), 200);
    ck_assert_ptr_nonnull(strstr(r->body, "Host: made-up.example:"));
    return 0;
}

/* The server plays the proxy: it sees whole URLs. */
HTTP_TEST(proxies)
{
    async_http_session_auto given = NULL, env = NULL, none = NULL;
    async_http_response_auto a = NULL, b = NULL, c = NULL, d = NULL, e = NULL, f = NULL;
    setenv("http_proxy", sv->url, 1);
    setenv("no_proxy", "direct.invalid,127.0.0.1", 1);
    ck_assert_int_eq(async_http_session_open(&env), 0);
    ck_assert_int_eq(async_http_session_open(&none, .proxy = ""), 0);
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* too late */
    ck_assert_int_eq(async_http_session_open(&given, .proxy = sv->url, .no_proxy = ""), 0);
    ck_assert_int_gt(await_http_get(env, "http://far.invalid/echo", &a), 0);
    ck_assert_int_eq(await_http_get(env, "http://direct.invalid/echo", &b, .failed = &b),
                     -EHOSTUNREACH);
    ck_assert_int_eq(await_http_get(env, at(sv, "/echo"), &c), 200);
    ck_assert_ptr_nonnull(strstr(c->body, "GET /echo HTTP"));
    ck_assert_int_eq(await_http_get(none, "http://far.invalid/echo", &d, .failed = &d), -EHOSTUNREACH);
    ck_assert_int_gt(await_http_get(given, "http://far.invalid/echo", &e), 0);
    async_http_session_auto dead = NULL;
    ck_assert_int_eq(async_http_session_open(&dead, .proxy = "http://127.0.0.1:1"), 0);
    ck_assert_int_eq(await_http_get(dead, "http://far.invalid/", &f, .failed = &f), -ECONNREFUSED);
    ck_assert_int_eq(f->error, ASYNC_HTTP_PROXY);
    return 0;
}

ASYNC_DEF(in_a_loop, (const char *)url)
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
    return (void *)(intptr_t)async_run(in_a_loop(url));
}

START_TEST(a_session_in_each_of_four_loops)
{
    struct server sv;
    pthread_t threads[4];
    void *r;
    server_start(&sv);
    const char *url = at(&sv, "/echo");
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_loop, (void *)(uintptr_t)url), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &r);
        ck_assert_int_eq((int)(intptr_t)r, 0);
    }
    ck_assert_int_eq(atomic_load(&sv.requests), 200);
    ck_assert_int_eq(atomic_load(&sv.connections), 4);
    server_stop(&sv);
}
END_TEST

static async_http_session *foreign;

ASYNC_DEF(use_foreign)
{
    async_http_response_auto r = NULL;
    return await_http_get(foreign, "http://127.0.0.1/", &r);
}

static void *run_foreign(void *arg)
{
    (void)arg;
    return (void *)(intptr_t)async_run(use_foreign());
}

HTTP_TEST(a_foreign_loop_is_refused)
{
    pthread_t thread;
    void *r;
    foreign = s;
    ck_assert_int_eq(pthread_create(&thread, NULL, run_foreign, NULL), 0);
    pthread_join(thread, &r);
    ck_assert_int_eq((int)(intptr_t)r, -EPERM);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, one_response_has_one_status);
    tcase_add_test(tc, one_connection_for_many_requests);
    tcase_add_test(tc, closed_while_idle);
    tcase_add_test(tc, failures);
    tcase_add_test(tc, cancelled_anywhere);
    tcase_add_test(tc, cancelled_leaves_nothing);
    tcase_add_test(tc, cancelled_in_the_queue);
    tcase_add_test(tc, cancelled_while_the_name_is_looked_up);
    tcase_add_test(tc, group_of_cancelled);
    tcase_add_test(tc, closed_under_way);
    tcase_add_test(tc, responses_outlive_their_session);
    tcase_add_test(tc, private_addresses);
    tcase_add_test(tc, resolve);
    tcase_add_test(tc, proxies);
    tcase_add_test(tc, a_session_in_each_of_four_loops);
    tcase_add_test(tc, a_foreign_loop_is_refused);
}
