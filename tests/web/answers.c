/* SPDX-License-Identifier: MIT */
/* What a handler answers reaches the client, and what it may not answer is refused. */
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

ASYNC_DEF(nothing, (async_web_request *)rq)
{
    return async_web_respond(rq, 204, NULL, NULL, 0);
}

ASYNC_DEF(owned, (async_web_request *)rq)
{
    return async_web_respond_owned(rq, 200, "text/plain", strdup("mine"), 4);
}

ASYNC_DEF(paged, (async_web_request *)rq)
{
    if (async_web_query(rq, "more"))
        ASYNC_TRY(async_web_add_header(rq, "X-More", "yes"));
    return async_web_send(rq, page);
}

ASYNC_DEF(redirect, (async_web_request *)rq)
{
    ck_assert_int_eq(async_web_redirect(rq, 304, "/"), -EINVAL);
    ck_assert_int_eq(async_web_redirect(rq, 302, "/\r\nX-Evil: 1"), -EINVAL);
    return async_web_redirect(rq, 307, "/elsewhere?a=b");
}

ASYNC_DEF(with_headers, (async_web_request *)rq)
{
    ASYNC_TRY(async_web_add_header(rq, "X-Before", "1"));
    ASYNC_TRY(async_web_add_header(rq, "Set-Cookie", "a=b"));
    ASYNC_TRY(async_web_text(rq, 200, "ok"));
    ASYNC_TRY(async_web_add_header(rq, "Set-Cookie", "c=d"));
    return async_web_add_header(rq, "Connection", "close");
}

ASYNC_DEF(bad_headers, (async_web_request *)rq)
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
        ck_assert_msg(async_web_add_header(rq, bad[i][0], bad[i][1]) == -EINVAL, "%zu", i);
    ck_assert_int_eq(async_web_respond(rq, 200, "text/plain\r\nX-Evil: 1", "x", 1), -EINVAL);
    ck_assert_int_eq(async_web_respond_owned(rq, 200, "a\nb", strdup("freed"), 5), -EINVAL);
    for (int status = -1; status < 700; status++)
        if (status < 200 || status > 599)
            ck_assert_int_eq(async_web_text(rq, status, "x"), -EINVAL);
    return async_web_text(rq, 200, "clean");
}

ASYNC_DEF(twice, (async_web_request *)rq)
{
    ASYNC_TRY(async_web_text(rq, 200, "first"));
    ck_assert_int_eq(async_web_text(rq, 200, "second"), -EALREADY);
    ck_assert_int_eq(async_web_send(rq, page), -EALREADY);
    ck_assert_int_eq(async_web_redirect(rq, 302, "/"), -EALREADY);
    ck_assert_int_eq(async_web_respond_owned(rq, 200, NULL, strdup("freed"), 5), -EALREADY);
    return await_web_stream_begin(rq, 200, NULL) == -EALREADY ? 0 : -EPROTO;
}

ASYNC_DEF(fails, (async_web_request *)rq)
{
    (void)rq;
    return async_fail(-EIO, "the disk\x1b[31m is full");
}

ASYNC_DEF(fails_late, (async_web_request *)rq)
{
    ASYNC_TRY(async_web_text(rq, 202, "taken"));
    return -EIO;
}

ASYNC_DEF(says_nothing, (async_web_request *)rq)
{
    (void)rq;
    return 0;
}

ASYNC_DEF(gives_up, (async_web_request *)rq)
{
    (void)rq;
    async_task_cancel(async_current_task(), .reason = "no");
    return await_sleep(1);
}

static const async_web_route routes[] = {
    { "GET", "/long", long_text },
    { "GET", "/json", json },
    { "GET", "/bytes", bytes },
    { "GET", "/nothing", nothing },
    { "GET", "/owned", owned },
    { "GET", "/page", paged },
    { "GET", "/redirect", redirect },
    { "GET", "/headers", with_headers },
    { "GET", "/bad", bad_headers },
    { "GET", "/twice", twice },
    { "GET", "/fails", fails },
    { "GET", "/fails-late", fails_late },
    { "GET", "/silent", says_nothing },
    { "GET", "/gives-up", gives_up },
    { 0 },
};

static void expect_type(int port, const char *path, int status, const char *type, size_t size)
{
    struct answer a = ask(port, "GET %s HTTP/1.1", path);
    ck_assert_int_eq(a.status, status);
    const char *got = answer_header(&a, "Content-Type");
    if (type)
        ck_assert_str_eq(got, type);
    else
        ck_assert_ptr_null(got);
    ck_assert_uint_eq(a.size, size);
    ck_assert(a.whole);
    free(a.body);
}

