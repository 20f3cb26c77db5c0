/* SPDX-License-Identifier: MIT */
/* streams.c - bodies piece by piece: order, back-pressure, ends of all kinds. */
#include "http_test.h"

#include <malloc.h>
#include <unistd.h>

const char *const http_suite = "http-streams";

static ssize_t await_rest(async_http_response *r, size_t size, size_t *total)
{
    static char buf[200001];
    ssize_t n;
    ck_assert_uint_lt(size, sizeof buf);
    while ((n = await_http_read(r, buf, size)) > 0) {
        buf[n] = '\0';
        ck_assert_uint_eq(strspn(buf, "x"), (size_t)n);
        *total += (size_t)n;
    }
    return n;
}

HTTP_TEST(pieces_of_any_size)
{
    static const size_t sizes[] = { 1, 7, 1000, 16384, 200000 };
    static const char *const kinds[] = { "bytes", "chunked", "close" };
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 3; k++) {
            async_http_response_auto r = NULL;
            size_t total = 0, n = sizes[i] < 10 ? 30000 : 1000003;
            ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/%s/%zu", kinds[k], n), &r), 200);
            ck_assert_str_eq(r->body, "");
            ck_assert_int_eq((int)await_rest(r, sizes[i], &total), 0);
            ck_assert_uint_eq(total, n);
            ck_assert_uint_eq(r->size, n);
            ck_assert_uint_eq(r->wire_size, n);
            ck_assert_int_eq((int)await_rest(r, sizes[i], &total), 0); /* and again */
            ck_assert_double_gt(r->times.total, 0);
        }
    return 0;
}

HTTP_TEST(headers_first)
{
    async_http_response_auto r = NULL;
    double before = async_time();
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/stall/100000"), &r), 200);
    ck_assert_double_lt(async_time() - before, slow());
    ck_assert_str_eq(async_http_header(r, "Content-Length"), "100000");
    ck_assert_int_eq(r->version, 11);
    ck_assert_str_eq(r->remote_ip, "127.0.0.1");
    return 0; /* left early */
}

HTTP_TEST(a_slow_reader_holds_the_server_back)
{
    async_http_response_auto r = NULL;
    char buf[100];
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/bytes/1000000000"), &r), 200);
    ck_assert_int_eq((int)await_http_read(r, buf, sizeof buf), (int)sizeof buf);
    ck_assert_int_eq(await_sleep(0.2), 0);
    long then = atomic_load(&sv->sent);
    ck_assert_int_eq(await_sleep(0.2), 0);
    ck_assert_int_eq(atomic_load(&sv->sent), then); /* in the kernel's buffers, not in ours */
    ck_assert_int_lt(then, 32 * 1024 * 1024);
    ck_assert_uint_le(r->size, 512 * 1024); /* a few reads of libcurl, not what the server has */
    return 0;
}

HTTP_TEST(left_early)
{
    char buf[100];
    for (int i = 0; i < 5; i++) {
        async_http_response_auto r = NULL;
        ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/bytes/1000000000"), &r), 200);
        if (i > 0)
            ck_assert_int_gt((int)await_http_read(r, buf, sizeof buf), 0);
    }
    EVENTUALLY(atomic_load(&sv->open) == 0);
    async_http_response_auto after = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo"), &after), 200);
    return 0;
}

HTTP_TEST(a_gigabyte_thrown_away)
{
    async_http_response_auto r = NULL;
    size_t total = 0;
    static char buf[200000];
    ssize_t n;
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/bytes/1000000000"), &r), 200);
    while ((n = await_http_read(r, buf, sizeof buf)) > 0)
        total += (size_t)n;
    ck_assert_int_eq((int)n, 0);
    ck_assert_uint_eq(total, 1000000000);
    return 0;
}

