/* SPDX-License-Identifier: MIT */
/* requests.c - what the server sees of a request, and what is refused before. */
#include "http_test.h"

const char *const http_suite = "http-requests";

#define HAS(text, part)   ck_assert_msg(strstr((text), (part)), "no %s in\n%s", (part), (text))
#define LACKS(text, part) ck_assert_msg(!strcasestr((text), (part)), "%s in\n%s", (part), (text))

HTTP_TEST(get)
{
    async_http_response_auto r = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo?q=1#part"), &r), 200);
    HAS(r->body, "GET /echo?q=1 HTTP/1.1\r\n");
    HAS(r->body, "User-Agent: asyncio/");
    HAS(r->body, "Accept-Encoding: ");
    LACKS(r->body, "Content-");
    ck_assert_uint_eq(r->size, strlen(r->body));
    ck_assert_int_eq(r->status, 200);
    ck_assert_int_eq(r->version, 11);
    ck_assert_str_eq(r->reason, "Whatever");
    ck_assert_str_eq(r->remote_ip, "127.0.0.1");
    ck_assert_str_eq(r->url, at(sv, "/echo?q=1#part"));
    ck_assert_str_eq(async_http_header(r, "content-TYPE"), "text/plain");
    ck_assert_ptr_null(async_http_header(r, "X-No"));
    ck_assert_int_eq(r->error, ASYNC_HTTP_OK);
    ck_assert_int_eq(r->code, 0);
    ck_assert_uint_eq(r->wire_size, r->size);
    ck_assert(r->times.total > 0 && r->times.ttfb > 0 && r->times.ttfb <= r->times.total);
    return 0;
}

HTTP_TEST(post_text)
{
    async_http_response_auto r = NULL;
    ck_assert_int_eq(await_http_post(s, at(sv, "/echo"), &r, .text = "gr\xc3\xbc\xc3\x9f"), 200);
    HAS(r->body, "POST /echo HTTP/1.1\r\n");
    HAS(r->body, "Content-Type: text/plain; charset=utf-8\r\n");
    HAS(r->body, "Content-Length: 6\r\n");
    HAS(r->body, "\r\n\r\ngr\xc3\xbc\xc3\x9f");
    LACKS(r->body, "Expect");
    return 0;
}

HTTP_TEST(post_json_form_bytes)
{
    async_http_response_auto j = NULL, f = NULL, b = NULL;
    ck_assert_int_eq(await_http_post(s, at(sv, "/echo"), &j, .json = "{\"a\":1}"), 200);
    HAS(j->body, "Content-Type: application/json\r\n");
    HAS(j->body, "\r\n\r\n{\"a\":1}");
    ck_assert_int_eq(await_http_post(s, at(sv, "/echo"), &f,
                                     .form = ASYNC_HTTP_PAIRS("a b", "1&2", "c", "")),
                     200);
    HAS(f->body, "Content-Type: application/x-www-form-urlencoded\r\n");
    HAS(f->body, "\r\n\r\na%20b=1%262&c=");
    ck_assert_int_eq(await_http_put(s, at(sv, "/echo"), &b, .body = "1234", .body_size = 3,
                                    .content_type = "image/x-mine"),
                     200);
    HAS(b->body, "PUT /echo HTTP/1.1\r\n");
    HAS(b->body, "Content-Type: image/x-mine\r\n");
    ck_assert_str_eq(strstr(b->body, "\r\n\r\n"), "\r\n\r\n123");
    return 0;
}

HTTP_TEST(empty_post)
{
    async_http_response_auto r = NULL;
    ck_assert_int_eq(await_http_post(s, at(sv, "/echo"), &r), 200);
    HAS(r->body, "Content-Length: 0\r\n");
    LACKS(r->body, "Content-Type");
    return 0;
}

HTTP_TEST(a_large_body_is_sent_at_once)
{
    async_http_response_auto r = NULL;
    size_t n = 900 * 1000;
    char *body = malloc(n + 1);
    memset(body, 'b', n);
    body[n] = '\0';
    ck_assert_int_eq(await_http_post(s, at(sv, "/echo"), &r, .text = body), 200);
    LACKS(r->body, "Expect:");
    ck_assert_str_eq(strstr(r->body, "\r\n\r\n") + 4, body);
    free(body);
    return 0;
}

HTTP_TEST(other_methods)
{
    async_http_response_auto d = NULL, o = NULL, h = NULL, g = NULL;
    ck_assert_int_eq(await_http_request(s, "DELETE", at(sv, "/echo"), &d), 200);
    HAS(d->body, "DELETE /echo HTTP/1.1\r\n");
    LACKS(d->body, "Content-");
    ck_assert_int_eq(await_http_request(s, "PROPFIND", at(sv, "/echo"), &o, .text = "x"), 200);
    HAS(o->body, "PROPFIND /echo HTTP/1.1\r\n");
    ck_assert_int_eq(await_http_head(s, at(sv, "/half/0"), &h), 200);
    ck_assert_uint_eq(h->size, 0);
    ck_assert_str_eq(h->body, "");
    /* the handle of all these is as new */
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo"), &g), 200);
    HAS(g->body, "GET /echo HTTP/1.1\r\n");
    LACKS(g->body, "Content-");
    return 0;
}

