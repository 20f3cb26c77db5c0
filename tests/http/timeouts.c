/* SPDX-License-Identifier: MIT */
/* timeouts.c - timeouts of a request, of a stream, of a stall and of connecting. */
#include "http_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const http_suite = "http-timeouts";

/* --- .timeout --- */

HTTP_TEST(timeout_before_the_headers)
{
    async_http_response_auto r = NULL, f = NULL;
    char after[40];
    snprintf(after, sizeof after, "after %g s", 0.1 * slowdown());
    expect_int(await_http_get(s, at(sv, "/silent"), &r, .timeout = 0.1 * slowdown(), .failed = &f),
               -ETIMEDOUT);
    expect_int(f->error, ASYNC_HTTP_TIMEOUT);
    expect_at_least(f->times.total, 0.1 * slowdown());
    expect_double(f->times.ttfb, 0);
    expect_contains(async_fail_text(-ETIMEDOUT), after);
    return 0;
}

HTTP_TEST(timeout_within_the_body_tells_what_was_received)
{
    async_http_response_auto r = NULL, f = NULL;
    expect_int(
            await_http_get(s, at(sv, "/stall/1000"), &r, .timeout = 0.1 * slowdown(), .failed = &f),
            -ETIMEDOUT);
    expect_int(f->status, 200);
    expect_int(f->size, 500);
    expect_greater(f->times.ttfb, 0);
    return 0;
}

HTTP_TEST(negative_timeout_sends_nothing)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/echo"), &r, .timeout = -1), -ETIMEDOUT);
    expect_ok(atomic_load(&sv->requests));
    return 0;
}

HTTP_TEST(timeout_of_a_block_around_is_a_cancellation)
{
    async_http_response_auto r = NULL, f = NULL;
    int result, inner = 0;
    await_timeout (result, 0.1) {
        inner = await_http_get(s, at(sv, "/silent"), &r, .failed = &f);
        result = inner;
    }
    expect_int(inner, -ECANCELED);
    expect_int(f->error, ASYNC_HTTP_CANCELED);
    expect_int(result, -ETIMEDOUT);
    return 0;
}

/* --- .timeout of a stream, which includes its body --- */

static int await_rest(async_http_response *r, size_t *total)
{
    char buf[100];
    ssize_t n;
    while ((n = await_http_read(r, buf, sizeof buf)) > 0)
        *total += (size_t)n;
    return (int)n;
}

HTTP_TEST(timeout_of_a_stream_ends_reads_for_good)
{
    async_http_response_auto r = NULL;
    size_t total = 0;
    double before = async_time();
    expect_int(await_http_open(s, "GET", at(sv, "/stall/1000"), &r, .timeout = 0.2 * slowdown()),
               200);
    expect_int(await_rest(r, &total), -ETIMEDOUT);
    expect_int(total, 500);
    expect_at_least(async_time() - before, 0.2 * slowdown());
    expect_int(r->error, ASYNC_HTTP_TIMEOUT);
    expect_int(await_rest(r, &total), -ETIMEDOUT);
    expect_eventually(atomic_load(&sv->open) == 0);
    return 0;
}

HTTP_TEST(bytes_received_in_time_are_returned_after_the_timeout)
{
    async_http_response_auto r = NULL;
    size_t total = 0;
    expect_int(await_http_open(s, "GET", at(sv, "/stall/1000"), &r, .timeout = 0.2 * slowdown()),
               200);
    expect_eventually(r->size == 500);
    expect_ok(await_sleep(0.3 * slowdown()));
    for (int i = 0; i < 2; i++) {
        expect_int(await_rest(r, &total), -ETIMEDOUT);
        expect_int(total, 500);
    }
    return 0;
}

/* --- .stall_timeout --- */

