/* SPDX-License-Identifier: MIT */
/* requests.c - what the server receives: methods, headers, queries, bodies, authorization. */
#include "http_test.h"

const char *const http_suite = "http-requests";

HTTP_TEST(get_sends_the_standard_headers)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/echo?q=1#part"), &r), 200);
    expect_contains(r->body, "GET /echo?q=1 HTTP/1.1\r\n");
    expect_contains(r->body, "User-Agent: asyncio/");
    expect_contains(r->body, "Accept-Encoding: ");
    expect_lacks(r->body, "Content-");
    return 0;
}

HTTP_TEST(text_is_sent_as_utf8)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_post(s, at(sv, "/echo"), &r, .text = "gr\xc3\xbc\xc3\x9f"), 200);
    expect_contains(r->body, "POST /echo HTTP/1.1\r\n");
    expect_contains(r->body, "Content-Type: text/plain; charset=utf-8\r\n");
    expect_contains(r->body, "Content-Length: 6\r\n");
    expect_contains(r->body, "\r\n\r\ngr\xc3\xbc\xc3\x9f");
    expect_lacks(r->body, "Expect");
    return 0;
}

HTTP_TEST(json_is_sent_with_its_type)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_post(s, at(sv, "/echo"), &r, .json = "{\"a\":1}"), 200);
    expect_contains(r->body, "Content-Type: application/json\r\n");
    expect_contains(r->body, "\r\n\r\n{\"a\":1}");
    return 0;
}

HTTP_TEST(form_is_encoded)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_post(s, at(sv, "/echo"), &r,
                               .form = ASYNC_HTTP_PAIRS("a b", "1&2", "c", "")),
               200);
    expect_contains(r->body, "Content-Type: application/x-www-form-urlencoded\r\n");
    expect_contains(r->body, "\r\n\r\na%20b=1%262&c=");
    return 0;
}

HTTP_TEST(bytes_are_sent_with_the_given_type)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_put(s, at(sv, "/echo"), &r, .body = "1234", .body_size = 3,
                              .content_type = "image/x-mine"),
               200);
    expect_contains(r->body, "PUT /echo HTTP/1.1\r\n");
    expect_contains(r->body, "Content-Type: image/x-mine\r\n");
    expect_text(strstr(r->body, "\r\n\r\n"), "\r\n\r\n123");
    return 0;
}

HTTP_TEST(post_without_a_body_sends_length_0)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_post(s, at(sv, "/echo"), &r), 200);
    expect_contains(r->body, "Content-Length: 0\r\n");
    expect_lacks(r->body, "Content-Type");
    return 0;
}

HTTP_TEST(large_body_is_sent_without_expect)
{
    async_http_response_auto r = NULL;
    size_t n = 900 * 1000;
    char *body = malloc(n + 1);
    memset(body, 'b', n);
    body[n] = '\0';
    expect_int(await_http_post(s, at(sv, "/echo"), &r, .text = body), 200);
    expect_lacks(r->body, "Expect:");
    expect_text(strstr(r->body, "\r\n\r\n") + 4, body);
    free(body);
    return 0;
}

HTTP_TEST(any_method_can_be_sent)
{
    async_http_response_auto d = NULL, o = NULL, h = NULL, g = NULL;
    expect_int(await_http_request(s, "DELETE", at(sv, "/echo"), &d), 200);
    expect_contains(d->body, "DELETE /echo HTTP/1.1\r\n");
    expect_lacks(d->body, "Content-");
    expect_int(await_http_request(s, "PROPFIND", at(sv, "/echo"), &o, .text = "x"), 200);
    expect_contains(o->body, "PROPFIND /echo HTTP/1.1\r\n");
    expect_int(await_http_head(s, at(sv, "/half/0"), &h), 200);
    expect_ok(h->size);
    expect_text(h->body, "");
    /* the handle that was used for all of these is as good as new */
    expect_int(await_http_get(s, at(sv, "/echo"), &g), 200);
    expect_contains(g->body, "GET /echo HTTP/1.1\r\n");
    expect_lacks(g->body, "Content-");
    return 0;
}

HTTP_TEST(headers_of_the_call_replace_those_of_the_session)
{
    async_http_session_auto own = NULL;
    async_http_response_auto a = NULL, b = NULL;
    expect_int(async_http_session_open(&own, .user_agent = "mine/1",
                                       .headers = ASYNC_HTTP_PAIRS("X-One", "1", "X-Two", "2")),
               0);
    expect_int(await_http_get(own, at(sv, "/echo"), &a), 200);
    expect_contains(a->body, "User-Agent: mine/1\r\n");
    expect_contains(a->body, "X-One: 1\r\nX-Two: 2\r\n");
    expect_int(await_http_get(own, at(sv, "/echo"), &b,
                              .headers = ASYNC_HTTP_PAIRS("x-two", "zwei", "X-Empty", "", "Accept",
                                                          "a/b")),
               200);
    expect_contains(b->body, "X-One: 1\r\n");
    expect_contains(b->body, "x-two: zwei\r\n");
    expect_contains(b->body, "X-Empty:\r\n");
    expect_contains(b->body, "Accept: a/b\r\n");
    expect_lacks(b->body, "X-Two: 2");
    expect_lacks(b->body, "*/*");
    return 0;
}

