/* SPDX-License-Identifier: MIT */
/* Responses that handlers set: their bodies, their headers, and what is refused. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static async_web_page *page;

ASYNC_DEF(long_text, (async_web_request *)rq)
{
    return async_web_text(rq, 201, "%5000d", 7);
}

ASYNC_DEF(json, (async_web_request *)rq)
{
    return async_web_json(rq, 200, "{\"a\":1}");
}

ASYNC_DEF(bytes, (async_web_request *)rq)
{
    return async_web_respond(rq, 200, "application/x-test", "a\0b", 3);
}

ASYNC_DEF(no_content, (async_web_request *)rq)
{
    return async_web_respond(rq, 204, NULL, NULL, 0);
}

ASYNC_DEF(owned, (async_web_request *)rq)
{
    return async_web_respond_owned(rq, 200, "text/plain", strdup("mine"), 4);
}

ASYNC_DEF(send_page, (async_web_request *)rq)
{
    if (async_web_query(rq, "more"))
        ASYNC_TRY(async_web_add_header(rq, "X-More", "yes"));
    return async_web_send(rq, page);
}

ASYNC_DEF(redirect, (async_web_request *)rq)
{
    expect_int(async_web_redirect(rq, 304, "/"), -EINVAL);
    expect_int(async_web_redirect(rq, 302, "/\r\nX-Evil: 1"), -EINVAL);
    return async_web_redirect(rq, 307, "/elsewhere?a=b");
}

ASYNC_DEF(add_headers, (async_web_request *)rq)
{
    ASYNC_TRY(async_web_add_header(rq, "X-Before", "1"));
    ASYNC_TRY(async_web_add_header(rq, "Set-Cookie", "a=b"));
    ASYNC_TRY(async_web_text(rq, 200, "ok"));
    ASYNC_TRY(async_web_add_header(rq, "Set-Cookie", "c=d"));
    return async_web_add_header(rq, "Connection", "close");
}

/* Headers that the server would set as well. */
ASYNC_DEF(add_own_headers, (async_web_request *)rq)
{
    ASYNC_TRY(async_web_add_header(rq, "date", "Thu, 01 Jan 1970 00:00:00 GMT"));
    ASYNC_TRY(async_web_add_header(rq, "content-type", "text/html"));
    ASYNC_TRY(async_web_add_header(rq, "Connection", "close"));
    return async_web_query(rq, "page") ? async_web_send(rq, page) : async_web_json(rq, 200, "{}");
}

ASYNC_DEF(add_bad_headers, (async_web_request *)rq)
{
    static const char *const bad[][2] = {
        { "X-A", "b\r\nX-Evil: 1" },
        { "X-A", "b\nc" },
        { "X-A", "\r" },
        { "X-A", "\x01" },
        { "X-A", "\x7f" },
        { "X A", "b" },
        { "X:A", "b" },
        { "", "b" },
        { "X-A\n", "b" },
        { "Content-Length", "3" },
        { "content-length", "3" },
        { "Transfer-Encoding", "chunked" },
        { "Connection", "keep-alive" },
        { "X\xc3", "b" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_that(async_web_add_header(rq, bad[i][0], bad[i][1]) == -EINVAL, "%zu", i);
    expect_int(async_web_respond(rq, 200, "text/plain\r\nX-Evil: 1", "x", 1), -EINVAL);
    expect_int(async_web_respond_owned(rq, 200, "a\nb", strdup("freed"), 5), -EINVAL);
    for (int status = -1; status < 700; status++)
        if (status < 200 || status > 599)
            expect_int(async_web_text(rq, status, "x"), -EINVAL);
    return async_web_text(rq, 200, "clean");
}

ASYNC_DEF(respond_twice, (async_web_request *)rq)
{
    ASYNC_TRY(async_web_text(rq, 200, "first"));
    expect_int(async_web_text(rq, 200, "second"), -EALREADY);
    expect_int(async_web_send(rq, page), -EALREADY);
    expect_int(async_web_redirect(rq, 302, "/"), -EALREADY);
    expect_int(async_web_respond_owned(rq, 200, NULL, strdup("freed"), 5), -EALREADY);
    return await_web_stream_begin(rq, 200, NULL) == -EALREADY ? 0 : -EPROTO;
}

static const async_web_route routes[] = {
    { "GET", "/long", long_text },
    { "GET", "/json", json },
    { "GET", "/bytes", bytes },
    { "GET", "/no-content", no_content },
    { "GET", "/owned", owned },
    { "GET", "/page", send_page },
    { "GET", "/redirect", redirect },
    { "GET", "/headers", add_headers },
    { "GET", "/own-headers", add_own_headers },
    { "GET", "/bad-headers", add_bad_headers },
    { "GET", "/twice", respond_twice },
    { 0 },
};

static void expect_type(int port, const char *path, int status, const char *type, size_t size)
{
    struct response r = request(port, "GET %s HTTP/1.1", path);
    expect_int(r.status, status);
    const char *got = response_header(&r, "Content-Type");
    if (type)
        expect_text(got, type);
    else
        expect_null(got);
    expect_int(r.size, size);
    expect_true(r.complete);
    free(r.body);
}

static void request_bodies(int port, void *arg)
{
    (void)arg;
    expect_type(port, "/long", 201, "text/plain; charset=utf-8", 5000);
    expect_type(port, "/json", 200, "application/json", 7);
    expect_type(port, "/bytes", 200, "application/x-test", 3);
    expect_type(port, "/no-content", 204, NULL, 0);
    expect_type(port, "/owned", 200, "text/plain", 4);
}

TEST(body_and_type_arrive)
{
    serve(routes, (struct async_web_opts){ 0 }, request_bodies, NULL);
}

static void request_pages(int port, void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        expect_type(port, "/page", 203, "text/css", 4);
        expect_type(port, "/page?more", 203, "text/css", 4);
    }
    struct response r = request(port, "GET /page?more HTTP/1.1");
    expect_text(response_header(&r, "X-More"), "yes");
    free(r.body);
    r = request(port, "GET /page HTTP/1.1");
    expect_null(response_header(&r, "X-More"));
    expect_text(r.body, "page");
    free(r.body);
}

TEST(page_is_sent_many_times_with_and_without_own_headers)
{
    page = async_web_page_new(203, "text/css", "page", 4);
    expect_not_null(page);
    serve(routes, (struct async_web_opts){ 0 }, request_pages, NULL);
    async_web_page_free(page);
}

TEST(page_with_invalid_status_or_type_is_refused)
{
    async_web_page_free(NULL);
    expect_null(async_web_page_new(200, "a\nb", "x", 1));
    expect_int(errno, EINVAL);
    expect_null(async_web_page_new(0, NULL, "x", 1));
}

static void request_redirect(int port, void *arg)
{
    (void)arg;
    struct response r = request(port, "GET /redirect HTTP/1.1");
    expect_int(r.status, 307);
    expect_text(response_header(&r, "Location"), "/elsewhere?a=b");
    expect_null(response_header(&r, "X-Evil"));
    free(r.body);
}

TEST(redirect_has_a_location)
{
    serve(routes, (struct async_web_opts){ 0 }, request_redirect, NULL);
}

static void request_headers(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, "GET /headers HTTP/1.1\r\nHost: h\r\n\r\n");
    struct response r = read_response(fd);
    expect_text(response_header(&r, "X-Before"), "1");
    expect_not_null(strstr(r.head, "Set-Cookie: a=b\r\n"));
    expect_not_null(strstr(r.head, "Set-Cookie: c=d\r\n"));
    expect_text(response_header(&r, "Connection"), "close");
    expect_true(reads_end(fd));
    close(fd);
    free(r.body);
}

