/* SPDX-License-Identifier: MIT */
/* test_fetch_result.c - the result line, and --keep-order. */
#include "tool_check.h"

#include "fetch/keep_order.h"
#include "fetch/result.h"

#include <jansson.h>

static struct request spec = { .index = 7, .url = (char *)"http://u:secret@h/a" };

TEST(unattempted_request_has_null_members)
{
    struct result r;
    struct text t = { 0 };
    result_init(&r, &spec);
    expect_ok(result_line(&r, &t));
    expect_built_text(
            &t,
            "{\"index\":7,\"id\":null,\"url\":\"http://h/a\",\"final_url\":null,\"method\":null,"
            "\"ok\":true,\"status\":null,\"error\":null,\"attempts\":0,\"redirects\":[],\"http\":"
            "null,"
            "\"remote_ip\":null,\"bytes\":0,\"wire_bytes\":0,\"t\":{\"queued\":null,\"dns\":null,"
            "\"connect\":null,\"tls\":null,\"ttfb\":null,\"total\":null}}\n");
}

TEST(full_result_has_every_member)
{
    static const struct result_redirect hops[] = { { 301, "http://u:secret@h/a" },
                                                   { 302, "http://h/b" } };
    static const struct result_header headers[] = { { "Set-Cookie", "a=1" },
                                                    { "Content-Type", "text/plain" },
                                                    { "set-cookie", "b=\xff" } };
    struct request s = spec;
    struct result r;
    struct text t = { 0 };
    s.id = (char *)"\"x\"";
    result_init(&r, &s);
    r.final_url = "https://v:secret@h/c";
    r.method = "GET";
    r.failure = (struct failure){ FAILURE_HTTP, false, "404 Not Found", "404" };
    r.status = 404;
    r.attempts = 2;
    r.redirects = hops;
    r.redirect_count = 2;
    r.http = "1.1";
    r.remote_ip = "::1";
    r.bytes = 5;
    r.wire_bytes = 9;
    r.t = (struct result_times){ 0, 0.001, 0.002, -1, 0.003, 0.0045678 };
    r.headers = headers;
    r.header_count = 3;
    r.body = "hello";
    r.body_len = 5;
    r.sha256 = "2cf2";
    expect_ok(result_line(&r, &t));
    expect_null(strstr(t.data, "secret"));
    expect_built_text(
            &t,
            "{\"index\":7,\"id\":\"x\",\"url\":\"http://h/a\",\"final_url\":\"https://h/c\",\"met"
            "hod\":"
            "\"GET\",\"ok\":false,\"status\":404,\"error\":{\"kind\":\"http\",\"message\":"
            "\"404 Not Found\",\"code\":\"404\"},\"attempts\":2,\"redirects\":[{\"status\":301,\""
            "url\":"
            "\"http://h/a\"},{\"status\":302,\"url\":\"http://h/b\"}],\"http\":\"1.1\",\"remote_i"
            "p\":"
            "\"::1\",\"bytes\":5,\"wire_bytes\":9,\"t\":{\"queued\":0.000,\"dns\":1.000,\"connect"
            "\":2."
            "000,"
            "\"tls\":null,\"ttfb\":3.000,\"total\":4.568},\"headers\":{\"content-type\":[\"text/"
            "plain\"],"
            "\"set-cookie\":[\"a=1\",\"b=\xef\xbf\xbd\"]},\"body\":\"hello\",\"sha256\":\"2cf2\"}"
            "\n");
}

TEST(invalid_input_has_a_result)
{
    struct request s = { 0 };
    static const char line[] = "ftp://u:secret@h\nx";
    expect_ok(request_parse(&s, line, sizeof line - 1));
    struct result r;
    struct text t = { 0 };
    result_init(&r, &s);
    expect_ok(result_line(&r, &t));
    expect_not_null(strstr(t.data, "\"url\":\"ftp://h\\nx\""));
    expect_not_null(strstr(t.data, "\"ok\":false,\"status\":null,\"error\":{\"kind\":\"input\","
                                   "\"message\":\"the URL contains a control character\""));
    expect_ptr(strchr(t.data, '\n'), t.data + t.len - 1);
    text_free(&t);
    request_free(&s);
}

