/* SPDX-License-Identifier: MIT */
/* test_fetch_input.c - input lines, and the requests in them. */
#include "tool_check.h"

#include "fetch/http_syntax.h"
#include "fetch/input.h"
#include "fetch/url.h"

/* ---- requests ---- */

static struct request parsed(const char *line)
{
    struct request s = { 0 };
    expect_ok(request_parse(&s, line, strlen(line)));
    return s;
}

TEST(url_line_becomes_request)
{
    struct request s = parsed("https://h/x");
    expect_text(s.url, "https://h/x");
    expect_text(s.error, "");
    expect_null(s.id);
    request_free(&s);
    s = parsed("h/x");
    expect_text(s.url, "h/x");
    expect_text(s.error, "the URL does not begin with http:// or https://");
    request_free(&s);
}

TEST(json_object_becomes_request)
{
    struct request s = parsed(
            "{\"url\":\"http://h/\",\"id\":\"a\\\"b\",\"method\":\"PUT\",\"headers\":{\"X-A\":\"1"
            "\","
            "\"X-B\":[\"2\",\"3\"]},\"body\":\"x\\u0000y\",\"output\":\"o.txt\",\"sha256\":"
            "\"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\"}");
    expect_text(s.error, "");
    expect_text(s.id, "\"a\\\"b\"");
    expect_text(s.method, "PUT");
    expect_int(s.header_count, 3);
    expect_text(s.headers[2], "X-B: 3");
    expect_text(header_find(s.headers, s.header_count, "x-a"), "1");
    expect_null(header_find(s.headers, s.header_count, "X"));
    expect_int(s.body_len, 3);
    expect_bytes(s.body, "x\0y", 3);
    expect_true(!s.body_json);
    expect_text(s.output, "o.txt");
    expect_int(s.sha256[0], 'e');
    request_free(&s);
}

TEST(id_keeps_its_json_type)
{
    static const char *const ids[] = {
        "17", "-9223372036854775808", "1.1", "1e+300", "1.0", "-0.0", "\"17\""
    };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char line[100];
        snprintf(line, sizeof line, "{\"url\":\"http://h\",\"id\":%s}", ids[i]);
        struct request s = parsed(line);
        expect_text(s.error, "");
        expect_text(s.id, ids[i]);
        request_free(&s);
    }
}

TEST(json_body_is_serialized)
{
    struct request s = parsed("{\"url\":\"http://h\",\"body\":{\"b\": [1, null], \"a\":\"\"}}");
    expect_true(s.body_json);
    expect_text(s.body, "{\"b\":[1,null],\"a\":\"\"}");
    expect_int(s.body_len, strlen(s.body));
    request_free(&s);
    s = parsed("{\"url\":\"http://h\",\"body\":null}");
    expect_null(s.body);
    request_free(&s);
}

