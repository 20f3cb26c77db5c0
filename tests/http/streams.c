/* SPDX-License-Identifier: MIT */
/* streams.c - bodies in pieces: order, back-pressure and memory. */
#include "http_test.h"

#include <malloc.h>

const char *const http_suite = "http-streams";

/* Read with a buffer of size bytes to the end. Returns the result of the last read. */
static ssize_t await_rest(async_http_response *r, size_t size, size_t *total)
{
    static char buf[200001];
    ssize_t n;
    expect_less(size, sizeof buf);
    while ((n = await_http_read(r, buf, size)) > 0) {
        buf[n] = '\0';
        expect_int(strspn(buf, "x"), (size_t)n);
        *total += (size_t)n;
    }
    return n;
}

HTTP_TEST(reads_of_any_size_return_the_whole_body)
{
    static const size_t sizes[] = { 1, 7, 1000, 16384, 200000 };
    static const char *const kinds[] = { "bytes", "chunked", "close" };
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 3; k++) {
            async_http_response_auto r = NULL;
            size_t total = 0, n = sizes[i] < 10 ? 30000 : 1000003;
            expect_int(await_http_open(s, "GET", at(sv, "/%s/%zu", kinds[k], n), &r), 200);
            expect_text(r->body, "");
            expect_ok((int)await_rest(r, sizes[i], &total));
            expect_int(total, n);
            expect_int(r->size, n);
            expect_int(r->wire_size, n);
            expect_greater(r->times.total, 0);
        }
    return 0;
}

/* The rest of the body never comes. */
HTTP_TEST(open_returns_when_the_headers_are_complete)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_open(s, "GET", at(sv, "/stall/100000"), &r), 200);
    expect_text(async_http_header(r, "Content-Length"), "100000");
    expect_int(r->version, 11);
    expect_text(r->remote_ip, "127.0.0.1");
    return 0;
}

HTTP_TEST(read_of_0_bytes_returns_0)
{
    async_http_response_auto r = NULL;
    char buf[10];
    expect_int(await_http_open(s, "GET", at(sv, "/bytes/5"), &r), 200);
    expect_ok((int)await_http_read(r, buf, 0));
    expect_int((int)await_http_read(r, buf, sizeof buf), 5);
    return 0;
}

HTTP_TEST(response_that_is_no_stream_is_einval)
{
    async_http_response_auto whole = NULL, stream = NULL;
    char buf[10];
    expect_int(await_http_get(s, at(sv, "/echo"), &whole), 200);
    expect_int((int)await_http_read(whole, buf, 1), -EINVAL);
    expect_int((int)await_http_read(NULL, buf, 1), -EINVAL);
    expect_int(await_http_open(s, "GET", at(sv, "/bytes/5"), &stream), 200);
    expect_null(async_http_take_body(stream, &(size_t){ 0 }));
    return 0;
}

HTTP_TEST(body_to_send_is_copied)
{
    async_http_response_auto r = NULL;
    static char buf[4096];
    char body[] = "valid during the call only";
    expect_int(await_http_open(s, "POST", at(sv, "/echo"), &r, .text = body), 200);
    memset(body, 0, sizeof body);
    expect_greater((int)await_http_read(r, buf, sizeof buf - 1), 0);
    expect_contains(buf, "valid during the call only");
    return 0;
}

HTTP_TEST(stream_holds_its_permit_until_its_end)
{
    async_http_session_auto own = NULL;
    async_http_response_auto a = NULL, b = NULL;
    size_t total = 0;
    int r;
    expect_ok(async_http_session_open(&own, .limit_per_host = 1));
    expect_int(await_http_open(own, "GET", at(sv, "/bytes/10000000"), &a), 200);
    await_timeout (r, 0.05)
        r = await_http_get(own, at(sv, "/echo"), &b);
    expect_int(r, -ETIMEDOUT);
    expect_ok((int)await_rest(a, 10000, &total));
    expect_int(await_http_get(own, at(sv, "/echo"), &b), 200);
    return 0;
}

/* --- errors by status --- */

HTTP_TEST(status_of_400_and_above_is_a_stream)
{
    async_http_response_auto r = NULL;
    char buf[100];
    expect_int(await_http_open(s, "GET", at(sv, "/status/404"), &r), 404);
    expect_ok((int)await_http_read(r, buf, sizeof buf));
    return 0;
}

/* The response in .failed can be read, too. It returns the error, although its body never comes. */
HTTP_TEST(stream_refused_for_its_status_ends_with_that_error)
{
    async_http_response_auto r = NULL, f = NULL;
    char buf[100];
    const char *url =
            at(sv, "/raw?HTTP/1.1%%20404%%20No%%0D%%0AContent-Length:%%2010%%0D%%0A%%0D%%0A");
    expect_int(await_http_open(s, "GET", url, &r, .raise_for_status = true, .failed = &f),
               -EREMOTEIO);
    expect_null(r);
    expect_int(f->status, 404);
    for (int i = 0; i < 2; i++)
        expect_int((int)await_http_read(f, buf, sizeof buf), -EREMOTEIO);
    return 0;
}

/* --- back-pressure and memory --- */