HTTP_TEST(stall_before_the_headers_or_within_the_body_is_etimedout)
{
    static const char *const paths[] = { "/silent", "/stall/1000" };
    for (int i = 0; i < 2; i++) {
        async_http_response_auto r = NULL, f = NULL;
        expect_int(await_http_get(s, at(sv, "%s", paths[i]), &r, .stall_timeout = 0.1 * slowdown(),
                                  .failed = &f),
                   -ETIMEDOUT);
        expect_int(f->error, ASYNC_HTTP_TIMEOUT);
        expect_at_least(f->times.total, 0.1 * slowdown());
        expect_contains(f->error_text, "stalled");
    }
    return 0;
}

HTTP_TEST(response_within_the_stall_timeout_is_no_stall)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/delay/150"), &r, .stall_timeout = 10 * slowdown()), 200);
    return 0;
}

/* While the reader is the slow side, the server cannot stall. It does so when all is read. */
HTTP_TEST(slow_reader_of_a_stream_is_no_stall)
{
    async_http_response_auto r = NULL;
    size_t total = 0;
    expect_int(await_http_open(s, "GET", at(sv, "/stall/4000000"), &r,
                               .stall_timeout = 0.1 * slowdown()),
               200);
    expect_ok(await_sleep(0.3 * slowdown()));
    expect_int(r->error, ASYNC_HTTP_OK);
    expect_int(await_rest(r, &total), -ETIMEDOUT);
    expect_int(total, 2000000);
    return 0;
}

/* --- .connect_timeout --- */

static int bind_socket(struct sockaddr_in *a)
{
    socklen_t size = sizeof *a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    expect_ok(bind(fd, (struct sockaddr *)a, size));
    expect_ok(getsockname(fd, (struct sockaddr *)a, &size));
    return fd;
}

/* A listener whose queue is full: further connections get no answer. */
struct full_listener {
    int fd, waiting[2];
    char http[64], https[64]; /* URLs */
};

