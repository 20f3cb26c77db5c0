/* SPDX-License-Identifier: MIT */
/* redirects.c - where redirects lead, and with which method, body and credentials. */
#include "http_test.h"

const char *const http_suite = "http-redirects";

HTTP_TEST(redirects_are_followed_over_one_connection)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/redirect/3"), &r), 200);
    expect_contains(r->body, "GET /echo HTTP/1.1\r\n");
    expect_text(r->url, at(sv, "/echo"));
    expect_int(r->redirect_count, 4);
    const async_http_redirect *step = r->redirects;
    expect_int(step->status, 302);
    expect_text(step->url, at(sv, "/redirect/3"));
    expect_text(step->next->next->next->url, at(sv, "/redirect/0"));
    expect_null(step->next->next->next->next);
    expect_int(atomic_load(&sv->connections), 1); /* the bodies of the redirects were read */
    expect_null(async_http_header(r, "Location"));
    return 0;
}

HTTP_TEST(redirects_above_the_limit_are_eloop)
{
    async_http_response_auto a = NULL, b = NULL, c = NULL, f = NULL;
    expect_int(await_http_get(s, at(sv, "/redirect/9"), &a), 200);
    expect_int(await_http_get(s, at(sv, "/redirect/10"), &b, .failed = &f), -ELOOP);
    expect_int(f->error, ASYNC_HTTP_REDIRECTS);
    expect_int(f->redirect_count, 10);
    expect_int(await_http_get(s, at(sv, "/redirect/2"), &b, .max_redirects = 2), -ELOOP);
    expect_int(await_http_get(s, at(sv, "/redirect/2"), &c, .max_redirects = -1), 302);
    expect_text(async_http_header(c, "Location"), "/redirect/1");
    expect_text(c->body, "moved");
    return 0;
}

HTTP_TEST(circular_redirect_is_eloop)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/circle"), &r), -ELOOP);
    expect_int(atomic_load(&sv->requests), 11);
    return 0;
}

HTTP_TEST(method_and_body_depend_on_the_status)
{
    static const struct {
        const char *method, *status, *then;
        bool body;
    } rules[] = {
        { "POST", "301", "GET", false }, { "POST", "302", "GET", false },
        { "POST", "303", "GET", false }, { "POST", "307", "POST", true },
        { "POST", "308", "POST", true }, { "PUT", "301", "PUT", true },
        { "PUT", "302", "PUT", true },   { "PUT", "303", "GET", false },
        { "PUT", "307", "PUT", true },   { "DELETE", "303", "GET", false },
        { "GET", "303", "GET", false },  { "GET", "308", "GET", false },
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        async_http_response_auto r = NULL;
        char url[256], line[32];
        bool with = strcmp(rules[i].method, "GET") != 0 && strcmp(rules[i].method, "DELETE") != 0;
        snprintf(url, sizeof url, "%s/to/%s?/echo", sv->url, rules[i].status);
        expect_int(await_http_request(
                           s, rules[i].method, url, &r, .text = with ? "data" : NULL,
                           .headers = ASYNC_HTTP_PAIRS("Content-Language", "de", "X-Y", "z")),
                   200);
        snprintf(line, sizeof line, "%s /echo HTTP/1.1\r\n", rules[i].then);
        expect_contains(r->body, line);
        expect_contains(r->body, "X-Y: z\r\n");
        if (rules[i].body)
            expect_contains(r->body, "\r\n\r\ndata");
        else if (with)
            expect_lacks(r->body, "Content-");
        else
            expect_contains(r->body, "Content-Language: de\r\n");
    }
    async_http_response_auto h = NULL;
    expect_int(await_http_head(s, at(sv, "/to/303?/bytes/0"), &h), 200);
    return 0;
}

HTTP_TEST(other_3xx_and_missing_location_are_responses)
{
    static const int codes[] = { 300, 304, 305, 306 };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        async_http_response_auto r = NULL;
        expect_int(await_http_get(s, at(sv, "/to/%d?/echo", codes[i]), &r), codes[i]);
    }
    async_http_response_auto bare = NULL;
    expect_int(await_http_get(s, at(sv, "/status/302"), &bare), 302);
    async_http_response_auto empty = NULL;
    expect_int(await_http_get(s, at(sv, "/to/302"), &empty), 302);
    return 0;
}

/* --- credentials; another port is another origin --- */

