/* SPDX-License-Identifier: MIT */
/* tls.c - certificates that are verified, and connections that are not TLS or end early. */
#include "http_test.h"
#include "tls_servers.h"

const char *const http_suite = "http-tls";

const char *http_missing(void)
{
    return installed("openssl") ? NULL : "openssl is not installed";
}

/* Runs as a task, beside a server of openssl's and one without TLS. */
typedef int (*tls_body)(struct tls_server *tls, struct server *plain);

ASYNC_DEF(call_body, (tls_body)body, (struct tls_server *)tls, (struct server *)plain)
{
    return body(tls, plain);
}

static void run_with_openssl(tls_body body)
{
    struct tls_server tls;
    struct server plain;
    tls_folder_make(&tls);
    server_start(&plain);
    write_file("ok", "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
    write_file("half", "HTTP/1.0 200 OK\r\nContent-Length: 60\r\n\r\nsecret");
    write_file("down", "HTTP/1.0 302 Found\r\nLocation: %s/echo\r\n\r\n", plain.url);
    openssl_start(&tls);
    int r = async_run(call_body(body, &tls, &plain));
    tls_server_stop(&tls);
    server_stop(&plain);
    expect_ok(r);
}

/* TLS_TEST(name) { ... } defines a test that uses tls and plain and returns 0. */
#define TLS_TEST(name)                                                                             \
    static int name##_body(struct tls_server *tls, struct server *plain);                          \
    TEST(name)                                                                                     \
    {                                                                                              \
        run_with_openssl(name##_body);                                                             \
    }                                                                                              \
    static int name##_body(struct tls_server *tls ASYNC_UNUSED, struct server *plain ASYNC_UNUSED)

static const char *tls_url(const struct tls_server *tls, const char *host, const char *path)
{
    static char url[128];
    snprintf(url, sizeof url, "https://%s:%d%s", host, tls->port, path);
    return url;
}

/* --- certificates --- */

TLS_TEST(unknown_certificate_is_ekeyrejected)
{
    async_http_session_auto s = NULL;
    async_http_response_auto r = NULL, f = NULL;
    ASYNC_TRY(async_http_session_open(&s));
    expect_int(await_http_get(s, tls_url(tls, "127.0.0.1", "/ok"), &r, .failed = &f),
               -EKEYREJECTED);
    expect_int(f->error, ASYNC_HTTP_CERTIFICATE);
    expect_text_not(f->error_text, "");
    return 0;
}

TLS_TEST(certificate_in_ca_file_is_trusted)
{
    async_http_session_auto s = NULL;
    async_http_response_auto r = NULL;
    ASYNC_TRY(async_http_session_open(&s, .ca_file = tls->cert));
    expect_int(await_http_get(s, tls_url(tls, "127.0.0.1", "/ok"), &r), 200);
    expect_text(r->body, "secret");
    expect_greater(r->times.tls, 0);
    return 0;
}

TLS_TEST(trusted_certificate_of_another_host_is_ekeyrejected)
{
    async_http_session_auto s = NULL;
    async_http_response_auto r = NULL;
    char rule[64];
    snprintf(rule, sizeof rule, "elsewhere.example:%d:127.0.0.1", tls->port);
    ASYNC_TRY(async_http_session_open(&s, .ca_file = tls->cert,
                                      .resolve = (const char *const[]){ rule, NULL }));
    expect_int(await_http_get(s, tls_url(tls, "elsewhere.example", "/ok"), &r), -EKEYREJECTED);
    return 0;
}

TLS_TEST(insecure_no_verify_trusts_any_certificate)
{
    async_http_session_auto s = NULL;
    async_http_response_auto r = NULL;
    ASYNC_TRY(async_http_session_open(&s, .insecure_no_verify = true));
    expect_int(await_http_get(s, tls_url(tls, "127.0.0.1", "/ok"), &r), 200);
    return 0;
}

/* --- redirects from https to http --- */

TLS_TEST(redirect_to_http_is_eacces)
{
    async_http_session_auto s = NULL;
    async_http_response_auto r = NULL, f = NULL;
    ASYNC_TRY(async_http_session_open(&s, .ca_file = tls->cert));
    expect_int(await_http_get(s, tls_url(tls, "127.0.0.1", "/down"), &r, .failed = &f), -EACCES);
    expect_int(f->error, ASYNC_HTTP_FORBIDDEN);
    expect_ok(atomic_load(&plain->requests));
    return 0;
}

TLS_TEST(allow_downgrade_follows_a_redirect_to_http)
{
    async_http_session_auto s = NULL;
    async_http_response_auto r = NULL;
    ASYNC_TRY(async_http_session_open(&s, .ca_file = tls->cert, .allow_downgrade = true));
    expect_int(await_http_get(s, tls_url(tls, "127.0.0.1", "/down"), &r), 200);
    expect_int(atomic_load(&plain->requests), 1);
    return 0;
}

/* --- early ends --- */

TLS_TEST(close_before_the_body_is_complete_is_enodata_over_tls)
{
    async_http_session_auto s = NULL;
    async_http_response_auto r = NULL;
    ASYNC_TRY(async_http_session_open(&s, .ca_file = tls->cert));
    expect_int(await_http_get(s, tls_url(tls, "127.0.0.1", "/half"), &r), -ENODATA);
    return 0;
}

/* openssl answers at the first line of a request and closes, while the client still writes. That
 * must be a response or an error, and not the signal SIGPIPE. */
TLS_TEST(close_while_the_request_is_sent_raises_no_signal)
{
    async_http_session_auto s = NULL;
    size_t n = 8 * 1000 * 1000;
    char *body = calloc(1, n);
    ASYNC_TRY(async_http_session_open(&s, .ca_file = tls->cert));
    for (int i = 0; i < 5; i++) {
        async_http_response_auto r = NULL;
        int code = await_http_request(s, "GET", tls_url(tls, "127.0.0.1", "/ok"), &r, .body = body,
                                      .body_size = n, .timeout = 5 * slowdown());
        expect_that(code == 200 || code == -ECONNRESET || code == -EPROTO, "%d", code);
    }
    free(body);
    return 0;
}

/* The server without TLS waits for the end of a header. */
TLS_TEST(handshake_with_a_server_without_tls_fails)
{
    async_http_session_auto s = NULL;
    async_http_response_auto r = NULL;
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d/junk", plain->port);
    ASYNC_TRY(async_http_session_open(&s));
    int code = await_http_get(s, url, &r, .timeout = 0.3 * slowdown());
    expect_that(code == -EPROTO || code == -ETIMEDOUT || code == -ECONNRESET, "%d", code);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, unknown_certificate_is_ekeyrejected);
    tcase_add_test(tc, certificate_in_ca_file_is_trusted);
    tcase_add_test(tc, trusted_certificate_of_another_host_is_ekeyrejected);
    tcase_add_test(tc, insecure_no_verify_trusts_any_certificate);
    tcase_add_test(tc, redirect_to_http_is_eacces);
    tcase_add_test(tc, allow_downgrade_follows_a_redirect_to_http);
    tcase_add_test(tc, close_before_the_body_is_complete_is_enodata_over_tls);
    tcase_add_test(tc, close_while_the_request_is_sent_raises_no_signal);
    tcase_add_test(tc, handshake_with_a_server_without_tls_fails);
}