HTTP_TEST(headers_of_session_and_call)
{
    async_http_session_auto own = NULL;
    async_http_response_auto a = NULL, b = NULL;
    ck_assert_int_eq(async_http_session_open(&own, .user_agent = "mine/1",
                                             .headers = ASYNC_HTTP_PAIRS("X-One", "1", "X-Two", "2")),
                     0);
    ck_assert_int_eq(await_http_get(own, at(sv, "/echo"), &a), 200);
    HAS(a->body, "User-Agent: mine/1\r\n");
    HAS(a->body, "X-One: 1\r\nX-Two: 2\r\n");
    ck_assert_int_eq(await_http_get(own, at(sv, "/echo"), &b,
                                    .headers = ASYNC_HTTP_PAIRS("x-two", "zwei", "X-Empty", "",
                                                                "Accept", "a/b")),
                     200);
    HAS(b->body, "X-One: 1\r\n");
    HAS(b->body, "x-two: zwei\r\n");
    HAS(b->body, "X-Empty:\r\n");
    HAS(b->body, "Accept: a/b\r\n");
    LACKS(b->body, "X-Two: 2");
    LACKS(b->body, "*/*");
    return 0;
}

HTTP_TEST(query)
{
    async_http_response_auto a = NULL, b = NULL, c = NULL;
    const char *const *pairs = ASYNC_HTTP_PAIRS("a", "x y", "\xc3\xa4", "=&?#");
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo"), &a, .query = pairs), 200);
    HAS(a->body, "GET /echo?a=x%20y&%C3%A4=%3D%26%3F%23 HTTP");
    ck_assert_int_eq(
            await_http_get(s, at(sv, "/echo?z=1#f"), &b, .query = ASYNC_HTTP_PAIRS("a", "b")), 200);
    HAS(b->body, "GET /echo?z=1&a=b HTTP");
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo?"), &c, .query = ASYNC_HTTP_PAIRS("a", "b")), 200);
    HAS(c->body, "GET /echo?a=b HTTP");
    return 0;
}

HTTP_TEST(odd_urls_are_encoded)
{
    async_http_response_auto r = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo/a b/\xc3\xa4?c d"), &r), 200);
    HAS(r->body, "GET /echo/a%20b/%c3%a4?c+d HTTP");
    return 0;
}

HTTP_TEST(authorization)
{
    async_http_response_auto a = NULL, b = NULL, c = NULL;
    char url[128];
    ck_assert_int_eq(
            await_http_get(s, at(sv, "/echo"), &a, .user = "Aladdin", .password = "open sesame"), 200);
    HAS(a->body, "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo"), &b, .bearer = "t0ken"), 200);
    HAS(b->body, "Authorization: Bearer t0ken\r\n");
    snprintf(url, sizeof url, "http://me:p%%40ss@127.0.0.1:%d/echo", sv->port);
    ck_assert_int_eq(await_http_get(s, url, &c), 200);
    HAS(c->body, "Authorization: Basic bWU6cEBzcw==\r\n"); /* me:p@ss */
    ck_assert_str_eq(c->url, at(sv, "/echo"));
    return 0;
}

HTTP_TEST(what_is_refused)
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
    ck_assert_int_eq(await_http_get(s, "ftp://127.0.0.1/", &none), -EPROTONOSUPPORT);
    ck_assert_int_eq(await_http_get(s, "file:///etc/passwd", &none), -EPROTONOSUPPORT);
    const char *url = at(sv, "/echo");
    ck_assert_int_eq(await_http_request(s, "GE T", url, &none), -EINVAL);
    ck_assert_int_eq(await_http_request(s, "", url, &none), -EINVAL);
    ck_assert_int_eq(await_http_request(s, "GET\r\nX:", url, &none), -EINVAL);
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
        ck_assert_int_eq(await_http_get(s, url, &none, .headers = bad[i]), -EINVAL);
    ck_assert_int_eq(await_http_post(s, url, &none, .text = "a", .json = "{}"), -EINVAL);
    ck_assert_int_eq(await_http_post(s, url, &none, .body_size = 3), -EINVAL);
    ck_assert_int_eq(await_http_post(s, url, &none, .text = "a", .content_type = "a\nb"), -EINVAL);
    ck_assert_int_eq(await_http_head(s, url, &none, .text = "a"), -EINVAL);
    ck_assert_int_eq(await_http_get(s, url, &none, .bearer = "a\r\nb"), -EINVAL);
    ck_assert_int_eq(await_http_get(s, url, &none, .user = "a:b"), -EINVAL);
    ck_assert_int_eq(await_http_get(s, url, &none, .query = ASYNC_HTTP_PAIRS("a")), -EINVAL);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(atomic_load(&sv->requests), 0);
    async_http_session *wrong = NULL;
    ck_assert_int_eq(async_http_session_open(&wrong, .headers = ASYNC_HTTP_PAIRS("A", "\n")), -EINVAL);
    ck_assert_int_eq(async_http_session_open(&wrong, .user_agent = "a\r\nB: c"), -EINVAL);
    ck_assert_int_eq(async_http_session_open(&wrong, .ip = 5), -EINVAL);
    ck_assert_ptr_null(wrong);
    return 0;
}