static void ask_kinds(int port, void *arg)
{
    (void)arg;
    expect_type(port, "/long", 201, "text/plain; charset=utf-8", 5000);
    expect_type(port, "/json", 200, "application/json", 7);
    expect_type(port, "/bytes", 200, "application/x-test", 3);
    expect_type(port, "/nothing", 204, NULL, 0);
    expect_type(port, "/owned", 200, "text/plain", 4);
    for (int i = 0; i < 3; i++) {
        expect_type(port, "/page", 203, "text/css", 4);
        expect_type(port, "/page?more", 203, "text/css", 4);
    }
    struct answer a = ask(port, "GET /page?more HTTP/1.1");
    ck_assert_str_eq(answer_header(&a, "X-More"), "yes");
    free(a.body);
    a = ask(port, "GET /page HTTP/1.1");
    ck_assert_ptr_null(answer_header(&a, "X-More"));
    ck_assert_str_eq(a.body, "page");
    free(a.body);
}

START_TEST(answers_of_all_kinds_arrive)
{
    page = async_web_page_new(203, "text/css", "page", 4);
    ck_assert_ptr_nonnull(page);
    serve(routes, (struct async_web_opts){ 0 }, ask_kinds, NULL);
    async_web_page_free(page);
    async_web_page_free(NULL);
    ck_assert_ptr_null(async_web_page_new(200, "a\nb", "x", 1));
    ck_assert_ptr_null(async_web_page_new(0, NULL, "x", 1));
}
END_TEST

static void ask_headers(int port, void *arg)
{
    (void)arg;
    struct answer a = ask(port, "GET /redirect HTTP/1.1");
    ck_assert_int_eq(a.status, 307);
    ck_assert_str_eq(answer_header(&a, "Location"), "/elsewhere?a=b");
    ck_assert_ptr_null(answer_header(&a, "X-Evil"));
    free(a.body);
    int fd = dial(port);
    put(fd, "GET /headers HTTP/1.1\r\nHost: h\r\n\r\n");
    a = answer_read(fd, false);
    ck_assert_str_eq(answer_header(&a, "X-Before"), "1");
    ck_assert_ptr_nonnull(strstr(a.head, "Set-Cookie: a=b\r\n"));
    ck_assert_ptr_nonnull(strstr(a.head, "Set-Cookie: c=d\r\n"));
    ck_assert_str_eq(answer_header(&a, "Connection"), "close");
    ck_assert(at_end(fd));
    close(fd);
    free(a.body);
    expect(port, 200, "clean", "GET /bad HTTP/1.1");
    a = ask(port, "GET /bad HTTP/1.1");
    ck_assert_ptr_null(strstr(a.head, "Evil"));
    free(a.body);
}

START_TEST(headers_of_an_answer_arrive)
{
    serve(routes, (struct async_web_opts){ 0 }, ask_headers, NULL);
}
END_TEST

static void ask_failures(int port, void *arg)
{
    (void)arg;
    expect(port, 200, "first", "GET /twice HTTP/1.1");
    expect(port, 500, NULL, "GET /fails HTTP/1.1");
    expect(port, 202, "taken", "GET /fails-late HTTP/1.1");
    expect(port, 500, NULL, "GET /silent HTTP/1.1");
    expect(port, 500, NULL, "GET /gives-up HTTP/1.1");
}

/* What stood on stderr meanwhile. */
static void captured(client_fn *client, char *text, size_t size)
{
    FILE *f = tmpfile();
    int saved = dup(STDERR_FILENO);
    ck_assert_ptr_nonnull(f);
    fflush(stderr);
    dup2(fileno(f), STDERR_FILENO);
    serve(routes, (struct async_web_opts){ 0 }, client, NULL);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(f);
    text[fread(text, 1, size - 1, f)] = '\0';
    fclose(f);
}

START_TEST(what_failed_in_a_handler_is_said)
{
    char text[4096];
    page = async_web_page_new(200, NULL, "", 0);
    captured(ask_failures, text, sizeof text);
    async_web_page_free(page);
    ck_assert_str_eq(text, "asyncio-web: GET /fails: handler failed: Input/output error: the disk?[31m is full\n"
                           "asyncio-web: GET /fails-late: handler failed: Input/output error\n"
                           "asyncio-web: GET /silent: handler returned 0 without a response\n"
                           "asyncio-web: GET /gives-up: handler failed: Operation canceled\n");
}
END_TEST

SUITE("web-answers", answers_of_all_kinds_arrive, headers_of_an_answer_arrive,
      what_failed_in_a_handler_is_said)
