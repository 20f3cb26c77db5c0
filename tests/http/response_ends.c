/* SPDX-License-Identifier: MIT */
/* response_ends.c - how the end of a connection is reported: a complete response, one that the
 * server cut short, a reset, what is not HTTP, and a session that was closed. */
#include "http_test.h"

const char *const http_suite = "http-response-ends";

#define OK      "HTTP/1.1%20200%20OK%0D%0A"
#define LENGTH  OK "Content-Length:%2010%0D%0A%0D%0A"
#define CHUNKED OK "Transfer-Encoding:%20chunked%0D%0A%0D%0A"

#define LENGTH_IS(text) "Content-Length:%20" text "%0D%0A%0D%0Aabcde"

struct end {
    const char *path;
    int code;                   /* of the whole response, and of the stream where it ends */
    enum async_http_error kind; /* of both */
    int body;                   /* bytes of a stream before its end; -1: opening it fails */
};

static void check_whole(async_http_session *s, const char *url, const struct end *end)
{
    async_http_response_auto r = NULL, f = NULL;
    int code = await_http_get(s, url, &r, .failed = &f);
    expect_that(code == end->code, "%s: %d", url, code);
    if (code < 0) {
        expect_null(r);
        expect_that(f->error == end->kind, "%s: %s", url, async_http_error_name(f->error));
        expect_int(f->code, code);
        expect_text_not(f->error_text, "");
        expect_ok(strncmp(async_fail_text(code), url, strlen("http://127.0.0.1")));
        expect_not_null(strstr(async_fail_text(code), f->error_text));
        expect_greater(f->times.total, 0);
    }
}

/* The end of a stream is returned again and again, after all bytes that came before it. */
static void check_stream(async_http_session *s, const char *url, const struct end *end)
{
    async_http_response_auto r = NULL, f = NULL;
    char buf[1000];
    int status = await_http_open(s, "GET", url, &r, .failed = &f), got = 0;
    if (end->body < 0) {
        expect_that(status == end->code, "%s: %d", url, status);
        expect_int(f->error, end->kind);
        return;
    }
    expect_that(status == 200, "%s: %d", url, status);
    for (int again = 0; again < 2; again++) {
        ssize_t n;
        while ((n = await_http_read(r, buf, sizeof buf)) > 0)
            got += (int)n;
        expect_that(n == (end->code < 0 ? end->code : 0), "%s: %zd", url, n);
        expect_that(got == end->body, "%s: %d bytes", url, got);
        expect_int(r->error, end->kind);
    }
}

static int check_ends(struct server *sv, async_http_session *s, const struct end *ends, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        check_whole(s, at(sv, "%s", ends[i].path), &ends[i]);
        check_stream(s, at(sv, "%s", ends[i].path), &ends[i]);
    }
    return 0;
}

#define CHECK_ENDS(...)                                                                            \
    check_ends(sv, s, (const struct end[]){ __VA_ARGS__ },                                         \
               sizeof((const struct end[]){ __VA_ARGS__ }) / sizeof(struct end))

HTTP_TEST(complete_bodies_end_with_0)
{
    return CHECK_ENDS({ "/bytes/5000", 200, ASYNC_HTTP_OK, 5000 },
                      { "/chunked/5000", 200, ASYNC_HTTP_OK, 5000 },
                      { "/close/5000", 200, ASYNC_HTTP_OK, 5000 },
                      { "/raw-close?" OK LENGTH_IS("5,%205"), 200, ASYNC_HTTP_OK, 5 },
                      { "/raw-close?" OK LENGTH_IS("005"), 200, ASYNC_HTTP_OK, 5 },
                      { "/bytes/0", 200, ASYNC_HTTP_OK, 0 });
}

HTTP_TEST(close_before_the_headers_are_complete_is_enodata)
{
    return CHECK_ENDS(
            { "/drop", -ENODATA, ASYNC_HTTP_RESET, -1 },
            { "/raw-close?HTTP/1.1%20200", -ENODATA, ASYNC_HTTP_RESET, -1 },
            { "/raw-close?" OK, -ENODATA, ASYNC_HTTP_RESET, -1 },
            { "/raw-close?" OK "X-A:%20b", -ENODATA, ASYNC_HTTP_RESET, -1 },
            { "/raw-close?" OK "X-A:%20b%0D%0A", -ENODATA, ASYNC_HTTP_RESET, -1 },
            { "/raw-close?HTTP/1.1%20103%20Early%0D%0A%0D%0A", -ENODATA, ASYNC_HTTP_RESET, -1 });
}