/* The body as an async generator; left early, the rest is still there. */
HTTP_TEST(chunks)
{
    async_http_response_auto r = NULL;
    size_t total = 0;
    int e;
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/bytes/5000000"), &r), 200);
    await_for_each (e, chunk, async_http_chunks(r)) {
        ck_assert_uint_gt(chunk.size, 0);
        ck_assert_uint_le(chunk.size, 16 * 1024);
        total += chunk.size;
        if (total > 1000000)
            break;
    }
    ck_assert_int_eq(e, 0);
    ck_assert_uint_le(total, 1000000 + 16 * 1024);
    await_for_each (e, chunk, async_http_chunks(r))
        total += chunk.size;
    ck_assert_int_eq(e, 0);
    ck_assert_uint_eq(total, 5000000);
    return 0;
}

HTTP_TEST(slow_and_whole)
{
    async_http_response_auto r = NULL;
    char buf[50000];
    size_t total = 0;
    ssize_t n;
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/bytes/5000000"), &r), 200);
    while ((n = await_http_read(r, buf, sizeof buf)) > 0) {
        total += (size_t)n;
        ck_assert_int_eq(await_sleep(total % 3 ? 0.0005 : 0), 0);
    }
    ck_assert_int_eq((int)n, 0);
    ck_assert_uint_eq(total, 5000000);
    return 0;
}

static size_t allocated(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/* A reader that nearly always leaves something behind while more comes: what was read is not kept. */
HTTP_TEST(a_slow_reader_keeps_what_it_has_not_read)
{
    enum { SIZE = 20 * 1000 * 1000 };
    async_http_response_auto r = NULL;
    size_t total = 0, before = allocated();
    char buf[7777];
    ssize_t n;
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/bytes/%d", SIZE), &r), 200);
    while ((n = await_http_read(r, buf, sizeof buf)) > 0) {
        total += (size_t)n;
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(await_sleep(0), 0);
    }
    ck_assert_int_eq((int)n, 0);
    ck_assert_uint_eq(total, SIZE);
    ck_assert_uint_lt(allocated(), before + SIZE / 4);
    return 0;
}

HTTP_TEST(broken_off)
{
    async_http_response_auto r = NULL;
    size_t total = 0;
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/half/100000"), &r), 200);
    ck_assert_int_eq(await_sleep(0.05), 0);
    ck_assert_int_eq((int)await_rest(r, 3000, &total), -ENODATA);
    ck_assert_uint_eq(total, 50000); /* what came is given first */
    ck_assert_int_eq((int)await_rest(r, 3000, &total), -ENODATA);
    ck_assert_int_eq(r->error, ASYNC_HTTP_RESET);
    ck_assert_str_ne(async_fail_text(-ENODATA), "");
    return 0;
}

HTTP_TEST(statuses)
{
    async_http_response_auto a = NULL, b = NULL, f = NULL;
    char buf[100];
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/status/404"), &a), 404);
    ck_assert_int_eq((int)await_http_read(a, buf, sizeof buf), 0);
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/status/404"), &b, .raise_for_status = true,
                                     .failed = &f),
                     -EREMOTEIO);
    ck_assert_int_eq(f->status, 404);
    ck_assert_int_eq((int)await_http_read(f, buf, sizeof buf), -EREMOTEIO);
    return 0;
}

/* What is known of a stream that failed may be read too, though nothing more comes. */
HTTP_TEST(a_failed_stream_has_an_end)
{
    async_http_response_auto r = NULL, f = NULL;
    char buf[100];
    const char *url =
            at(sv, "/raw?HTTP/1.1%%20404%%20No%%0D%%0AContent-Length:%%2010%%0D%%0A%%0D%%0A");
    ck_assert_int_eq(await_http_open(s, "GET", url, &r, .raise_for_status = true, .failed = &f),
                     -EREMOTEIO);
    for (int i = 0; i < 2; i++) {
        int e = 0;
        await_timeout (e, 2 * slow())
            e = (int)await_http_read(f, buf, sizeof buf);
        ck_assert_int_eq(e, -EREMOTEIO);
    }
    return 0;
}