HTTP_TEST(query_is_encoded_and_appended)
{
    async_http_response_auto a = NULL, b = NULL, c = NULL;
    const char *const *pairs = ASYNC_HTTP_PAIRS("a", "x y", "\xc3\xa4", "=&?#");
    expect_int(await_http_get(s, at(sv, "/echo"), &a, .query = pairs), 200);
    expect_contains(a->body, "GET /echo?a=x%20y&%C3%A4=%3D%26%3F%23 HTTP");
    expect_int(await_http_get(s, at(sv, "/echo?z=1#f"), &b, .query = ASYNC_HTTP_PAIRS("a", "b")),
               200);
    expect_contains(b->body, "GET /echo?z=1&a=b HTTP");
    expect_int(await_http_get(s, at(sv, "/echo?"), &c, .query = ASYNC_HTTP_PAIRS("a", "b")), 200);
    expect_contains(c->body, "GET /echo?a=b HTTP");
    return 0;
}

HTTP_TEST(bytes_that_a_url_cannot_have_are_encoded)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/echo/a b/\xc3\xa4?c d"), &r), 200);
    expect_contains(r->body, "GET /echo/a%20b/%c3%a4?c+d HTTP");
    return 0;
}

HTTP_TEST(authorization_comes_from_options_or_url)
{
    async_http_response_auto a = NULL, b = NULL, c = NULL;
    char url[128];
    expect_int(await_http_get(s, at(sv, "/echo"), &a, .user = "Aladdin", .password = "open sesame"),
               200);
    expect_contains(a->body, "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
    expect_int(await_http_get(s, at(sv, "/echo"), &b, .bearer = "t0ken"), 200);
    expect_contains(b->body, "Authorization: Bearer t0ken\r\n");
    snprintf(url, sizeof url, "http://me:p%%40ss@127.0.0.1:%d/echo", sv->port);
    expect_int(await_http_get(s, url, &c), 200);
    expect_contains(c->body, "Authorization: Basic bWU6cEBzcw==\r\n"); /* me:p@ss */
    expect_text(c->url, at(sv, "/echo"));
    return 0;
}

HTTP_TEST(content_type_header_is_sent_without_a_body)
{
    async_http_response_auto get = NULL, post = NULL;
    const char *const *header = ASYNC_HTTP_PAIRS("Content-Type", "c/d");
    expect_int(await_http_get(s, at(sv, "/echo"), &get, .headers = header), 200);
    expect_contains(get->body, "Content-Type: c/d\r\n");
    expect_int(await_http_post(s, at(sv, "/echo"), &post, .headers = header), 200);
    expect_contains(post->body, "Content-Type: c/d\r\n");
    return 0;
}

HTTP_TEST(content_type_option_needs_a_body_that_may_be_empty)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_post(s, at(sv, "/echo"), &r, .text = "", .content_type = "a/b"), 200);
    expect_contains(r->body, "Content-Type: a/b\r\n");
    return 0;
}

HTTP_TEST(content_type_option_replaces_the_header)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_post(s, at(sv, "/echo"), &r, .text = "x", .content_type = "a/b",
                               .headers = ASYNC_HTTP_PAIRS("Content-Type", "c/d")),
               200);
    expect_contains(r->body, "Content-Type: a/b\r\n");
    expect_lacks(r->body, "c/d");
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, get_sends_the_standard_headers);
    tcase_add_test(tc, text_is_sent_as_utf8);
    tcase_add_test(tc, json_is_sent_with_its_type);
    tcase_add_test(tc, form_is_encoded);
    tcase_add_test(tc, bytes_are_sent_with_the_given_type);
    tcase_add_test(tc, post_without_a_body_sends_length_0);
    tcase_add_test(tc, large_body_is_sent_without_expect);
    tcase_add_test(tc, any_method_can_be_sent);
    tcase_add_test(tc, headers_of_the_call_replace_those_of_the_session);
    tcase_add_test(tc, query_is_encoded_and_appended);
    tcase_add_test(tc, bytes_that_a_url_cannot_have_are_encoded);
    tcase_add_test(tc, authorization_comes_from_options_or_url);
    tcase_add_test(tc, content_type_header_is_sent_without_a_body);
    tcase_add_test(tc, content_type_option_needs_a_body_that_may_be_empty);
    tcase_add_test(tc, content_type_option_replaces_the_header);
}