TEST(invalid_object_is_rejected_with_reason)
{
    static const char *const bad[][2] = {
        { "{", "not JSON" },
        { "{}", "no \"url\"" },
        { "{\"url\":1}", "\"url\" must be a string" },
        { "{\"url\":\"http://h\\u0000x\"}", "NUL" },
        { "{\"url\":\"http://h\",\"url\":\"http://i\"}", "duplicate" },
        { "{\"url\":\"http://h\",\"uri\":1}", "unknown field \"uri\"" },
        { "{\"url\":\"http://h\",\"id\":[1]}", "\"id\" must be" },
        { "{\"url\":\"http://h\",\"id\":99999999999999999999}", "not JSON: too big integer" },
        { "{\"url\":\"http://h\",\"method\":\"GET / HTTP/1.1\"}", "method is not" },
        { "{\"url\":\"http://h\",\"method\":\"\"}", "method is not" },
        { "{\"url\":\"http://h\",\"headers\":[]}", "\"headers\" must be" },
        { "{\"url\":\"http://h\",\"headers\":{\"A\":1}}", "header A must be" },
        { "{\"url\":\"http://h\",\"headers\":{\"A\":\"x\\r\\nB: y\"}}", "control" },
        { "{\"url\":\"http://h\",\"headers\":{\"A\":\"x\\u0000\"}}", "control" },
        { "{\"url\":\"http://h\",\"headers\":{\"A: x\":\"y\"}}", "colon" },
        { "{\"url\":\"http://h\",\"headers\":{\"\":\"y\"}}", "malformed name" },
        { "{\"url\":\"http://h\",\"headers\":{\"content-Length\":\"5\"}}", "states the length" },
        { "{\"url\":\"http://h\",\"sha256\":\"abc\"}", "64 hex" },
        { "{\"url\":\"http://h\"} x", "not JSON" },
        { "{\"url\":\"http://h/\\ud800\"}", "not JSON: invalid Unicode" },
        { "{\"url\":\"http://h/\xff\"}", "not JSON" },
        { "{\"url\":\"http://h/\",\"id\":1e999}", "not JSON: real number overflow" },
        { "{\"url\":\"http://u:secret@h\" \"y\"", "not JSON" },
        { "{\"url\":\"http://u:secret@h", "not JSON" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct request s = parsed(bad[i][0]);
        expect_that(strstr(s.error, bad[i][1]), "%s: '%s'", bad[i][0], s.error);
        expect_that(!strstr(s.error, "secret"), "%s", s.error);
        request_free(&s);
    }
}

TEST(unknown_field_keeps_id_and_url)
{
    struct request s = parsed("{\"what\":1,\"id\":7,\"url\":\"http://h\"}");
    expect_not_null(strstr(s.error, "unknown field"));
    expect_text(s.id, "7");
    expect_text(s.url, "http://h");
    request_free(&s);
}

TEST(deep_json_is_rejected_before_parsing)
{
    struct text t = { 0 };
    text_puts(&t, "{\"url\":\"http://h\",\"body\":");
    for (int i = 0; i < 100000; i++)
        text_puts(&t, "[");
    struct request s = parsed(t.data);
    expect_not_null(strstr(s.error, "deep"));
    request_free(&s);
    text_free(&t);
    s = parsed("{\"url\":\"http://h/\",\"body\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ \\\"[["
               "\"}");
    expect_text(s.error, "");
    request_free(&s);
}

/* ---- lines ---- */

struct got {
    size_t lines, errors;
    uint64_t last_line;
    struct text urls;
};

static void drain(struct input *in, struct got *g)
{
    struct request s;
    int r;
    while ((r = input_next(in, &s)) == 1) {
        expect_int(s.index, g->lines);
        g->lines++;
        char line[40];
        snprintf(line, sizeof line, "line %llu: ", (unsigned long long)s.line);
        expect_that(!s.error[0] || strncmp(s.error, line, strlen(line)) == 0, "%s", s.error);
        g->errors += s.error[0] != 0;
        g->last_line = s.line;
        text_printf(&g->urls, "%s;", s.url ? s.url : "-");
        request_free(&s);
    }
    expect_ok(r);
}

static struct got read_all(const char *bytes, size_t n, size_t step, size_t line_max)
{
    struct input in;
    struct got g = { 0 };
    input_init(&in, 0, line_max);
    for (size_t i = 0; i < n; i += step) {
        expect_ok(input_feed(&in, bytes + i, n - i < step ? n - i : step));
        drain(&in, &g);
    }
    input_end(&in);
    drain(&in, &g);
    drain(&in, &g);
    input_free(&in);
    return g;
}

TEST(any_chunking_gives_the_same_requests)
{
    static const char file[] = "\xef\xbb\xbfhttp://a\r\n\n  # comment\n\t http://b/x \n"
                               "{\"url\": \"http://c\"}\nnonsense\n\r\nhttp://d";
    for (size_t step = 1; step < sizeof file; step++) {
        struct got g = read_all(file, sizeof file - 1, step, 0);
        expect_int(g.errors, 1);
        expect_int(g.last_line, 8);
        expect_built_text(&g.urls, "http://a;http://b/x;http://c;nonsense;http://d;");
    }
}

TEST(long_line_is_skipped_with_error)
{
    static const char file[] =
            "http://a/123456789\nhttp://b\nhttp://c/1234567890123456789\nhttp://d\n"
            "http://e/12345678901234567890";
    for (size_t step = 1; step < sizeof file; step++) {
        struct got g = read_all(file, sizeof file - 1, step, 18);
        expect_int(g.errors, 2);
        expect_int(g.last_line, 5);
        expect_built_text(&g.urls, "http://a/123456789;http://b;-;http://d;-;");
    }
}

TEST(empty_input_gives_no_request)
{
    struct got g = read_all("", 0, 1, 0);
    expect_ok(g.lines);
    g = read_all("\n\n#\n", 4, 1, 0);
    expect_ok(g.lines);
}

TEST(feed_before_taking_is_refused)
{
    struct input in;
    struct got g = { 0 };
    input_init(&in, 0, 0);
    expect_ok(input_feed(&in, "http://a\nhttp://b", 17));
    expect_int(input_feed(&in, "x", 1), -EBUSY);
    drain(&in, &g);
    expect_ok(input_feed(&in, "x\n", 2));
    drain(&in, &g);
    input_end(&in);
    expect_int(input_feed(&in, "x", 1), -EPIPE);
    expect_built_text(&g.urls, "http://a;http://bx;");
    input_free(&in);
}

TEST(many_lines_need_no_more_memory)
{
    struct input in;
    struct got g = { 0 };
    input_init(&in, 0, 0);
    size_t most = 0;
    for (int i = 0; i < 20000; i++) {
        expect_ok(input_feed(&in, "http://example.com/\nhttp://e", 28));
        drain(&in, &g);
        text_reset(&g.urls, 1 << 20);
        most = in.buffer.cap > most ? in.buffer.cap : most;
    }
    expect_at_most(most, 256);
    expect_int(g.lines, 20000);
    input_free(&in);
    text_free(&g.urls);
}

/* Property: random bytes become requests and errors, and each request has the next index. */
TEST(random_bytes_keep_the_index_without_gaps)
{
    static const char alphabet[] = "{}[]\":,\\n\r\n #ahtp:/@.\xc3\xa9\xff";
    unsigned seed = 9;
    for (int round = 0; round < 5000; round++) {
        char bytes[200];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = alphabet[(size_t)rand_r(&seed) % (sizeof alphabet)];
        struct got g = read_all(bytes, sizeof bytes, 1 + (size_t)rand_r(&seed) % 60, 40);
        text_free(&g.urls);
    }
}

SUITE("fetch input", url_line_becomes_request, json_object_becomes_request, id_keeps_its_json_type,
      json_body_is_serialized, invalid_object_is_rejected_with_reason,
      unknown_field_keeps_id_and_url, deep_json_is_rejected_before_parsing,
      any_chunking_gives_the_same_requests, long_line_is_skipped_with_error,
      empty_input_gives_no_request, feed_before_taking_is_refused, many_lines_need_no_more_memory,
      random_bytes_keep_the_index_without_gaps)