TEST(headers_added_before_and_after_the_body_arrive)
{
    serve(routes, (struct async_web_opts){ 0 }, request_headers, NULL);
}

static int count_headers(const struct response *r, const char *name)
{
    int n = 0;
    for (const char *p = r->head; (p = strchr(p, '\n')); p++)
        n += strncasecmp(p + 1, name, strlen(name)) == 0;
    return n;
}

static void expect_own_headers(int port, const char *request_line)
{
    struct response r = request(port, "%s", request_line);
    expect_int(count_headers(&r, "Date:"), 1);
    expect_text(response_header(&r, "Date"), "Thu, 01 Jan 1970 00:00:00 GMT");
    expect_int(count_headers(&r, "Content-Type:"), 1);
    expect_text(response_header(&r, "Content-Type"), "text/html");
    expect_int(count_headers(&r, "Connection:"), 1);
    free(r.body);
}

static void request_own_headers(int port, void *arg)
{
    (void)arg;
    expect_own_headers(port, "GET /own-headers HTTP/1.1");
    expect_own_headers(port, "GET /own-headers?page HTTP/1.1");
    expect_own_headers(port, "GET /own-headers HTTP/1.0");
}

TEST(header_of_the_handler_replaces_that_of_the_server)
{
    page = async_web_page_new(200, "text/css", "page", 4);
    serve(routes, (struct async_web_opts){ 0 }, request_own_headers, NULL);
    async_web_page_free(page);
}

static void request_bad_headers(int port, void *arg)
{
    (void)arg;
    struct response r = request(port, "GET /bad-headers HTTP/1.1");
    expect_text(r.body, "clean");
    expect_null(strstr(r.head, "Evil"));
    free(r.body);
}

TEST(header_or_type_that_could_split_the_response_is_refused)
{
    serve(routes, (struct async_web_opts){ 0 }, request_bad_headers, NULL);
}

static void request_twice(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "first", "GET /twice HTTP/1.1");
}

TEST(second_response_is_refused_and_the_first_is_sent)
{
    page = async_web_page_new(200, NULL, "", 0);
    serve(routes, (struct async_web_opts){ 0 }, request_twice, NULL);
    async_web_page_free(page);
}

SUITE("web-responses", body_and_type_arrive, page_is_sent_many_times_with_and_without_own_headers,
      page_with_invalid_status_or_type_is_refused, redirect_has_a_location,
      headers_added_before_and_after_the_body_arrive,
      header_of_the_handler_replaces_that_of_the_server,
      header_or_type_that_could_split_the_response_is_refused,
      second_response_is_refused_and_the_first_is_sent)