static void check_body(enum body_mode mode, const char *body, size_t n, const char *expected)
{
    struct result r;
    struct text t = { 0 };
    result_init(&r, &spec);
    r.body = body;
    r.body_len = n;
    r.mode = mode;
    expect_ok(result_line(&r, &t));
    json_t *back = json_loadb(t.data, t.len, JSON_ALLOW_NUL, NULL);
    expect_that(back != NULL, "%s", t.data);
    json_decref(back);
    const char *end = strstr(t.data, "\"total\":null}");
    expect_text(end + 13, expected);
    text_free(&t);
}

TEST(body_is_encoded_by_mode)
{
    check_body(BODY_AUTO, "", 0, ",\"body\":\"\"}\n");
    check_body(BODY_AUTO, "a\n\xc3\xa9", 4, ",\"body\":\"a\\n\xc3\xa9\"}\n");
    check_body(BODY_AUTO, "\xff\xfe", 2, ",\"body_base64\":\"//4=\"}\n");
    check_body(BODY_AUTO, "a\0b", 3, ",\"body_base64\":\"YQBi\"}\n");
    check_body(BODY_TEXT, "\xff\0", 2, ",\"body\":\"\xef\xbf\xbd\\u0000\"}\n");
    check_body(BODY_BASE64, "abc", 3, ",\"body_base64\":\"YWJj\"}\n");
    check_body(BODY_JSON, " {\"a\" : 1} ", 11, ",\"body\":{\"a\":1}}\n");
    check_body(BODY_JSON, "<html>", 6, ",\"body_base64\":\"PGh0bWw+\"}\n");
    check_body(BODY_JSON, "", 0, ",\"body_base64\":\"\"}\n");
    check_body(BODY_NONE, "abc", 3, "}\n");
}

TEST(body_in_file_is_named)
{
    struct result r;
    struct text t = { 0 };
    result_init(&r, &spec);
    r.file = "7-h-a";
    r.body = "x";
    r.body_len = 1;
    expect_ok(result_line(&r, &t));
    expect_not_null(strstr(t.data, ",\"file\":\"7-h-a\"}"));
    text_free(&t);
}

TEST(every_failure_has_a_name)
{
    for (int i = 0; i < FAILURE_KINDS; i++)
        expect_not_null(failure_name((enum failure_kind)i));
    expect_text(failure_errno(-ECONNREFUSED), "ECONNREFUSED");
    expect_null(failure_errno(-99999));
}

static void put(struct order *o, uint64_t index)
{
    struct text line = { 0 };
    text_printf(&line, "%d", (int)index);
    order_put(o, index, &line);
    expect_null(line.data);
}

static bool take(struct order *o, int expected)
{
    struct text line = { 0 };
    if (!order_take(o, &line))
        return false;
    expect_int(atoi(line.data), expected);
    text_free(&line);
    return true;
}

TEST(lines_leave_in_order)
{
    struct order o;
    expect_ok(order_init(&o, 4, 1000));
    expect_true(order_has_room(&o, 3) && !order_has_room(&o, 4));
    put(&o, 2);
    put(&o, 1);
    expect_true(!take(&o, 0));
    put(&o, 0);
    for (int i = 0; i < 3; i++)
        expect_true(take(&o, i));
    expect_true(!take(&o, 3));
    expect_true(order_has_room(&o, 6) && !order_has_room(&o, 7));
    put(&o, 6);
    put(&o, 4);
    struct text line = { 0 };
    expect_true(order_take_rest(&o, &line));
    expect_text(line.data, "4");
    text_free(&line);
    expect_true(order_take_rest(&o, &line));
    expect_text(line.data, "6");
    text_free(&line);
    expect_true(!order_take_rest(&o, &line));
    expect_ok(o.held);
    put(&o, o.next);
    order_free(&o);
}

TEST(waiting_lines_are_bounded)
{
    struct order o;
    expect_ok(order_init(&o, 100, 3));
    for (uint64_t i = 1; i < 4; i++)
        put(&o, i);
    expect_true(!order_has_room(&o, 4));
    expect_true(order_has_room(&o, 0)); /* the next line to print always has room */
    order_free(&o);
}

SUITE("fetch result", unattempted_request_has_null_members, full_result_has_every_member,
      invalid_input_has_a_result, body_is_encoded_by_mode, body_in_file_is_named,
      every_failure_has_a_name, lines_leave_in_order, waiting_lines_are_bounded)