#define CREDENTIALS                                                                                \
    ASYNC_HTTP_PAIRS("Authorization", "Digest x", "Proxy-Authorization", "y", "Host",              \
                     "me.example", "Cookie", "s=1", "X-Mine", "2")

HTTP_TEST(credentials_are_sent_within_the_origin)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/to/302?/echo"), &r, .headers = CREDENTIALS), 200);
    expect_contains(r->body, "Authorization: Digest x\r\n");
    expect_contains(r->body, "Cookie: s=1\r\n");
    expect_contains(r->body, "Host: me.example\r\n");
    return 0;
}

typedef int (*two_origins)(struct server *sv, struct server *other, async_http_session *s);

/* Run a test with a second server, which is another origin. */
static int await_two_origins(struct server *sv, two_origins test)
{
    struct server other;
    server_start(&other);
    async_http_session *own = NULL;
    expect_int(async_http_session_open(&own, .headers = ASYNC_HTTP_PAIRS("Cookie", "s=1", "X-Keep",
                                                                         "1", "Accept", "text/x")),
               0);
    int r = test(sv, &other, own);
    async_http_session_close(own);
    expect_eventually(atomic_load(&other.open) == 0);
    server_stop(&other);
    return r;
}

static int await_redirect_away(struct server *sv, struct server *other, async_http_session *s)
{
    async_http_response_auto r = NULL, basic = NULL;
    char url[256];
    snprintf(url, sizeof url, "%s/to/307?%s/echo", sv->url, other->url);
    expect_int(await_http_get(s, url, &r, .headers = CREDENTIALS), 200);
    expect_lacks(r->body, "Authorization");
    expect_lacks(r->body, "Cookie");
    expect_lacks(r->body, "me.example");
    expect_lacks(r->body, "X-Keep");
    expect_lacks(r->body, "X-Mine");
    expect_contains(r->body, "Accept: text/x\r\n");
    expect_int(await_http_get(s, url, &basic, .user = "u", .password = "p"), 200);
    expect_lacks(basic->body, "Authorization");
    return 0;
}

HTTP_TEST(credentials_are_dropped_at_another_origin)
{
    return await_two_origins(sv, await_redirect_away);
}

static int await_trusted_redirect(struct server *sv, struct server *other, async_http_session *s)
{
    async_http_response_auto r = NULL;
    char url[256];
    snprintf(url, sizeof url, "%s/to/307?%s/echo", sv->url, other->url);
    expect_int(await_http_get(s, url, &r, .location_trusted = true, .bearer = "t",
                              .headers = ASYNC_HTTP_PAIRS("X-Mine", "2", "Host", "me.example")),
               200);
    expect_contains(r->body, "Authorization: Bearer t\r\n");
    expect_contains(r->body, "Cookie: s=1\r\n");
    expect_contains(r->body, "X-Keep: 1\r\n");
    expect_contains(r->body, "X-Mine: 2\r\n");
    expect_lacks(r->body, "me.example");
    return 0;
}

HTTP_TEST(trusted_redirect_keeps_all_headers_but_the_host)
{
    return await_two_origins(sv, await_trusted_redirect);
}

static int await_redirect_back(struct server *sv, struct server *other, async_http_session *s)
{
    async_http_response_auto r = NULL;
    char url[256];
    snprintf(url, sizeof url, "%s/to/302?%s/to/302?%s/echo", sv->url, other->url, sv->url);
    expect_int(await_http_get(s, url, &r, .bearer = "t"), 200);
    expect_text(r->url, at(sv, "/echo"));
    expect_lacks(r->body, "Authorization");
    return 0;
}

HTTP_TEST(credentials_stay_dropped_on_the_way_back)
{
    return await_two_origins(sv, await_redirect_back);
}

static int await_user_of_server(struct server *sv, struct server *other, async_http_session *s)
{
    async_http_response_auto r = NULL;
    char url[256];
    snprintf(url, sizeof url, "%s/to/302?http://u:p@127.0.0.1:%d/echo", sv->url, other->port);
    expect_int(await_http_get(s, url, &r), 200);
    expect_lacks(r->body, "Authorization");
    expect_null(strchr(r->url, '@'));
    return 0;
}

HTTP_TEST(user_in_a_location_header_is_not_sent)
{
    return await_two_origins(sv, await_user_of_server);
}

