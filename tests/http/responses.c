/* SPDX-License-Identifier: MIT */
/* responses.c - what the caller gets of a response: headers, body, status, times. */
#include "http_test.h"

const char *const http_suite = "http-responses";

HTTP_TEST(response_is_described)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/echo?q=1#part"), &r), 200);
    expect_int(r->status, 200);
    expect_int(r->version, 11);
    expect_text(r->reason, "Whatever");
    expect_text(r->remote_ip, "127.0.0.1");
    expect_text(r->url, at(sv, "/echo?q=1#part"));
    expect_int(r->size, strlen(r->body));
    expect_int(r->wire_size, r->size);
    expect_int(r->error, ASYNC_HTTP_OK);
    expect_ok(r->code);
    expect_text(r->error_text, "");
    expect_true(r->times.total > 0 && r->times.ttfb > 0 && r->times.ttfb <= r->times.total);
    return 0;
}

/* --- headers --- */

HTTP_TEST(headers_keep_their_order)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/fold"), &r), 200);
    const async_http_field *f = r->headers;
    expect_text(f->name, "X-Folded");
    expect_text(f->value, "one");
    expect_text(f->next->name, "X-Empty");
    expect_text(f->next->value, "");
    expect_text(f->next->next->value, "a");
    expect_text(f->next->next->next->value, "b");
    return 0;
}

HTTP_TEST(header_is_found_in_any_case)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/fold"), &r), 200);
    expect_text(async_http_header(r, "x-twice"), "a"); /* the first of two */
    expect_null(async_http_header(r, "X-No"));
    return 0;
}

HTTP_TEST(interim_response_is_skipped)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/info"), &r), 200);
    expect_text(r->body, "at last");
    expect_text(async_http_header(r, "X-Final"), "yes");
    expect_null(async_http_header(r, "Link"));
    return 0;
}

HTTP_TEST(equal_content_lengths_are_accepted)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/same"), &r), 200);
    expect_text(r->body, "five!");
    return 0;
}

HTTP_TEST(header_or_trailer_that_looks_like_a_status_line_is_none)
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
        expect_int(await_http_get(s, at(sv, "/raw?%s", raw[i]), &r), 200);
        expect_int(r->status, 200);
        expect_text(r->reason, "OK");
        expect_text(r->body, "ok");
        expect_not_null(async_http_header(r, "X-A"));
        expect_null(async_http_header(r, "X-B"));
    }
    return 0;
}

/* --- bodies --- */

HTTP_TEST(body_is_complete_however_it_is_framed)
{
    static const struct {
        const char *path;
        size_t size;
    } bodies[] = { { "/bytes/0", 0 },
                   { "/bytes/3000000", 3000000 },
                   { "/chunked/100001", 100001 },
                   { "/close/70000", 70000 } };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        async_http_response_auto r = NULL;
        expect_int(await_http_get(s, at(sv, "%s", bodies[i].path), &r), 200);
        expect_int(r->size, bodies[i].size);
        expect_int(strlen(r->body), bodies[i].size);
        expect_null(async_http_header(r, "X-Trailer"));
    }
    return 0;
}

HTTP_TEST(taken_body_belongs_to_the_caller)
{
    async_http_response_auto r = NULL;
    size_t n = 0;
    expect_int(await_http_get(s, at(sv, "/bytes/70000"), &r), 200);
    char *taken = async_http_take_body(r, &n);
    expect_int(n, 70000);
    expect_int(strlen(taken), 70000);
    expect_ok(r->size);
    expect_text(r->body, "");
    free(taken);
    return 0;
}

HTTP_TEST(body_is_taken_without_its_size)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/bytes/3"), &r), 200);
    char *taken = async_http_take_body(r, NULL);
    expect_int(strlen(taken), 3);
    free(taken);
    return 0;
}

HTTP_TEST(compressed_body_is_decompressed)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/gzip/100000"), &r), 200);
    expect_int(r->size, 100000);
    expect_true(r->wire_size < 1000 && r->wire_size > 0);
    expect_ok(r->body[99999]);
    return 0;
}

HTTP_TEST(no_decompress_returns_the_compressed_body)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/gzip/100000"), &r, .no_decompress = true), 200);
    expect_int(r->size, r->wire_size);
    expect_int(r->body[0], 0x1f);
    return 0;
}

/* --- statuses --- */

HTTP_TEST(status_of_400_and_above_is_a_response)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/status/404"), &r), 404);
    expect_int(r->error, ASYNC_HTTP_OK);
    return 0;
}

