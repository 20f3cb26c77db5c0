/* SPDX-License-Identifier: MIT */
/* timeouts.c - limits of time: of a whole request, of its connecting, of standing still. */
#include "http_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const http_suite = "http-timeouts";

static int await_timed(async_http_session *s, const char *url, double timeout, double stall,
                       async_http_response **f)
{
    async_http_response_auto r = NULL;
    double before = async_time();
    int code = await_http_get(s, url, &r, .timeout = timeout, .stall_timeout = stall, .failed = f);
    ck_assert_double_lt(async_time() - before, 2 * slow());
    return code;
}

HTTP_TEST(timeout)
{
    async_http_response_auto a = NULL, b = NULL, c = NULL;
    char after[40];
    snprintf(after, sizeof after, "after %g s", 0.1 * slow());
    ck_assert_int_eq(await_timed(s, at(sv, "/delay/5000"), 0.1 * slow(), 0, &a), -ETIMEDOUT);
    ck_assert_int_eq(a->error, ASYNC_HTTP_TIMEOUT);
    ck_assert_double_ge(a->times.total, 0.1);
    ck_assert_double_eq(a->times.ttfb, 0);
    ck_assert_ptr_nonnull(strstr(async_fail_text(-ETIMEDOUT), after));
    ck_assert_int_eq(await_timed(s, at(sv, "/stall/1000"), 0.1 * slow(), 0, &b), -ETIMEDOUT);
    ck_assert_int_eq(b->status, 200);
    ck_assert_uint_eq(b->size, 500);
    ck_assert_double_gt(b->times.ttfb, 0);
    ck_assert_int_eq(await_timed(s, at(sv, "/echo"), -1, 0, &c), -ETIMEDOUT); /* nothing is tried */
    ck_assert_int_eq(atomic_load(&sv->requests), 2);
    return 0;
}

/* A foreign limit is not ours to report. */
HTTP_TEST(timeout_around)
{
    async_http_response_auto r = NULL, f = NULL;
    int verdict, inner = 0;
    await_timeout (verdict, 0.1) {
        inner = await_http_get(s, at(sv, "/delay/5000"), &r, .failed = &f);
        verdict = inner;
    }
    ck_assert_int_eq(inner, -ECANCELED);
    ck_assert_int_eq(f->error, ASYNC_HTTP_CANCELED);
    ck_assert_int_eq(verdict, -ETIMEDOUT);
    return 0;
}

HTTP_TEST(stall)
{
    async_http_response_auto a = NULL, b = NULL, c = NULL, f = NULL;
    ck_assert_int_eq(await_timed(s, at(sv, "/stall/1000"), 0, 0.1 * slow(), &a), -ETIMEDOUT);
    ck_assert_int_eq(a->error, ASYNC_HTTP_TIMEOUT);
    ck_assert_double_ge(a->times.total, 0.1);
    ck_assert_double_lt(a->times.total, slow());
    ck_assert_int_eq(await_timed(s, at(sv, "/silent"), 0, 0.1 * slow(), &b), -ETIMEDOUT);
    ck_assert_int_eq(await_http_get(s, at(sv, "/delay/150"), &c, .stall_timeout = slow()), 200);
    char buf[1000]; /* a stream: while we read slowly, nobody stalls */
    ck_assert_int_eq(
            await_http_open(s, "GET", at(sv, "/stall/4000000"), &f, .stall_timeout = 0.1 * slow()),
            200);
    ck_assert_int_eq(await_sleep(0.3 * slow()), 0);
    ssize_t n;
    size_t total = 0;
    while ((n = await_http_read(f, buf, sizeof buf)) > 0)
        total += (size_t)n;
    ck_assert_int_eq((int)n, -ETIMEDOUT);
    ck_assert_uint_eq(total, 2000000);
    return 0;
}

static int bound(struct sockaddr_in *a)
{
    socklen_t size = sizeof *a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    ck_assert_int_eq(bind(fd, (struct sockaddr *)a, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)a, &size), 0);
    return fd;
}

/* Over https the first one makes the connection. When it does not get one, or gives up, the others try, and
 * do not wait for each other any more. */