HTTP_TEST(user_of_the_first_url_is_sent_and_not_shown)
{
    async_http_response_auto r = NULL;
    char url[256];
    snprintf(url, sizeof url, "http://u:p@127.0.0.1:%d/to/302?/echo", sv->port);
    expect_int(await_http_get(s, url, &r), 200);
    expect_contains(r->body, "Authorization: Basic dTpw\r\n");
    expect_null(strchr(r->redirects->url, '@'));
    return 0;
}

HTTP_TEST(redirect_to_another_scheme_is_refused)
{
    static const char *const to[] = { "ftp://127.0.0.1/x", "file:///etc/passwd",
                                      "gopher://127.0.0.1/", "javascript:x",
                                      "dict://127.0.0.1:1/" };
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        async_http_response_auto r = NULL, f = NULL;
        expect_less(await_http_get(s, at(sv, "/to/302?%s", to[i]), &r, .failed = &f), 0);
        expect_that(f->error == ASYNC_HTTP_SCHEME || f->error == ASYNC_HTTP_PROTOCOL, "%s: %s",
                    to[i], async_http_error_name(f->error));
        expect_int(f->redirect_count, 1);
    }
    async_http_response_auto r = NULL, f = NULL;
    expect_int(await_http_get(s, at(sv, "/to/302?http://[bad/"), &r, .failed = &f), -EPROTO);
    expect_int(f->error, ASYNC_HTTP_PROTOCOL);
    return 0;
}

HTTP_TEST(relative_location_is_resolved)
{
    char host[64];
    snprintf(host, sizeof host, "//127.0.0.1:%d/echo", sv->port);
    const char *const steps[][3] = { { "/to/302", "../echo", "/echo" },
                                     { "/to/a/302", "../../echo/b", "/echo/b" },
                                     { "/to/302", host, "/echo" } };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        async_http_response_auto r = NULL;
        int status = await_http_get(s, at(sv, "%s?%s", steps[i][0], steps[i][1]), &r,
                                    .max_redirects = 1);
        expect_greater(status, 0);
        expect_text(r->url, at(sv, "%s", steps[i][2]));
    }
    return 0;
}

HTTP_TEST(body_of_a_redirect_is_read_only_if_small)
{
    async_http_response_auto small = NULL, large = NULL;
    expect_int(await_http_get(s, at(sv, "/big/60000?/echo"), &small), 200);
    expect_int(atomic_load(&sv->connections), 1);
    expect_contains(small->body, "GET /echo");
    expect_int(await_http_get(s, at(sv, "/big/1000000000?/echo"), &large), 200);
    expect_int(atomic_load(&sv->connections), 2); /* a new one is cheaper than reading the body */
    expect_contains(large->body, "GET /echo");
    expect_less(atomic_load(&sv->sent), 100000000);
    return 0;
}

HTTP_TEST(stream_follows_redirects_with_its_body)
{
    async_http_response_auto r = NULL;
    char buf[4096];
    expect_int(await_http_open(s, "POST", at(sv, "/to/307?/echo"), &r, .text = "stream"), 200);
    ssize_t n = await_http_read(r, buf, sizeof buf - 1);
    expect_greater(n, 0);
    buf[n] = '\0';
    expect_contains(buf, "POST /echo");
    expect_contains(buf, "\r\n\r\nstream");
    expect_ok(await_http_read(r, buf, sizeof buf));
    expect_int(r->redirect_count, 1);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, redirects_are_followed_over_one_connection);
    tcase_add_test(tc, redirects_above_the_limit_are_eloop);
    tcase_add_test(tc, circular_redirect_is_eloop);
    tcase_add_test(tc, method_and_body_depend_on_the_status);
    tcase_add_test(tc, other_3xx_and_missing_location_are_responses);
    tcase_add_test(tc, credentials_are_sent_within_the_origin);
    tcase_add_test(tc, credentials_are_dropped_at_another_origin);
    tcase_add_test(tc, trusted_redirect_keeps_all_headers_but_the_host);
    tcase_add_test(tc, credentials_stay_dropped_on_the_way_back);
    tcase_add_test(tc, user_in_a_location_header_is_not_sent);
    tcase_add_test(tc, user_of_the_first_url_is_sent_and_not_shown);
    tcase_add_test(tc, redirect_to_another_scheme_is_refused);
    tcase_add_test(tc, relative_location_is_resolved);
    tcase_add_test(tc, body_of_a_redirect_is_read_only_if_small);
    tcase_add_test(tc, stream_follows_redirects_with_its_body);
}
