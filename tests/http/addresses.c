/* SPDX-License-Identifier: MIT */
/* addresses.c - to which address a request connects: names, private addresses, proxies. */
#include "http_test.h"

const char *const http_suite = "http-addresses";

HTTP_TEST(unknown_name_is_ehostunreach)
{
    async_http_response_auto r = NULL, f = NULL;
    expect_int(await_http_get(s, "http://no-such-name.invalid/", &r, .failed = &f), -EHOSTUNREACH);
    expect_int(f->error, ASYNC_HTTP_DNS);
    return 0;
}

HTTP_TEST(resolve_option_replaces_the_lookup)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL;
    char url[64], rule[64];
    snprintf(url, sizeof url, "http://made-up.example:%d/echo", sv->port);
    snprintf(rule, sizeof rule, "made-up.example:%d:127.0.0.1", sv->port);
    expect_int(
            async_http_session_open(&own, .resolve = (const char *const[]){ rule, NULL }, .ip = 4),
            0);
    expect_int(await_http_get(own, url, &r), 200);
    expect_contains(r->body, "Host: made-up.example:");
    return 0;
}

/* --- private addresses --- */

HTTP_TEST(private_address_is_eacces_before_a_connection)
{
    static const char *const urls[] = { "http://[::ffff:10.1.2.3]:1/", "http://169.254.169.254/",
                                        "http://[::1]:1/", "http://[fe80::1]/", "http://0.0.0.0/" };
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL, f = NULL;
    expect_ok(async_http_session_open(&own, .no_private = true, .proxy = ""));
    expect_int(await_http_get(own, at(sv, "/echo"), &r, .failed = &f), -EACCES);
    expect_int(f->error, ASYNC_HTTP_FORBIDDEN);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        int code = await_http_get(own, urls[i], &r);
        expect_that(code == -EACCES, "%s: %d", urls[i], code);
    }
    expect_ok(atomic_load(&sv->connections));
    return 0;
}

HTTP_TEST(name_of_a_private_address_is_eacces)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL;
    char url[64];
    snprintf(url, sizeof url, "http://localhost:%d/echo", sv->port);
    expect_ok(async_http_session_open(&own, .no_private = true));
    expect_int(await_http_get(own, url, &r), -EACCES);
    expect_ok(atomic_load(&sv->connections));
    return 0;
}

/* --- proxies; the server plays the proxy, which receives whole URLs --- */

HTTP_TEST(proxy_option_is_used)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL;
    expect_ok(async_http_session_open(&own, .proxy = sv->url, .no_proxy = ""));
    expect_int(await_http_get(own, "http://far.invalid/echo", &r), 404);
    expect_int(atomic_load(&sv->requests), 1);
    return 0;
}

HTTP_TEST(proxy_of_the_environment_is_read_when_the_session_is_opened)
{
    async_http_session_auto own = NULL;
    async_http_response_auto a = NULL, b = NULL, f = NULL, c = NULL;
    setenv("http_proxy", sv->url, 1);
    setenv("no_proxy", "direct.invalid,127.0.0.1", 1);
    expect_ok(async_http_session_open(&own));
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* has no effect any more */
    expect_int(await_http_get(own, "http://far.invalid/echo", &a), 404);
    expect_int(await_http_get(own, "http://direct.invalid/echo", &b, .failed = &f), -EHOSTUNREACH);
    expect_int(await_http_get(own, at(sv, "/echo"), &c), 200);
    expect_contains(c->body, "GET /echo HTTP");
    return 0;
}

HTTP_TEST(empty_proxy_option_overrides_the_environment)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL;
    setenv("http_proxy", sv->url, 1);
    expect_ok(async_http_session_open(&own, .proxy = ""));
    expect_int(await_http_get(own, "http://far.invalid/echo", &r), -EHOSTUNREACH);
    expect_ok(atomic_load(&sv->requests));
    return 0;
}

HTTP_TEST(unreachable_proxy_is_an_error_of_the_proxy)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL, f = NULL;
    expect_ok(async_http_session_open(&own, .proxy = "http://127.0.0.1:1"));
    expect_int(await_http_get(own, "http://far.invalid/", &r, .failed = &f), -ECONNREFUSED);
    expect_int(f->error, ASYNC_HTTP_PROXY);
    return 0;
}

/* Messages go to logs. libcurl's would contain the whole URL of a proxy. */
HTTP_TEST(password_of_a_proxy_is_in_no_message)
{
    static const char *const wrong[] = { "nonsense://joe:secret@127.0.0.1:1",
                                         "http://joe:sec ret@127.0.0.1:1",
                                         "http://joe:secret@127.0.0.1:x" };
    async_http_session *bad = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect_int(async_http_session_open(&bad, .proxy = wrong[i]), -EINVAL);
        expect_contains(async_fail_text(-EINVAL), "proxy in option .proxy: ");
        expect_lacks(async_fail_text(-EINVAL), "ret@");
        expect_null(bad);
    }
    setenv("http_proxy", wrong[0], 1);
    expect_int(async_http_session_open(&bad), -EINVAL);
    expect_contains(async_fail_text(-EINVAL), "proxy in http_proxy: ");
    unsetenv("http_proxy");
    static const char *const failing[] = { "http://joe:secret@127.0.0.1:1",
                                           "http://joe:secret@no-such-name.invalid" };
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        async_http_session_auto own = NULL;
        async_http_response_auto r = NULL, f = NULL;
        expect_ok(async_http_session_open(&own, .proxy = failing[i]));
        expect_less(await_http_get(own, "http://far.invalid/", &r, .failed = &f), 0);
        expect_int(f->error, ASYNC_HTTP_PROXY);
        expect_lacks(f->error_text, "secret");
        expect_lacks(f->error_text, "joe");
    }
    return 0;
}

HTTP_TEST(user_of_a_proxy_is_sent_to_the_proxy)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL;
    char proxy[64];
    snprintf(proxy, sizeof proxy, "joe:s%%20t@127.0.0.1:%d", sv->port);
    expect_ok(async_http_session_open(&own, .proxy = proxy, .no_proxy = ""));
    expect_int(await_http_get(own, "http://echo.invalid/", &r), 200);
    expect_contains(r->body, "Proxy-Authorization: Basic am9lOnMgdA==\r\n");
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, password_of_a_proxy_is_in_no_message);
    tcase_add_test(tc, user_of_a_proxy_is_sent_to_the_proxy);
    tcase_add_test(tc, unknown_name_is_ehostunreach);
    tcase_add_test(tc, resolve_option_replaces_the_lookup);
    tcase_add_test(tc, private_address_is_eacces_before_a_connection);
    tcase_add_test(tc, name_of_a_private_address_is_eacces);
    tcase_add_test(tc, proxy_option_is_used);
    tcase_add_test(tc, proxy_of_the_environment_is_read_when_the_session_is_opened);
    tcase_add_test(tc, empty_proxy_option_overrides_the_environment);
    tcase_add_test(tc, unreachable_proxy_is_an_error_of_the_proxy);
}