HTTP_TEST(limits_of_time)
{
    async_http_response_auto r = NULL;
    size_t total = 0;
    double before = async_time();
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/stall/1000"), &r, .timeout = 0.2 * slow()),
                     200);
    ck_assert_int_eq((int)await_rest(r, 100, &total), -ETIMEDOUT);
    ck_assert_uint_eq(total, 500);
    ck_assert_double_ge(async_time() - before, 0.2);
    ck_assert_int_eq(r->error, ASYNC_HTTP_TIMEOUT);
    ck_assert_int_eq((int)await_rest(r, 100, &total), -ETIMEDOUT);
    return 0;
}

/* Also what came before the limit, if nobody has read it until then. */
HTTP_TEST(what_came_in_time_is_given_first)
{
    async_http_response_auto r = NULL;
    size_t total = 0;
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/stall/1000"), &r, .timeout = 0.2 * slow()),
                     200);
    ck_assert_int_eq(await_sleep(0.3 * slow()), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq((int)await_rest(r, 100, &total), -ETIMEDOUT);
        ck_assert_uint_eq(total, 500);
    }
    return 0;
}

HTTP_TEST(limit_of_bytes)
{
    async_http_response_auto a = NULL, b = NULL, r = NULL;
    size_t total = 0;
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/chunked/100000"), &a, .max_body = 50000), 200);
    ck_assert_int_eq((int)await_rest(a, 1000, &total), -ENOBUFS);
    ck_assert_uint_le(total, 50000);
    ck_assert_int_eq(
            await_http_open(s, "GET", at(sv, "/bytes/100000"), &r, .max_body = 50000, .failed = &b),
            -ENOBUFS);
    return 0;
}

ASYNC_DEF(read_once, (async_http_response *)r, (int *)ret)
{
    char buf[10];
    return *ret = (int)await_http_read(r, buf, sizeof buf);
}

HTTP_TEST(one_reader)
{
    async_http_response_auto r = NULL, whole = NULL;
    char buf[10];
    int first = 1, after = 1;
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/stall/10"), &r), 200);
    ck_assert_int_eq((int)await_http_read(r, buf, 10), 5);
    {
        await_task_auto t = async_create_task(read_once(r, &first));
        ck_assert_int_eq(await_sleep(0), 0);
        ck_assert_int_eq((int)await_http_read(r, buf, 1), -EBUSY);
        async_task_cancel(t);
        ck_assert_int_eq(await_task(t), -ECANCELED);
    }
    {
        await_task_auto t = async_create_task(read_once(r, &after)); /* it is free again */
        ck_assert_int_eq(await_sleep(0), 0);
    }
    ck_assert_int_eq(after, -ECANCELED);
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo"), &whole), 200);
    ck_assert_int_eq((int)await_http_read(whole, buf, 1), -EINVAL);
    ck_assert_int_eq((int)await_http_read(NULL, buf, 1), -EINVAL);
    ck_assert_ptr_null(async_http_take_body(r, &(size_t){ 0 }));
    return 0;
}

/* A reader that is cancelled again and again loses no byte. */
ASYNC_DEF(reader, (async_http_response *)r, (char *)buf, (size_t)size, (size_t *)total, (bool *)end)
{
    for (ssize_t n; (n = ASYNC_TRY(await_http_read(r, buf, size))) > 0;)
        *total += (size_t)n;
    *end = true;
    return 0;
}

HTTP_TEST(cancelled_readers)
{
    async_http_response_auto r = NULL;
    char buf[3000];
    size_t total = 0;
    bool end = false;
    ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/chunked/3000000"), &r), 200);
    for (int i = 0; i < 10000 && !end; i++) {
        await_task_auto t = async_create_task(reader(r, buf, sizeof buf, &total, &end));
        for (int k = 0; k < i % 5; k++)
            ck_assert_int_eq(await_sleep(i % 3 ? 0 : 0.0001), 0);
        async_task_cancel(t);
        async_ignore(await_task(t));
    }
    ck_assert(end);
    ck_assert_uint_eq(total, 3000000);
    return 0;
}