/* .content_type is the body's, and needs one, if it be empty; a header is sent as it is. */
HTTP_TEST(content_type_without_a_body)
{
    async_http_response *none = NULL;
    async_http_response_auto get = NULL, post = NULL, empty = NULL, both = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo"), &none, .content_type = "a/b"), -EINVAL);
    ck_assert_int_eq(await_http_post(s, at(sv, "/echo"), &none, .content_type = "a/b"), -EINVAL);
    const char *const *header = ASYNC_HTTP_PAIRS("Content-Type", "c/d");
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo"), &get, .headers = header), 200);
    HAS(get->body, "Content-Type: c/d\r\n");
    ck_assert_int_eq(await_http_post(s, at(sv, "/echo"), &post, .headers = header), 200);
    HAS(post->body, "Content-Type: c/d\r\n");
    ck_assert_int_eq(await_http_post(s, at(sv, "/echo"), &empty, .text = "", .content_type = "a/b"),
                     200);
    HAS(empty->body, "Content-Type: a/b\r\n");
    ck_assert_int_eq(await_http_post(s, at(sv, "/echo"), &both, .text = "x", .content_type = "a/b",
                                     .headers = header),
                     200);
    HAS(both->body, "Content-Type: a/b\r\n");
    LACKS(both->body, "c/d");
    return 0;
}

HTTP_TEST(cookies)
{
    async_http_session_auto jar = NULL;
    async_http_response_auto a = NULL, b = NULL, c = NULL, d = NULL;
    ck_assert_int_eq(async_http_session_open(&jar, .cookies = true), 0);
    ck_assert_int_eq(await_http_get(jar, at(sv, "/cookie"), &a), 200);
    ck_assert_int_eq(await_http_get(jar, at(sv, "/echo"), &b), 200);
    HAS(b->body, "Cookie: crumb=42\r\n");
    ck_assert_int_eq(await_http_get(s, at(sv, "/cookie"), &c), 200);
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo"), &d), 200);
    LACKS(d->body, "Cookie");
    return 0;
}

HTTP_TEST(context_manager)
{
    async_http_session *own = NULL;
    int r, status = 0;
    await_with (r, async_http_session_hold(&own, .limit = 3)) {
        async_http_response_auto page = NULL;
        status = await_http_get(own, at(sv, "/echo"), &page);
    }
    ck_assert_int_eq(r, 0);
    ck_assert_int_eq(status, 200);
    ck_assert_ptr_null(own);
    await_with (r, async_http_session_hold(&own, .ip = 1))
        ck_abort_msg("entered");
    ck_assert_int_eq(r, -EINVAL);
    return 0;
}

START_TEST(outside)
{
    async_http_session *own = NULL;
    ck_assert_int_eq(async_http_session_open(&own), -EPERM);
    ck_assert_ptr_null(own);
    async_http_session_close(NULL);
    async_http_response_free(NULL);
    ck_assert_str_eq(async_http_error_name(ASYNC_HTTP_BAD_URL), "bad-url");
    ck_assert_str_eq(async_http_error_name((enum async_http_error)999), "unknown");
}
END_TEST

void http_cases(TCase *tc)
{
    tcase_add_test(tc, get);
    tcase_add_test(tc, post_text);
    tcase_add_test(tc, post_json_form_bytes);
    tcase_add_test(tc, empty_post);
    tcase_add_test(tc, a_large_body_is_sent_at_once);
    tcase_add_test(tc, other_methods);
    tcase_add_test(tc, headers_of_session_and_call);
    tcase_add_test(tc, query);
    tcase_add_test(tc, odd_urls_are_encoded);
    tcase_add_test(tc, authorization);
    tcase_add_test(tc, what_is_refused);
    tcase_add_test(tc, content_type_without_a_body);
    tcase_add_test(tc, cookies);
    tcase_add_test(tc, context_manager);
    tcase_add_test(tc, outside);
}
