/* SPDX-License-Identifier: MIT */
/* responses.c - what the caller sees of a response: its headers, its body, its status. */
#include "http_test.h"

const char *const http_suite = "http-responses";

HTTP_TEST(response_headers)
{
    async_http_response_auto r = NULL, i = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/fold"), &r), 200);
    const async_http_field *f = r->headers;
    ck_assert_str_eq(f->name, "X-Folded");
    ck_assert_str_eq(f->value, "one");
    ck_assert_str_eq(f->next->name, "X-Empty");
    ck_assert_str_eq(f->next->value, "");
    ck_assert_str_eq(async_http_header(r, "x-twice"), "a");
    ck_assert_str_eq(f->next->next->next->value, "b");
    ck_assert_int_eq(await_http_get(s, at(sv, "/info"), &i), 200); /* not the 103 */
    ck_assert_str_eq(i->body, "at last");
    ck_assert_str_eq(async_http_header(i, "X-Final"), "yes");
    ck_assert_ptr_null(async_http_header(i, "Link"));
    return 0;
}

HTTP_TEST(bodies)
{
    async_http_response_auto a = NULL, b = NULL, c = NULL, d = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/bytes/0"), &a), 200);
    ck_assert_uint_eq(a->size, 0);
    ck_assert_str_eq(a->body, "");
    ck_assert_int_eq(await_http_get(s, at(sv, "/bytes/3000000"), &b), 200);
    ck_assert_uint_eq(b->size, 3000000);
    ck_assert_uint_eq(strlen(b->body), 3000000);
    ck_assert_int_eq(await_http_get(s, at(sv, "/chunked/100001"), &c), 200);
    ck_assert_uint_eq(c->size, 100001);
    ck_assert_ptr_null(async_http_header(c, "X-Trailer"));
    ck_assert_int_eq(await_http_get(s, at(sv, "/close/70000"), &d), 200);
    ck_assert_uint_eq(d->size, 70000);
    size_t n = 0;
    char *taken = async_http_take_body(d, &n);
    ck_assert_uint_eq(n, 70000);
    ck_assert_uint_eq(strlen(taken), 70000);
    ck_assert_uint_eq(d->size, 0);
    ck_assert_str_eq(d->body, "");
    free(taken);
    return 0;
}

HTTP_TEST(compression)
{
    async_http_response_auto a = NULL, b = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/gzip/100000"), &a), 200);
    ck_assert_uint_eq(a->size, 100000);
    ck_assert(a->wire_size < 1000 && a->wire_size > 0);
    ck_assert_int_eq(a->body[99999], 0);
    ck_assert_int_eq(await_http_get(s, at(sv, "/gzip/100000"), &b, .no_decompress = true), 200);
    ck_assert_uint_eq(b->size, a->wire_size);
    ck_assert_int_eq(b->body[0], 0x1f);
    return 0;
}

HTTP_TEST(error_statuses)
{
    async_http_response_auto a = NULL, b = NULL, c = NULL, f = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/status/404"), &a), 404);
    ck_assert_int_eq(
            await_http_get(s, at(sv, "/status/500"), &b, .raise_for_status = true, .failed = &f),
            -EREMOTEIO);
    ck_assert_ptr_null(b);
    ck_assert_int_eq(f->status, 500);
    ck_assert_int_eq(f->error, ASYNC_HTTP_STATUS);
    ck_assert_str_eq(async_http_error_name(f->error), "status");
    ck_assert_int_eq(await_http_get(s, at(sv, "/status/204"), &c, .raise_for_status = true), 204);
    return 0;
}

HTTP_TEST(retry_after)
{
    async_http_response_auto a = NULL, b = NULL, c = NULL, d = NULL, e = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/retry?7"), &a), 429);
    ck_assert_double_eq(async_http_retry_after(a), 7);
    ck_assert_int_eq(await_http_get(s, at(sv, "/retry?Sun,+06+Nov+1994+08:49:37+GMT"), &b), 429);
    ck_assert_double_eq(async_http_retry_after(b), 0);
    ck_assert_int_eq(await_http_get(s, at(sv, "/retry?Sun,+06+Nov+2044+08:49:37+GMT"), &c), 429);
    ck_assert_double_gt(async_http_retry_after(c), 1e6);
    static const char *const dates[] = { "Sunday,+06-Nov-94+08:49:37+GMT", "Sun+Nov++6+08:49:37+1994" };
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        async_http_response_auto old = NULL;
        ck_assert_int_eq(await_http_get(s, at(sv, "/retry?%s", dates[i]), &old), 429);
        ck_assert_double_eq(async_http_retry_after(old), 0);
    }
    ck_assert_int_eq(await_http_get(s, at(sv, "/retry?soon"), &d), 429);
    ck_assert_double_eq(async_http_retry_after(d), -1);
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo"), &e), 200);
    ck_assert_double_eq(async_http_retry_after(e), -1);
    static const char *const no_numbers[] = { "1e999", "0x10", "1.5", "7days" };
    for (size_t i = 0; i < sizeof no_numbers / sizeof *no_numbers; i++) {
        async_http_response_auto odd = NULL;
        ck_assert_int_eq(await_http_get(s, at(sv, "/retry?%s", no_numbers[i]), &odd), 429);
        ck_assert_double_eq(async_http_retry_after(odd), -1);
    }
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, response_headers);
    tcase_add_test(tc, bodies);
    tcase_add_test(tc, compression);
    tcase_add_test(tc, error_statuses);
    tcase_add_test(tc, retry_after);
}