ASYNC_DEF(read_some, (async_http_response *)r, (char *)buf, (size_t)size)
{
    return (int)await_http_read(r, buf, size);
}

/* Bytes for both come in one turn: those of the reader that loses are there for the next read. */
HTTP_TEST(a_race_of_readers_loses_nothing)
{
    enum { SIZE = 3000000 };
    async_http_response_auto a = NULL, b = NULL;
    static char buf[2][100001];
    size_t got[2] = { 0 }, size[] = { 3000, 100000 };
    int n;
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(await_http_open(s, "GET", at(sv, "/chunked/%d", SIZE), i ? &b : &a), 200);
    do {
        int first = await_race(&n, read_some(a, buf[0], size[0]), read_some(b, buf[1], size[1]));
        ck_assert_int_ge(first, 0);
        ck_assert_int_ge(n, 0);
        ck_assert_uint_ge(strspn(buf[first], "x"), (size_t)n);
        memset(buf[first], 0, (size_t)n);
        got[first] += (size_t)n;
    } while (n > 0);
    ck_assert_int_eq((int)await_rest(a, size[0], &got[0]), 0);
    ck_assert_int_eq((int)await_rest(b, size[1], &got[1]), 0);
    ck_assert_uint_eq(got[0], SIZE);
    ck_assert_uint_eq(got[1], SIZE);
    return 0;
}

HTTP_TEST(body_of_an_upload_is_copied)
{
    async_http_response_auto r = NULL;
    static char buf[4096];
    char body[] = "mine for the call only";
    ck_assert_int_eq(await_http_open(s, "POST", at(sv, "/echo"), &r, .text = body), 200);
    memset(body, 0, sizeof body);
    ck_assert_int_gt((int)await_http_read(r, buf, sizeof buf - 1), 0);
    ck_assert_ptr_nonnull(strstr(buf, "mine for the call only"));
    return 0;
}

/* It counts against the limit until its end. */
HTTP_TEST(places)
{
    async_http_session_auto own = NULL;
    async_http_response_auto a = NULL, b = NULL;
    size_t total = 0;
    int r;
    ck_assert_int_eq(async_http_session_open(&own, .limit_per_host = 1), 0);
    ck_assert_int_eq(await_http_open(own, "GET", at(sv, "/bytes/10000000"), &a), 200);
    await_timeout (r, 0.05)
        r = await_http_get(own, at(sv, "/echo"), &b);
    ck_assert_int_eq(r, -ETIMEDOUT);
    ck_assert_int_eq((int)await_rest(a, 10000, &total), 0);
    ck_assert_int_eq(await_http_get(own, at(sv, "/echo"), &b), 200);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, pieces_of_any_size);
    tcase_add_test(tc, headers_first);
    tcase_add_test(tc, a_slow_reader_holds_the_server_back);
    tcase_add_test(tc, left_early);
    tcase_add_test(tc, a_gigabyte_thrown_away);
    tcase_add_test(tc, chunks);
    tcase_add_test(tc, slow_and_whole);
    tcase_add_test(tc, a_slow_reader_keeps_what_it_has_not_read);
    tcase_add_test(tc, broken_off);
    tcase_add_test(tc, statuses);
    tcase_add_test(tc, a_failed_stream_has_an_end);
    tcase_add_test(tc, limits_of_time);
    tcase_add_test(tc, what_came_in_time_is_given_first);
    tcase_add_test(tc, limit_of_bytes);
    tcase_add_test(tc, one_reader);
    tcase_add_test(tc, cancelled_readers);
    tcase_add_test(tc, a_race_of_readers_loses_nothing);
    tcase_add_test(tc, body_of_an_upload_is_copied);
    tcase_add_test(tc, places);
}
