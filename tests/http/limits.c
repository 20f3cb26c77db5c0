/* SPDX-License-Identifier: MIT */
/* limits.c - of requests at a time, of bytes. */
#include "http_test.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const http_suite = "http-limits";

/* libcurl calls this recv() instead of libc's: how much it asked for, at most. */
static _Thread_local size_t most_at_once;

ssize_t recv(int fd, void *buf, size_t size, int flags)
{
    if (size > most_at_once)
        most_at_once = size;
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

static int await_many(async_http_session *s, const char *url, int n, int *count)
{
    int r;
    {
        await_group (r, g)
            for (int i = 0; i < n; i++)
                async_spawn(g, fetch(s, url, count));
    }
    return r;
}

HTTP_TEST(per_host)
{
    async_http_session_auto own = NULL;
    int count = 0;
    ck_assert_int_eq(async_http_session_open(&own, .limit_per_host = 3), 0);
    ck_assert_int_eq(await_many(own, at(sv, "/delay/20"), 20, &count), 0);
    ck_assert_int_eq(count, 20);
    ck_assert_int_eq(atomic_load(&sv->most_busy), 3);
    ck_assert_int_eq(atomic_load(&sv->connections), 3);
    return 0;
}

HTTP_TEST(total)
{
    async_http_session_auto own = NULL;
    int count = 0;
    ck_assert_int_eq(async_http_session_open(&own, .limit = 2), 0);
    ck_assert_int_eq(await_many(own, at(sv, "/delay/20"), 10, &count), 0);
    ck_assert_int_eq(count, 10);
    ck_assert_int_eq(atomic_load(&sv->most_busy), 2);
    return 0;
}

HTTP_TEST(none)
{
    async_http_session_auto own = NULL;
    int count = 0;
    ck_assert_int_eq(async_http_session_open(&own, .limit = -1), 0);
    ck_assert_int_eq(await_many(own, at(sv, "/delay/%d", (int)(500 * slow())), 130, &count), 0);
    ck_assert_int_gt(atomic_load(&sv->most_busy), 30); /* on a busy machine some end before others begin */
    ck_assert_int_le(atomic_load(&sv->most_busy), 130);
    count = 0; /* and the default is 100 */
    atomic_store(&sv->most_busy, 0);
    ck_assert_int_eq(await_many(s, at(sv, "/delay/%d", (int)(500 * slow())), 130, &count), 0);
    ck_assert_int_gt(atomic_load(&sv->most_busy), 30);
    ck_assert_int_le(atomic_load(&sv->most_busy), 100);
    return 0;
}

/* Of many at once the later ones read less at a time, but not those that follow when these have ended. */
HTTP_TEST(a_request_after_many_reads_as_much_as_before)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL;
    ck_assert_int_eq(async_http_session_open(&own, .limit = -1), 0);
    ck_assert_int_eq(await_many(own, at(sv, "/delay/%d", (int)(500 * slow())), 130, NULL), 0);
    most_at_once = 0;
    ck_assert_int_eq(await_http_get(own, at(sv, "/bytes/100000"), &r), 200);
    ck_assert_uint_eq(most_at_once, 16 * 1024);
    return 0;
}

/* A host whose places are taken keeps nobody from another one. */
HTTP_TEST(hosts_do_not_starve_each_other)
{
    struct server other;
    server_start(&other);
    async_http_session_auto own = NULL;
    int far = 0, near = 0, r;
    const char *there = at(sv, "/delay/%d", (int)(400 * slow())), *elsewhere = at(&other, "/delay/1");
    ck_assert_int_eq(async_http_session_open(&own, .limit_per_host = 1), 0);
    {
        await_group (r, g) {
            for (int i = 0; i < 4; i++)
                async_spawn(g, fetch(own, there, &far));
            for (int i = 0; i < 20; i++)
                async_spawn(g, fetch(own, elsewhere, &near));
            EVENTUALLY(near == 20);
            ck_assert_int_le(far, 2);
        }
    }
    ck_assert_int_eq(r, 0);
    ck_assert_int_eq(far, 4);
    async_http_session_drop(&own);
    EVENTUALLY(atomic_load(&other.open) == 0);
    server_stop(&other);
    return 0;
}

HTTP_TEST(queueing_is_measured)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL;
    ck_assert_int_eq(async_http_session_open(&own, .limit_per_host = 1), 0);
    await_task_auto first = async_create_task(fetch(own, at(sv, "/delay/100"), NULL));
    ck_assert_int_eq(await_sleep(0.02), 0);
    ck_assert_int_eq(await_http_get(own, at(sv, "/echo"), &r), 200);
    ck_assert_double_gt(r->times.queued, 0.05);
    ck_assert_double_gt(r->times.ttfb, r->times.queued);
    ck_assert_double_ge(r->times.total, r->times.ttfb);
    return 0;
}