HTTP_TEST(close_before_the_body_is_complete_is_enodata)
{
    return CHECK_ENDS({ "/half/5000", -ENODATA, ASYNC_HTTP_RESET, 2500 },
                      { "/raw-close?" LENGTH, -ENODATA, ASYNC_HTTP_RESET, 0 },
                      { "/raw-close?" CHUNKED "5%0D%0Aab", -ENODATA, ASYNC_HTTP_RESET, 2 },
                      { "/raw-close?" CHUNKED "2%0D%0Aab%0D%0A", -ENODATA, ASYNC_HTTP_RESET, 2 },
                      { "/raw-close?" CHUNKED "2%0D%0Aab%0D%0A0%0D%0AX-T:%20b", -ENODATA,
                        ASYNC_HTTP_RESET, 2 });
}

HTTP_TEST(reset_is_econnreset_wherever_it_comes)
{
    return CHECK_ENDS({ "/reset", -ECONNRESET, ASYNC_HTTP_RESET, -1 },
                      { "/raw-reset?" OK "X-A", -ECONNRESET, ASYNC_HTTP_RESET, -1 },
                      { "/raw-reset?" LENGTH "ab", -ECONNRESET, ASYNC_HTTP_RESET, 2 },
                      { "/raw-reset?" CHUNKED "5%0D%0Aab", -ECONNRESET, ASYNC_HTTP_RESET, 2 },
                      { "/raw-reset?" OK "%0D%0Aab", -ECONNRESET, ASYNC_HTTP_RESET, 2 });
}

HTTP_TEST(what_is_not_http_is_eproto)
{
    return CHECK_ENDS(
            { "/junk", -EPROTO, ASYNC_HTTP_PROTOCOL, -1 },
            { "/lengths", -EPROTO, ASYNC_HTTP_PROTOCOL, -1 },
            { "/raw-close?" OK LENGTH_IS("0x5"), -EPROTO, ASYNC_HTTP_PROTOCOL, -1 },
            { "/raw-close?" OK LENGTH_IS("5,%203"), -EPROTO, ASYNC_HTTP_PROTOCOL, -1 },
            { "/raw-close?" OK LENGTH_IS("5,"), -EPROTO, ASYNC_HTTP_PROTOCOL, -1 },
            { "/raw-close?" OK LENGTH_IS("+5"), -EPROTO, ASYNC_HTTP_PROTOCOL, -1 },
            { "/raw-close?" OK LENGTH_IS("-5"), -EPROTO, ASYNC_HTTP_PROTOCOL, -1 },
            { "/raw-close?" OK LENGTH_IS("5%205"), -EPROTO, ASYNC_HTTP_PROTOCOL, -1 },
            { "/raw-close?" OK LENGTH_IS(""), -EPROTO, ASYNC_HTTP_PROTOCOL, -1 },
            { "/raw-close?HTTP/1.1%20101%20Switch%0D%0AConnection:%20upgrade%0D%0AUpgrade:%20x%0D%0A"
              "%0D%0Aab",
              -EPROTO, ASYNC_HTTP_PROTOCOL, -1 },
            { "/raw-close?HTTP/1.1%20101%20Switch%0D%0A%0D%0Aab", -EPROTO, ASYNC_HTTP_PROTOCOL,
              -1 },
            { "/raw-close?" CHUNKED "zz%0D%0Aab%0D%0A", -EPROTO, ASYNC_HTTP_PROTOCOL, 0 },
            { "/raw-close?" CHUNKED "-5%0D%0Aab%0D%0A", -EPROTO, ASYNC_HTTP_PROTOCOL, 0 },
            { "/raw-close?" CHUNKED "ffffffffffffffff1%0D%0Aab", -EPROTO, ASYNC_HTTP_PROTOCOL, 0 },
            { "/raw-close?" CHUNKED "2%0D%0Aabcd%0D%0A", -EPROTO, ASYNC_HTTP_PROTOCOL, 2 });
}

ASYNC_DEF(read_to_the_end, (async_http_response *)r)
{
    char buf[100];
    ssize_t n;
    while ((n = await_http_read(r, buf, sizeof buf)) > 0)
        ;
    return (int)n;
}

HTTP_TEST(session_close_while_a_stream_is_read_is_epipe)
{
    async_http_session *own = NULL;
    async_http_response_auto r = NULL;
    expect_ok(async_http_session_open(&own));
    expect_int(await_http_open(own, "GET", at(sv, "/stall/1000"), &r), 200);
    await_task_auto t = async_create_task(read_to_the_end(r));
    expect_eventually(r->size == 500);
    async_http_session_close(own);
    expect_int(await_task(t), -EPIPE);
    expect_int(await_read_to_the_end(r), -EPIPE);
    expect_int(r->error, ASYNC_HTTP_CLOSED);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, complete_bodies_end_with_0);
    tcase_add_test(tc, close_before_the_headers_are_complete_is_enodata);
    tcase_add_test(tc, close_before_the_body_is_complete_is_enodata);
    tcase_add_test(tc, reset_is_econnreset_wherever_it_comes);
    tcase_add_test(tc, what_is_not_http_is_eproto);
    tcase_add_test(tc, session_close_while_a_stream_is_read_is_epipe);
}