HTTP_TEST(raise_for_status_makes_it_eremoteio)
{
    async_http_response_auto a = NULL, b = NULL, f = NULL;
    expect_int(await_http_get(s, at(sv, "/status/500"), &a, .raise_for_status = true, .failed = &f),
               -EREMOTEIO);
    expect_null(a);
    expect_int(f->status, 500);
    expect_int(f->error, ASYNC_HTTP_STATUS);
    expect_text(async_http_error_name(f->error), "status");
    expect_int(await_http_get(s, at(sv, "/status/204"), &b, .raise_for_status = true), 204);
    return 0;
}

/* --- Retry-After --- */

static double await_retry_after(struct server *sv, async_http_session *s, const char *value)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/retry?%s", value), &r), 429);
    return async_http_retry_after(r);
}

HTTP_TEST(retry_after_in_seconds)
{
    expect_double(await_retry_after(sv, s, "7"), 7);
    expect_double(await_retry_after(sv, s, "0"), 0);
    return 0;
}

HTTP_TEST(retry_after_as_a_date)
{
    expect_double(await_retry_after(sv, s, "Sun,+06+Nov+1994+08:49:37+GMT"), 0);
    expect_double(await_retry_after(sv, s, "Sunday,+06-Nov-94+08:49:37+GMT"), 0);
    expect_double(await_retry_after(sv, s, "Sun+Nov++6+08:49:37+1994"), 0);
    expect_greater(await_retry_after(sv, s, "Sun,+06+Nov+2044+08:49:37+GMT"), 1e6);
    return 0;
}

HTTP_TEST(malformed_or_missing_retry_after_is_minus_1)
{
    static const char *const malformed[] = { "soon", "1e999", "0x10", "1.5", "7days", "" };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        expect_double(await_retry_after(sv, s, malformed[i]), -1);
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/echo"), &r), 200);
    expect_double(async_http_retry_after(r), -1);
    return 0;
}

HTTP_TEST(temporary_failures_can_be_tried_again)
{
    static const struct {
        const char *path;
        bool again;
    } cases[] = {
        { "/status/200", false }, { "/status/404", false }, { "/status/501", false },
        { "/status/429", true },  { "/status/503", true },  { "/drop", true },
        { "/reset", true },       { "/half/100", true },    { "/junk", false },
        { "/lengths", false },    { "/circle", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        async_http_response *r = NULL;
        async_ignore(await_http_get(s, at(sv, "%s", cases[i].path), &r, .failed = &r));
        expect_that(async_http_can_retry(r) == cases[i].again, "%s", cases[i].path);
        async_http_response_free(r);
    }
    async_http_session_auto own = NULL;
    async_http_response_auto none = NULL, refused = NULL, raised = NULL;
    expect_ok(async_http_session_open(&own, .proxy = "http://127.0.0.1:1"));
    expect_less(await_http_get(own, "http://far.invalid/", &none, .failed = &none), 0);
    expect_true(async_http_can_retry(none));
    expect_less(await_http_get(s, "http://127.0.0.1:1/", &refused, .failed = &refused), 0);
    expect_true(async_http_can_retry(refused));
    expect_int(await_http_get(s, at(sv, "/status/502"), &raised, .failed = &raised,
                              .raise_for_status = true),
               -EREMOTEIO);
    expect_true(async_http_can_retry(raised));
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, temporary_failures_can_be_tried_again);
    tcase_add_test(tc, response_is_described);
    tcase_add_test(tc, headers_keep_their_order);
    tcase_add_test(tc, header_is_found_in_any_case);
    tcase_add_test(tc, interim_response_is_skipped);
    tcase_add_test(tc, equal_content_lengths_are_accepted);
    tcase_add_test(tc, header_or_trailer_that_looks_like_a_status_line_is_none);
    tcase_add_test(tc, body_is_complete_however_it_is_framed);
    tcase_add_test(tc, taken_body_belongs_to_the_caller);
    tcase_add_test(tc, body_is_taken_without_its_size);
    tcase_add_test(tc, compressed_body_is_decompressed);
    tcase_add_test(tc, no_decompress_returns_the_compressed_body);
    tcase_add_test(tc, status_of_400_and_above_is_a_response);
    tcase_add_test(tc, raise_for_status_makes_it_eremoteio);
    tcase_add_test(tc, retry_after_in_seconds);
    tcase_add_test(tc, retry_after_as_a_date);
    tcase_add_test(tc, malformed_or_missing_retry_after_is_minus_1);
}
