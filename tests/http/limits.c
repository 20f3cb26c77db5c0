/* SPDX-License-Identifier: MIT */
/* limits.c - how many requests are under way at a time, in a session and to one host. */
#include "http_test.h"

#include <sys/socket.h>

const char *const http_suite = "http-limits";

/* libcurl calls this recv() instead of libc's. It notes the largest size that it was called
 * with. */
static _Thread_local size_t largest_read;

ssize_t recv(int fd, void *buf, size_t size, int flags)
{
    if (size > largest_read)
        largest_read = size;
    return recvfrom(fd, buf, size, flags, NULL, NULL);
}

ASYNC_DEF(fetch, (async_http_session *)s, (const char *)url, (int *)count)
{
    async_http_response_auto r = NULL;
    int status = ASYNC_TRY(await_http_get(s, url, &r));
    if (count)
        ++*count;
    return status;
}

/* Start n requests for /hold, wait until busy of them are being answered, and see that no further
 * one starts before they are. Then let all of them end. */
static int await_held(struct server *sv, async_http_session *s, int n, int busy)
{
    int r, count = 0;
    const char *held = at(sv, "/hold");
    {
        await_group (r, g) {
            for (int i = 0; i < n; i++)
                async_spawn(g, fetch(s, held, &count));
            expect_eventually(atomic_load(&sv->busy) == busy);
            for (int i = 0; i < 20; i++)
                expect_ok(await_sleep(0.001));
            expect_int(atomic_load(&sv->most_busy), busy);
            atomic_store(&sv->released, true);
        }
    }
    expect_ok(r);
    expect_int(count, n);
    expect_at_most(atomic_load(&sv->most_busy), busy);
    return 0;
}

HTTP_TEST(limit_per_host_bounds_requests_and_connections)
{
    async_http_session_auto own = NULL;
    expect_ok(async_http_session_open(&own, .limit_per_host = 3));
    expect_ok(await_held(sv, own, 20, 3));
    expect_int(atomic_load(&sv->connections), 3);
    return 0;
}

HTTP_TEST(limit_bounds_requests_of_the_session)
{
    async_http_session_auto own = NULL;
    expect_ok(async_http_session_open(&own, .limit = 2));
    return await_held(sv, own, 10, 2);
}

HTTP_TEST(limit_is_100_by_default)
{
    return await_held(sv, s, 130, 100);
}

HTTP_TEST(negative_limit_is_no_limit)
{
    async_http_session_auto own = NULL;
    expect_ok(async_http_session_open(&own, .limit = -1));
    return await_held(sv, own, 130, 130);
}

/* Of many requests at once the later ones have smaller read buffers. */
HTTP_TEST(request_after_many_reads_as_much_as_before)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL;
    expect_ok(async_http_session_open(&own, .limit = -1));
    expect_ok(await_held(sv, own, 130, 130));
    largest_read = 0;
    expect_int(await_http_get(own, at(sv, "/bytes/100000"), &r), 200);
    expect_int(largest_read, 16 * 1024);
    return 0;
}

HTTP_TEST(busy_host_does_not_delay_requests_to_another)
{
    struct server other;
    server_start(&other);
    async_http_session_auto own = NULL;
    int busy = 0, done = 0, r;
    const char *held = at(sv, "/hold"), *url = at(&other, "/echo");
    expect_ok(async_http_session_open(&own, .limit = 2, .limit_per_host = 1));
    {
        await_group (r, g) {
            for (int i = 0; i < 4; i++)
                async_spawn(g, fetch(own, held, &busy));
            for (int i = 0; i < 20; i++)
                async_spawn(g, fetch(own, url, &done));
            expect_eventually(done == 20);
            expect_ok(busy);
            atomic_store(&sv->released, true);
        }
    }
    expect_ok(r);
    expect_int(busy, 4);
    async_http_session_drop(&own);
    expect_eventually(atomic_load(&other.open) == 0);
    server_stop(&other);
    return 0;
}

HTTP_TEST(time_in_the_queue_is_measured)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL;
    expect_ok(async_http_session_open(&own, .limit_per_host = 1));
    await_task_auto first = async_create_task(fetch(own, at(sv, "/delay/100"), NULL));
    expect_eventually(atomic_load(&sv->busy) == 1);
    double before = async_time();
    expect_int(await_http_get(own, at(sv, "/echo"), &r), 200);
    expect_at_most(r->times.queued, async_time() - before);
    expect_greater(r->times.queued, 0);
    expect_greater(r->times.ttfb, r->times.queued);
    expect_at_least(r->times.total, r->times.ttfb);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, limit_per_host_bounds_requests_and_connections);
    tcase_add_test(tc, limit_bounds_requests_of_the_session);
    tcase_add_test(tc, limit_is_100_by_default);
    tcase_add_test(tc, negative_limit_is_no_limit);
    tcase_add_test(tc, request_after_many_reads_as_much_as_before);
    tcase_add_test(tc, busy_host_does_not_delay_requests_to_another);
    tcase_add_test(tc, time_in_the_queue_is_measured);
}
