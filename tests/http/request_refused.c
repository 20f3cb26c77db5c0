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
        ck_assert_msg(code == -EINVAL, "%s: %d", urls[i], code);
        ck_assert_int_eq(r->error, ASYNC_HTTP_BAD_URL);
        ck_assert_str_ne(async_fail_text(code), "");
    }
    async_http_response *none = NULL;
    ck_assert_int_eq(await_http_get(s, NULL, &none), -EINVAL);
    return 0;
}

HTTP_TEST(other_schemes_are_eprotonosupport)
{
    async_http_response *none = NULL;
    ck_assert_int_eq(await_http_get(s, "ftp://127.0.0.1/", &none), -EPROTONOSUPPORT);
    ck_assert_int_eq(await_http_get(s, "file:///etc/passwd", &none), -EPROTONOSUPPORT);
    ck_assert_ptr_null(none);
    return 0;
}

static int await_refusal(struct server *sv, async_http_session *s, const char *method,
                         const struct async_http_opts *opts)
{
    async_http_response *none = NULL;
    int r = await_http_request_opt(s, method, at(sv, "/echo"), opts, &none);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(atomic_load(&sv->connections), 0);
    return r;
}

#define REFUSAL(method, ...) await_refusal(sv, s, (method), ASYNC_HTTP__OPTS(__VA_ARGS__))

HTTP_TEST(bad_methods_are_einval)
{
    ck_assert_int_eq(REFUSAL("GE T"), -EINVAL);
    ck_assert_int_eq(REFUSAL(""), -EINVAL);
    ck_assert_int_eq(REFUSAL(NULL), -EINVAL);
    ck_assert_int_eq(REFUSAL("GET\r\nX:"), -EINVAL);
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
        ck_assert_int_eq(REFUSAL("GET", .headers = bad[i]), -EINVAL);
    return 0;
}

HTTP_TEST(contradictory_bodies_are_einval)
{
    ck_assert_int_eq(REFUSAL("POST", .text = "a", .json = "{}"), -EINVAL);
    ck_assert_int_eq(REFUSAL("POST", .body_size = 3), -EINVAL);
    ck_assert_int_eq(REFUSAL("POST", .text = "a", .content_type = "a\nb"), -EINVAL);
    ck_assert_int_eq(REFUSAL("POST", .form = ASYNC_HTTP_PAIRS("a")), -EINVAL);
    ck_assert_int_eq(REFUSAL("HEAD", .text = "a"), -EINVAL);
    return 0;
}

HTTP_TEST(content_type_without_a_body_is_einval)
{
    ck_assert_int_eq(REFUSAL("GET", .content_type = "a/b"), -EINVAL);
    ck_assert_int_eq(REFUSAL("POST", .content_type = "a/b"), -EINVAL);
    return 0;
}

HTTP_TEST(bad_authorization_is_einval)
{
    ck_assert_int_eq(REFUSAL("GET", .bearer = "a\r\nb"), -EINVAL);
    ck_assert_int_eq(REFUSAL("GET", .user = "a:b"), -EINVAL);
    ck_assert_int_eq(REFUSAL("GET", .user = "a", .bearer = "b"), -EINVAL);
    return 0;
}

HTTP_TEST(query_without_a_value_is_einval)
{
    ck_assert_int_eq(REFUSAL("GET", .query = ASYNC_HTTP_PAIRS("a")), -EINVAL);
    return 0;
}

HTTP_TEST(options_without_struct_size_are_einval)
{
    ck_assert_int_eq(await_refusal(sv, s, "GET", &(struct async_http_opts){ .timeout = 1 }),
                     -EINVAL);
    return 0;
}

HTTP_TEST(message_names_the_url)
{
    async_http_response *none = NULL;
    int code = await_http_get(s, at(sv, "/drop"), &none);
    ck_assert_int_eq(code, -ENODATA);
    HAS(async_fail_text(code), at(sv, "/drop"));
    return 0;
}

START_TEST(kinds_of_errors_have_names)
{
    ck_assert_str_eq(async_http_error_name(ASYNC_HTTP_OK), "ok");
    ck_assert_str_eq(async_http_error_name(ASYNC_HTTP_BAD_URL), "bad-url");
    ck_assert_str_eq(async_http_error_name(ASYNC_HTTP_RESOURCES), "resources");
    ck_assert_str_eq(async_http_error_name((enum async_http_error)999), "unknown");
}
END_TEST

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