/* --- bytes --- */

HTTP_TEST(max_body)
{
    async_http_response_auto a = NULL, b = NULL, c = NULL, d = NULL, ok = NULL, r = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/bytes/1000"), &ok, .max_body = 1000), 200);
    ck_assert_int_eq(await_http_get(s, at(sv, "/bytes/1001"), &r, .max_body = 1000, .failed = &a),
                     -ENOBUFS);
    ck_assert_int_eq(a->error, ASYNC_HTTP_TOO_LARGE);
    ck_assert_uint_eq(a->size, 0); /* refused by its length */
    ck_assert_int_eq(
            await_http_get(s, at(sv, "/chunked/1000000000"), &r, .max_body = 100000, .failed = &b),
            -ENOBUFS);
    ck_assert_uint_le(b->size, 100000);
    ck_assert_int_eq(await_http_get(s, at(sv, "/close/1000000000"), &r, .failed = &c), -ENOBUFS);
    ck_assert_uint_le(c->size, 64 * 1024 * 1024);
    ck_assert_int_eq(await_http_get(s, at(sv, "/gzip/100000"), &r, .max_body = 99999, .failed = &d),
                     -ENOBUFS);
    ck_assert_int_eq(d->error, ASYNC_HTTP_TOO_LARGE);
    async_http_response_auto head = NULL; /* has a length and no body */
    ck_assert_int_eq(await_http_head(s, at(sv, "/bytes/0"), &head, .max_body = 1), 200);
    return 0;
}

/* 200 MB of zeros in a little more than one. */
HTTP_TEST(bomb)
{
    async_http_response_auto r = NULL, f = NULL, fine = NULL;
    ck_assert_int_eq(
            await_http_get(s, at(sv, "/gzip/200000000"), &r, .failed = &f, .max_body = SIZE_MAX),
            -ENOBUFS);
    ck_assert_int_eq(f->error, ASYNC_HTTP_TOO_LARGE);
    ck_assert_uint_lt(f->size, 5000000);
    ck_assert_int_eq(await_http_get(s, at(sv, "/gzip/1000000"), &fine), 200); /* small ones may be dense */
    return 0;
}

/* libcurl unpacks this too, though it was not asked for and with .no_decompress. */
HTTP_TEST(bomb_in_the_transfer)
{
    async_http_response_auto r = NULL, f = NULL, fine = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/transfer-gzip/20000000"), &r, .failed = &f,
                                    .max_body = SIZE_MAX, .no_decompress = true),
                     -ENOBUFS);
    ck_assert_int_eq(f->error, ASYNC_HTTP_TOO_LARGE);
    ck_assert_int_eq(await_http_get(s, at(sv, "/transfer-gzip/100000"), &fine), 200);
    ck_assert_uint_eq(fine->size, 100000);
    return 0;
}

HTTP_TEST(bomb_in_a_stream)
{
    async_http_response_auto r = NULL;
    static char buf[100000];
    ssize_t n;
    size_t total = 0;
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/gzip/200000000"), &r), 200);
    while ((n = await_http_read(r, buf, sizeof buf)) > 0)
        total += (size_t)n;
    ck_assert_int_eq((int)n, -ENOBUFS);
    ck_assert_uint_lt(total, 5000000);
    return 0;
}

HTTP_TEST(max_headers)
{
    async_http_response_auto a = NULL, b = NULL, r = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/headers/100000"), &a), 200);
    ck_assert_int_eq(await_http_get(s, at(sv, "/headers/1000000"), &r, .failed = &b), -ENOBUFS);
    ck_assert_int_eq(b->error, ASYNC_HTTP_TOO_LARGE);
    return 0;
}

HTTP_TEST(descriptors)
{
    struct rlimit limit, none;
    async_http_response_auto a = NULL, f = NULL, b = NULL;
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    int next = dup(0); /* the number that a socket would get */
    close(next);
    none.rlim_cur = (rlim_t)next;
    setrlimit(RLIMIT_NOFILE, &none);
    int code = await_http_get(s, at(sv, "/echo"), &a, .failed = &f);
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_int_eq(code, -EMFILE);
    ck_assert_int_eq(f->error, ASYNC_HTTP_RESOURCES);
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo"), &b), 200);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, per_host);
    tcase_add_test(tc, total);
    tcase_add_test(tc, none);
    tcase_add_test(tc, a_request_after_many_reads_as_much_as_before);
    tcase_add_test(tc, hosts_do_not_starve_each_other);
    tcase_add_test(tc, queueing_is_measured);
    tcase_add_test(tc, max_body);
    tcase_add_test(tc, bomb);
    tcase_add_test(tc, bomb_in_the_transfer);
    tcase_add_test(tc, bomb_in_a_stream);
    tcase_add_test(tc, max_headers);
    tcase_add_test(tc, descriptors);
}