static void full_listener_open(struct full_listener *l)
{
    struct sockaddr_in a;
    l->fd = bind_socket(&a);
    expect_ok(listen(l->fd, 0));
    for (int i = 0; i < 2; i++) {
        l->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(l->waiting[i], (struct sockaddr *)&a, sizeof a);
    }
    snprintf(l->http, sizeof l->http, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    snprintf(l->https, sizeof l->https, "https://127.0.0.1:%d/", ntohs(a.sin_port));
}

static void full_listener_close(struct full_listener *l)
{
    close(l->waiting[0]);
    close(l->waiting[1]);
    close(l->fd);
}

HTTP_TEST(port_without_a_listener_is_econnrefused)
{
    async_http_response_auto r = NULL, f = NULL;
    struct sockaddr_in a;
    char url[64];
    int fd = bind_socket(&a);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    expect_int(await_http_get(s, url, &r, .failed = &f), -ECONNREFUSED);
    expect_int(f->error, ASYNC_HTTP_CONNECT);
    close(fd);
    return 0;
}

HTTP_TEST(listener_that_does_not_answer_is_etimedout)
{
    async_http_response_auto r = NULL, f = NULL;
    struct full_listener l;
    full_listener_open(&l);
    expect_int(await_http_get(s, l.http, &r, .connect_timeout = 0.2, .failed = &f), -ETIMEDOUT);
    expect_int(f->error, ASYNC_HTTP_TIMEOUT);
    expect_at_least(f->times.total, 0.2);
    full_listener_close(&l);
    return 0;
}

#define CONNECT_TIMEOUT (0.3 * slowdown())

ASYNC_DEF(connect_and_fail, (async_http_session *)s, (const char *)url, (async_http_response **)ret,
          (int *)ret_code)
{
    async_http_response_auto r = NULL;
    *ret_code = await_http_get(s, url, &r, .connect_timeout = CONNECT_TIMEOUT, .failed = ret);
    return 0;
}

/* Over https the first request makes the connection, and seven others wait for it. When the first
 * one has failed or was cancelled, the others must start at once, and not wait for each other's
 * timeouts. */
static int await_eight_connect(async_http_session *s, bool cancel_first)
{
    async_http_response *failed[8] = { 0 };
    struct full_listener l;
    int codes[8] = { 0 }, r;
    full_listener_open(&l);
    {
        await_task_auto first = async_create_task(connect_and_fail(s, l.https, failed, codes));
        await_group (r, g) {
            for (int i = 1; i < 8; i++)
                async_spawn(g, connect_and_fail(s, l.https, &failed[i], &codes[i]));
            expect_ok(await_sleep(CONNECT_TIMEOUT / 3));
            if (cancel_first)
                async_task_cancel(first);
            async_ignore(await_task(first));
        }
    }
    expect_ok(r);
    expect_int(codes[0], cancel_first ? -ECANCELED : -ETIMEDOUT);
    for (int i = 1; i < 8; i++) {
        expect_int(codes[i], -ETIMEDOUT);
        expect_less(failed[i]->times.queued - failed[0]->times.total, CONNECT_TIMEOUT);
    }
    for (int i = 0; i < 8; i++)
        async_http_response_free(failed[i]);
    full_listener_close(&l);
    return 0;
}

HTTP_TEST(failed_first_connection_lets_all_others_try)
{
    return await_eight_connect(s, false);
}

HTTP_TEST(cancelled_first_connection_lets_all_others_try)
{
    return await_eight_connect(s, true);
}

ASYNC_DEF(connect_for, (async_http_session *)s, (const char *)url, (async_http_response **)ret)
{
    async_http_response_auto r = NULL;
    return await_http_get(s, url, &r, .connect_timeout = 0.5, .timeout = 5 * slowdown(),
                          .failed = ret);
}

ASYNC_DEF(get, (async_http_session *)s, (const char *)url)
{
    async_http_response_auto r = NULL;
    return await_http_get(s, url, &r);
}

/* libcurl passes the time of its next timeout only once, also if it does so while a run of it is
 * due anyway. If that time were lost, .timeout would end the first request, and the
 * message would say so. */
HTTP_TEST(cancelled_request_does_not_delay_the_timeout_of_another)
{
    async_http_response_auto f = NULL;
    struct full_listener l;
    full_listener_open(&l);
    {
        await_task_auto first = async_create_task(connect_for(s, l.http, &f));
        expect_ok(await_sleep(0.3)); /* libcurl's timer for it is armed */
        await_task_auto second = async_create_task(get(s, at(sv, "/silent")));
        expect_ok(await_sleep(0)); /* it has begun, and libcurl has not run since */
        async_task_cancel(second);
        expect_int(await_task(second), -ECANCELED);
        expect_int(await_task(first), -ETIMEDOUT);
    }
    expect_lacks(f->error_text, " s while"); /* as in "timed out after 5 s while ..." */
    full_listener_close(&l);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, timeout_before_the_headers);
    tcase_add_test(tc, timeout_within_the_body_tells_what_was_received);
    tcase_add_test(tc, negative_timeout_sends_nothing);
    tcase_add_test(tc, timeout_of_a_block_around_is_a_cancellation);
    tcase_add_test(tc, timeout_of_a_stream_ends_reads_for_good);
    tcase_add_test(tc, bytes_received_in_time_are_returned_after_the_timeout);
    tcase_add_test(tc, stall_before_the_headers_or_within_the_body_is_etimedout);
    tcase_add_test(tc, response_within_the_stall_timeout_is_no_stall);
    tcase_add_test(tc, slow_reader_of_a_stream_is_no_stall);
    tcase_add_test(tc, port_without_a_listener_is_econnrefused);
    tcase_add_test(tc, listener_that_does_not_answer_is_etimedout);
    tcase_add_test(tc, failed_first_connection_lets_all_others_try);
    tcase_add_test(tc, cancelled_first_connection_lets_all_others_try);
    tcase_add_test(tc, cancelled_request_does_not_delay_the_timeout_of_another);
}
