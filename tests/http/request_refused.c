/* SPDX-License-Identifier: MIT */
/* request_refused.c - requests that are refused before anything is sent. */
#include "http_test.h"

const char *const http_suite = "http-request-refused";

HTTP_TEST(bad_urls_are_einval)
{
    static const char *const urls[] = { "",
                                        "x",
                                        "/path",
                                        "http://",
                                        "http:///x",
                                        "http://a b/",
                                        "http://[::1/",
                                        "http://h/\r\nX: y",
                                        "http://h/\x01",
                                        "http://u@/",
                                        "http://h:99999/" };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        async_http_response_auto r = NULL;
        int code = await_http_get(s, urls[i], &r, .failed = &r);
        expect_that(code == -EINVAL, "%s: %d", urls[i], code);
        expect_int(r->error, ASYNC_HTTP_BAD_URL);
        expect_text_not(async_fail_text(code), "");
    }
    async_http_response *none = NULL;
    expect_int(await_http_get(s, NULL, &none), -EINVAL);
    return 0;
}

HTTP_TEST(other_schemes_are_eprotonosupport)
{
    async_http_response *none = NULL;
    expect_int(await_http_get(s, "ftp://127.0.0.1/", &none), -EPROTONOSUPPORT);
    expect_int(await_http_get(s, "file:///etc/passwd", &none), -EPROTONOSUPPORT);
    expect_null(none);
    return 0;
}

static int await_refusal(struct server *sv, async_http_session *s, const char *method,
                         const struct async_http_opts *opts)
{
    async_http_response *none = NULL;
    int r = await_http_request_opt(s, method, at(sv, "/echo"), opts, &none);
    expect_null(none);
    expect_ok(atomic_load(&sv->connections));
    return r;
}

#define REFUSAL(method, ...) await_refusal(sv, s, (method), ASYNC_HTTP__OPTS(__VA_ARGS__))

HTTP_TEST(bad_methods_are_einval)
{
    expect_int(REFUSAL("GE T"), -EINVAL);
    expect_int(REFUSAL(""), -EINVAL);
    expect_int(REFUSAL(NULL), -EINVAL);
    expect_int(REFUSAL("GET\r\nX:"), -EINVAL);
    return 0;
}

HTTP_TEST(bad_headers_are_einval)
{
    const char *const *bad[] = {
        ASYNC_HTTP_PAIRS("A", "b\r\nC: d"),
        ASYNC_HTTP_PAIRS("A", "b\n"),
        ASYNC_HTTP_PAIRS("A\r\nB", "c"),
        ASYNC_HTTP_PAIRS("A:", "b"),
        ASYNC_HTTP_PAIRS("", "b"),
        ASYNC_HTTP_PAIRS("A b", "c"),
        ASYNC_HTTP_PAIRS("A", "\x7f"),
        ASYNC_HTTP_PAIRS("A"),
        ASYNC_HTTP_PAIRS("Content-Length", "9"),
        ASYNC_HTTP_PAIRS("transfer-encoding", "chunked"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_int(REFUSAL("GET", .headers = bad[i]), -EINVAL);
    return 0;
}

HTTP_TEST(contradictory_bodies_are_einval)
{
    expect_int(REFUSAL("POST", .text = "a", .json = "{}"), -EINVAL);
    expect_int(REFUSAL("POST", .body_size = 3), -EINVAL);
    expect_int(REFUSAL("POST", .text = "a", .content_type = "a\nb"), -EINVAL);
    expect_int(REFUSAL("POST", .form = ASYNC_HTTP_PAIRS("a")), -EINVAL);
    expect_int(REFUSAL("HEAD", .text = "a"), -EINVAL);
    return 0;
}

HTTP_TEST(content_type_without_a_body_is_einval)
{
    expect_int(REFUSAL("GET", .content_type = "a/b"), -EINVAL);
    expect_int(REFUSAL("POST", .content_type = "a/b"), -EINVAL);
    return 0;
}

HTTP_TEST(bad_authorization_is_einval)
{
    expect_int(REFUSAL("GET", .bearer = "a\r\nb"), -EINVAL);
    expect_int(REFUSAL("GET", .user = "a:b"), -EINVAL);
    expect_int(REFUSAL("GET", .user = "a", .bearer = "b"), -EINVAL);
    return 0;
}

HTTP_TEST(query_without_a_value_is_einval)
{
    expect_int(REFUSAL("GET", .query = ASYNC_HTTP_PAIRS("a")), -EINVAL);
    return 0;
}

HTTP_TEST(options_without_struct_size_are_einval)
{
    expect_int(await_refusal(sv, s, "GET", &(struct async_http_opts){ .timeout = 1 }), -EINVAL);
    return 0;
}

HTTP_TEST(message_names_the_url)
{
    async_http_response *none = NULL;
    int code = await_http_get(s, at(sv, "/drop"), &none);
    expect_int(code, -ENODATA);
    expect_contains(async_fail_text(code), at(sv, "/drop"));
    return 0;
}

TEST(kinds_of_errors_have_names)
{
    expect_text(async_http_error_name(ASYNC_HTTP_OK), "ok");
    expect_text(async_http_error_name(ASYNC_HTTP_BAD_URL), "bad-url");
    expect_text(async_http_error_name(ASYNC_HTTP_RESOURCES), "resources");
    expect_text(async_http_error_name((enum async_http_error)999), "unknown");
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, bad_urls_are_einval);
    tcase_add_test(tc, other_schemes_are_eprotonosupport);
    tcase_add_test(tc, bad_methods_are_einval);
    tcase_add_test(tc, bad_headers_are_einval);
    tcase_add_test(tc, contradictory_bodies_are_einval);
    tcase_add_test(tc, content_type_without_a_body_is_einval);
    tcase_add_test(tc, bad_authorization_is_einval);
    tcase_add_test(tc, query_without_a_value_is_einval);
    tcase_add_test(tc, options_without_struct_size_are_einval);
    tcase_add_test(tc, message_names_the_url);
    tcase_add_test(tc, kinds_of_errors_have_names);
}
