/* SPDX-License-Identifier: MIT */
/* stream_cancel.c - a stream has one reader at a time, and one that is cancelled loses no byte. */
#include "http_test.h"

const char *const http_suite = "http-stream-cancel";

ASYNC_DEF(read_once, (async_http_response *)r, (char *)buf, (size_t)size)
{
    return (int)await_http_read(r, buf, size);
}

HTTP_TEST(second_reader_is_ebusy)
{
    async_http_response_auto r = NULL;
    char first[10], second[10];
    expect_int(await_http_open(s, "GET", at(sv, "/stall/10"), &r), 200);
    expect_int((int)await_http_read(r, first, 10), 5);
    await_task_auto t = async_create_task(read_once(r, first, sizeof first));
    expect_ok(await_sleep(0));
    expect_int((int)await_http_read(r, second, 1), -EBUSY);
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    return 0;
}

HTTP_TEST(stream_can_be_read_after_its_reader_was_cancelled)
{
    async_http_response_auto r = NULL;
    char buf[10];
    expect_int(await_http_open(s, "GET", at(sv, "/stall/10"), &r), 200);
    expect_int((int)await_http_read(r, buf, 10), 5);
    for (int i = 0; i < 2; i++) {
        await_task_auto t = async_create_task(read_once(r, buf, sizeof buf));
        expect_ok(await_sleep(0));
        async_task_cancel(t);
        expect_int(await_task(t), -ECANCELED);
    }
    return 0;
}

ASYNC_DEF(read_all, (async_http_response *)r, (char *)buf, (size_t)size, (size_t *)total,
          (bool *)end)
{
    for (ssize_t n; (n = ASYNC_TRY(await_http_read(r, buf, size))) > 0;)
        *total += (size_t)n;
    *end = true;
    return 0;
}

HTTP_TEST(reader_cancelled_again_and_again_loses_nothing)
{
    async_http_response_auto r = NULL;
    char buf[3000];
    size_t total = 0;
    bool end = false;
    expect_int(await_http_open(s, "GET", at(sv, "/chunked/3000000"), &r), 200);
    for (int i = 0; i < 10000 && !end; i++) {
        await_task_auto t = async_create_task(read_all(r, buf, sizeof buf, &total, &end));
        for (int k = 0; k < i % 5; k++)
            expect_ok(await_sleep(i % 3 ? 0 : 0.0001));
        async_task_cancel(t);
        async_ignore(await_task(t));
    }
    expect_true(end);
    expect_int(total, 3000000);
    return 0;
}

/* Bytes for both readers may arrive in one iteration of the loop. Those of the reader that loses
 * the race are returned by its next read. */
HTTP_TEST(race_of_two_readers_loses_nothing)
{
    enum { SIZE = 3000000 };
    async_http_response_auto a = NULL, b = NULL;
    static char buf[2][100001];
    size_t got[2] = { 0 }, size[] = { 3000, 100000 };
    int n;
    for (int i = 0; i < 2; i++)
        expect_int(await_http_open(s, "GET", at(sv, "/chunked/%d", SIZE), i ? &b : &a), 200);
    do {
        int first = await_race(&n, read_once(a, buf[0], size[0]), read_once(b, buf[1], size[1]));
        expect_at_least(first, 0);
        expect_at_least(n, 0);
        expect_at_least(strspn(buf[first], "x"), (size_t)n);
        memset(buf[first], 0, (size_t)n);
        got[first] += (size_t)n;
    } while (n > 0);
    async_http_response *both[] = { a, b };
    for (int i = 0; i < 2; i++) {
        ssize_t k;
        while ((k = await_http_read(both[i], buf[i], size[i])) > 0)
            got[i] += (size_t)k;
        expect_ok((int)k);
        expect_int(got[i], SIZE);
    }
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, second_reader_is_ebusy);
    tcase_add_test(tc, stream_can_be_read_after_its_reader_was_cancelled);
    tcase_add_test(tc, reader_cancelled_again_and_again_loses_nothing);
    tcase_add_test(tc, race_of_two_readers_loses_nothing);
}