/* The server is blocked when its count of bytes stays the same. */
HTTP_TEST(slow_reader_holds_the_server_back)
{
    async_http_response_auto r = NULL;
    char buf[100];
    long before = -1;
    expect_int(await_http_open(s, "GET", at(sv, "/bytes/1000000000"), &r), 200);
    expect_int((int)await_http_read(r, buf, sizeof buf), (int)sizeof buf);
    for (int same = 0; same < 20; before = atomic_load(&sv->sent)) {
        expect_ok(await_sleep(0.01));
        same = atomic_load(&sv->sent) == before ? same + 1 : 0;
    }
    expect_less(before, 32 * 1024 * 1024); /* most of it in the kernel's buffers */
    expect_at_most(r->size, 512 * 1024);   /* a few reads of libcurl's */
    return 0;
}

HTTP_TEST(freeing_a_stream_early_closes_its_connection)
{
    char buf[100];
    for (int i = 0; i < 5; i++) {
        async_http_response_auto r = NULL;
        expect_int(await_http_open(s, "GET", at(sv, "/bytes/1000000000"), &r), 200);
        if (i > 0)
            expect_greater((int)await_http_read(r, buf, sizeof buf), 0);
    }
    expect_eventually(atomic_load(&sv->open) == 0);
    async_http_response_auto after = NULL;
    expect_int(await_http_get(s, at(sv, "/echo"), &after), 200);
    return 0;
}

static size_t allocated_bytes(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

HTTP_TEST(stream_of_a_gigabyte_needs_little_memory)
{
    async_http_response_auto r = NULL;
    size_t total = 0, before = allocated_bytes();
    static char buf[200000];
    ssize_t n;
    expect_int(await_http_open(s, "GET", at(sv, "/bytes/1000000000"), &r), 200);
    while ((n = await_http_read(r, buf, sizeof buf)) > 0)
        total += (size_t)n;
    expect_ok((int)n);
    expect_int(total, 1000000000);
    expect_less(allocated_bytes(), before + 4 * 1024 * 1024);
    return 0;
}

/* A reader that nearly always leaves something behind while more arrives. */
HTTP_TEST(bytes_that_were_read_are_not_kept)
{
    enum { SIZE = 20 * 1000 * 1000 };
    async_http_response_auto r = NULL;
    size_t total = 0, before = allocated_bytes();
    char buf[7777];
    ssize_t n;
    expect_int(await_http_open(s, "GET", at(sv, "/bytes/%d", SIZE), &r), 200);
    while ((n = await_http_read(r, buf, sizeof buf)) > 0) {
        total += (size_t)n;
        for (int i = 0; i < 2; i++)
            expect_ok(await_sleep(0));
    }
    expect_ok((int)n);
    expect_int(total, SIZE);
    expect_less(allocated_bytes(), before + SIZE / 4);
    return 0;
}

HTTP_TEST(reader_that_pauses_gets_the_whole_body)
{
    async_http_response_auto r = NULL;
    char buf[50000];
    size_t total = 0;
    ssize_t n;
    expect_int(await_http_open(s, "GET", at(sv, "/bytes/5000000"), &r), 200);
    while ((n = await_http_read(r, buf, sizeof buf)) > 0) {
        total += (size_t)n;
        expect_ok(await_sleep(total % 3 ? 0.0005 : 0));
    }
    expect_ok((int)n);
    expect_int(total, 5000000);
    return 0;
}

/* --- as a generator --- */

HTTP_TEST(chunks_left_early_can_be_continued)
{
    async_http_response_auto r = NULL;
    size_t total = 0;
    int e;
    expect_int(await_http_open(s, "GET", at(sv, "/bytes/5000000"), &r), 200);
    await_for_each (e, chunk, async_http_chunks(r)) {
        expect_greater(chunk.size, 0);
        expect_at_most(chunk.size, 16 * 1024);
        total += chunk.size;
        if (total > 1000000)
            break;
    }
    expect_ok(e);
    expect_at_most(total, 1000000 + 16 * 1024);
    await_for_each (e, chunk, async_http_chunks(r))
        total += chunk.size;
    expect_ok(e);
    expect_int(total, 5000000);
    return 0;
}

HTTP_TEST(chunks_end_with_the_error_of_the_stream)
{
    async_http_response_auto r = NULL;
    size_t total = 0;
    int e;
    expect_int(await_http_open(s, "GET", at(sv, "/half/100000"), &r), 200);
    await_for_each (e, chunk, async_http_chunks(r))
        total += chunk.size;
    expect_int(e, -ENODATA);
    expect_int(total, 50000);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, reads_of_any_size_return_the_whole_body);
    tcase_add_test(tc, open_returns_when_the_headers_are_complete);
    tcase_add_test(tc, read_of_0_bytes_returns_0);
    tcase_add_test(tc, response_that_is_no_stream_is_einval);
    tcase_add_test(tc, body_to_send_is_copied);
    tcase_add_test(tc, stream_holds_its_permit_until_its_end);
    tcase_add_test(tc, status_of_400_and_above_is_a_stream);
    tcase_add_test(tc, stream_refused_for_its_status_ends_with_that_error);
    tcase_add_test(tc, slow_reader_holds_the_server_back);
    tcase_add_test(tc, freeing_a_stream_early_closes_its_connection);
    tcase_add_test(tc, stream_of_a_gigabyte_needs_little_memory);
    tcase_add_test(tc, bytes_that_were_read_are_not_kept);
    tcase_add_test(tc, reader_that_pauses_gets_the_whole_body);
    tcase_add_test(tc, chunks_left_early_can_be_continued);
    tcase_add_test(tc, chunks_end_with_the_error_of_the_stream);
}
