/* SPDX-License-Identifier: MIT */
/* body_limits.c - responses that are too large: bodies, decompression bombs, headers. */
#include "http_test.h"

const char *const http_suite = "http-body-limits";

#define CHECK_TOO_LARGE(f, call)                                                                   \
    do {                                                                                           \
        expect_int((call), -ENOBUFS);                                                              \
        expect_int((f)->error, ASYNC_HTTP_TOO_LARGE);                                              \
    } while (0)

HTTP_TEST(body_of_max_body_bytes_is_accepted)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/bytes/1000"), &r, .max_body = 1000), 200);
    expect_int(r->size, 1000);
    return 0;
}

HTTP_TEST(announced_body_above_max_body_is_refused_unread)
{
    async_http_response_auto r = NULL, f = NULL;
    CHECK_TOO_LARGE(f,
                    await_http_get(s, at(sv, "/bytes/1001"), &r, .max_body = 1000, .failed = &f));
    expect_ok(f->size);
    return 0;
}

HTTP_TEST(body_without_length_is_refused_when_it_exceeds_max_body)
{
    async_http_response_auto r = NULL, f = NULL;
    CHECK_TOO_LARGE(f, await_http_get(s, at(sv, "/chunked/1000000000"), &r, .max_body = 100000,
                                      .failed = &f));
    expect_at_most(f->size, 100000);
    return 0;
}

HTTP_TEST(max_body_is_64_mib_by_default)
{
    async_http_response_auto r = NULL, f = NULL;
    CHECK_TOO_LARGE(f, await_http_get(s, at(sv, "/close/1000000000"), &r, .failed = &f));
    expect_at_most(f->size, 64 * 1024 * 1024);
    return 0;
}

HTTP_TEST(max_body_counts_decompressed_bytes)
{
    async_http_response_auto r = NULL, f = NULL;
    CHECK_TOO_LARGE(f,
                    await_http_get(s, at(sv, "/gzip/100000"), &r, .max_body = 99999, .failed = &f));
    return 0;
}

HTTP_TEST(head_may_announce_more_than_max_body)
{
    async_http_response_auto r = NULL;
    const char *url =
            at(sv, "/raw?HTTP/1.1%%20200%%20OK%%0D%%0AContent-Length:%%202%%0D%%0A%%0D%%0A");
    expect_int(await_http_head(s, url, &r, .max_body = 1), 200);
    expect_ok(r->size);
    return 0;
}

HTTP_TEST(stream_ends_when_it_exceeds_max_body)
{
    async_http_response_auto r = NULL;
    char buf[1000];
    ssize_t n;
    size_t total = 0;
    expect_int(await_http_open(s, "GET", at(sv, "/chunked/100000"), &r, .max_body = 50000), 200);
    while ((n = await_http_read(r, buf, sizeof buf)) > 0)
        total += (size_t)n;
    CHECK_TOO_LARGE(r, (int)n);
    expect_at_most(total, 50000);
    return 0;
}

HTTP_TEST(stream_that_announces_more_than_max_body_is_not_opened)
{
    async_http_response_auto r = NULL, f = NULL;
    CHECK_TOO_LARGE(f, await_http_open(s, "GET", at(sv, "/bytes/100000"), &r, .max_body = 50000,
                                       .failed = &f));
    return 0;
}

/* --- decompression bombs --- */

/* 200 MB of zeros in 200 KB. */
HTTP_TEST(decompression_bomb_is_refused)
{
    async_http_response_auto r = NULL, f = NULL;
    CHECK_TOO_LARGE(f, await_http_get(s, at(sv, "/gzip/200000000"), &r, .failed = &f,
                                      .max_body = SIZE_MAX));
    expect_less(f->size, 5000000);
    return 0;
}

HTTP_TEST(small_body_may_be_compressed_well)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/gzip/1000000"), &r), 200);
    expect_int(r->size, 1000000);
    return 0;
}

/* libcurl undoes Transfer-Encoding although it was not allowed, and with .no_decompress. */
HTTP_TEST(decompression_bomb_in_transfer_encoding_is_refused)
{
    async_http_response_auto r = NULL, f = NULL, fine = NULL;
    CHECK_TOO_LARGE(f, await_http_get(s, at(sv, "/transfer-gzip/20000000"), &r, .failed = &f,
                                      .max_body = SIZE_MAX, .no_decompress = true));
    expect_int(await_http_get(s, at(sv, "/transfer-gzip/100000"), &fine), 200);
    expect_int(fine->size, 100000);
    return 0;
}

HTTP_TEST(decompression_bomb_in_a_stream_is_refused)
{
    async_http_response_auto r = NULL;
    static char buf[100000];
    ssize_t n;
    size_t total = 0;
    expect_int(await_http_open(s, "GET", at(sv, "/gzip/200000000"), &r), 200);
    while ((n = await_http_read(r, buf, sizeof buf)) > 0)
        total += (size_t)n;
    CHECK_TOO_LARGE(r, (int)n);
    expect_less(total, 5000000);
    return 0;
}

/* --- headers --- */

HTTP_TEST(headers_above_256_kib_are_refused)
{
    async_http_response_auto a = NULL, r = NULL, f = NULL;
    expect_int(await_http_get(s, at(sv, "/headers/100000"), &a), 200);
    CHECK_TOO_LARGE(f, await_http_get(s, at(sv, "/headers/1000000"), &r, .failed = &f));
    return 0;
}

HTTP_TEST(header_line_that_is_too_long_is_refused)
{
    async_http_response_auto a = NULL, r = NULL, f = NULL;
    expect_int(await_http_get(s, at(sv, "/line/90000"), &a), 200);
    CHECK_TOO_LARGE(f, await_http_get(s, at(sv, "/line/1000000"), &r, .failed = &f));
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, header_line_that_is_too_long_is_refused);
    tcase_add_test(tc, body_of_max_body_bytes_is_accepted);
    tcase_add_test(tc, announced_body_above_max_body_is_refused_unread);
    tcase_add_test(tc, body_without_length_is_refused_when_it_exceeds_max_body);
    tcase_add_test(tc, max_body_is_64_mib_by_default);
    tcase_add_test(tc, max_body_counts_decompressed_bytes);
    tcase_add_test(tc, head_may_announce_more_than_max_body);
    tcase_add_test(tc, stream_ends_when_it_exceeds_max_body);
    tcase_add_test(tc, stream_that_announces_more_than_max_body_is_not_opened);
    tcase_add_test(tc, decompression_bomb_is_refused);
    tcase_add_test(tc, small_body_may_be_compressed_well);
    tcase_add_test(tc, decompression_bomb_in_transfer_encoding_is_refused);
    tcase_add_test(tc, decompression_bomb_in_a_stream_is_refused);
    tcase_add_test(tc, headers_above_256_kib_are_refused);
}