ASYNC_DEF(knock, (async_http_session *)s, (const char *)url, (int *)ret)
{
    async_http_response_auto r = NULL;
    *ret = await_http_get(s, url, &r, .connect_timeout = 0.3 * slow());
    return 0;
}

static int await_knocks(async_http_session *s, const char *url, bool give_up)
{
    int results[8] = { 0 }, r;
    double before = async_time();
    {
        await_task_auto first = async_create_task(knock(s, url, &results[0]));
        await_group (r, g) {
            for (int i = 1; i < 8; i++)
                async_spawn(g, knock(s, url, &results[i]));
            ck_assert_int_eq(await_sleep(0.1 * slow()), 0);
            if (give_up)
                async_task_cancel(first);
            async_ignore(await_task(first));
        }
    }
    ck_assert_double_lt(async_time() - before, 1.2 * slow());
    ck_assert_int_eq(results[0], give_up ? -ECANCELED : -ETIMEDOUT);
    ck_assert_int_eq(results[7], -ETIMEDOUT);
    return 0;
}

HTTP_TEST(connecting)
{
    async_http_response_auto r = NULL, f = NULL, g = NULL;
    struct sockaddr_in a;
    char url[64];
    int fd = bound(&a), waiting[2];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    ck_assert_int_eq(await_http_get(s, url, &r, .failed = &f), -ECONNREFUSED);
    ck_assert_int_eq(f->error, ASYNC_HTTP_CONNECT);
    /* a listener whose queue is full does not answer */
    ck_assert_int_eq(listen(fd, 0), 0);
    for (int i = 0; i < 2; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(waiting[i], (struct sockaddr *)&a, sizeof a);
    }
    ck_assert_int_eq(await_http_get(s, url, &r, .connect_timeout = 0.2, .failed = &g), -ETIMEDOUT);
    ck_assert_int_eq(g->error, ASYNC_HTTP_TIMEOUT);
    ck_assert_double_ge(g->times.total, 0.2);
    ck_assert_double_lt(g->times.total, slow());
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", ntohs(a.sin_port));
    ck_assert_int_eq(await_knocks(s, url, false), 0);
    ck_assert_int_eq(await_knocks(s, url, true), 0);
    close(waiting[0]);
    close(waiting[1]);
    close(fd);
    return 0;
}

/* A socket that listens, and whose queue is full. */
static int deaf(struct sockaddr_in *a, int waiting[2])
{
    int fd = bound(a);
    ck_assert_int_eq(listen(fd, 0), 0);
    for (int i = 0; i < 2; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(waiting[i], (struct sockaddr *)a, sizeof *a);
    }
    return fd;
}

ASYNC_DEF(connect_for, (async_http_session *)s, (const char *)url, (double)seconds)
{
    async_http_response_auto r = NULL;
    return await_http_get(s, url, &r, .connect_timeout = seconds, .timeout = 5 * slow());
}

/* libcurl names its next time once only: also when it does so while a turn of it is due anyhow. */
HTTP_TEST(a_cancelled_request_keeps_no_time_from_others)
{
    struct sockaddr_in a;
    char url[64];
    int waiting[2], fd = deaf(&a, waiting);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    double before = async_time();
    {
        await_task_auto first = async_create_task(connect_for(s, url, 0.5));
        ck_assert_int_eq(await_sleep(0.3), 0); /* libcurl's time for it is armed */
        await_task_auto second = async_create_task(connect_for(s, at(sv, "/silent"), 0));
        ck_assert_int_eq(await_sleep(0), 0); /* it has begun, and libcurl has not been run since */
        async_task_cancel(second);
        ck_assert_int_eq(await_task(second), -ECANCELED);
        ck_assert_int_eq(await_task(first), -ETIMEDOUT);
    }
    ck_assert_double_lt(async_time() - before, 2 * slow());
    close(waiting[0]);
    close(waiting[1]);
    close(fd);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, timeout);
    tcase_add_test(tc, timeout_around);
    tcase_add_test(tc, stall);
    tcase_add_test(tc, connecting);
    tcase_add_test(tc, a_cancelled_request_keeps_no_time_from_others);
}
