/* SPDX-License-Identifier: MIT */
/* test_fetch_json.c - the JSON writer: whatever it is given, it writes one line of valid JSON,
 * from which a parser reads the same value. */
#include "tool_check.h"

#include "common/utf8.h"
#include "fetch/json_writer.h"

#include <jansson.h>
#include <stdint.h>

TEST(text_grows_and_shrinks)
{
    struct text t = { 0 };
    for (int i = 0; i < 1000; i++)
        text_printf(&t, "%d,", i);
    expect_int(t.len, strlen(t.data));
    text_consume(&t, 2);
    expect_int(t.data[0], '1');
    text_reset(&t, 1 << 20);
    expect_text(t.data, "");
    text_reset(&t, 0);
    expect_null(t.data);
    expect_null(text_room(&t, SIZE_MAX));
    expect_int(t.error, -ENOMEM);
    text_puts(&t, "ignored");
    expect_ok(t.len);
    text_free(&t);
}

TEST(malformed_utf8_is_rejected)
{
    static const char *const good[] = { "",
                                        "a",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = { "\x80",
                                       "\xc0\x80",
                                       "\xc1\xbf",
                                       "\xc2",
                                       "\xe0\x9f\xbf",
                                       "\xed\xa0\x80",
                                       "\xe2\x82",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf4\x90\x80\x80",
                                       "\xf8\x88\x80\x80\x80",
                                       "\xff",
                                       "a\xfe" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        expect_that(utf8_valid(good[i], strlen(good[i])), "good %zu", i);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_that(!utf8_valid(bad[i], strlen(bad[i])), "bad %zu", i);
}

TEST(control_characters_are_escaped)
{
    struct text t = { 0 };
    struct json_writer j = { .text = &t };
    json_put_open(&j, '[');
    json_put_string(&j, "a\"\\/\b\f\n\r\t\x1b[31m\x7f");
    /* CSI, a line separator, malformed bytes */
    json_put_string(&j, "\xc3\xa9\xc2\x9b\xe2\x80\xa8|\xff|\xe2\x82");
    json_put_string_n(&j, "\0x", 2);
    json_put_string(&j, NULL);
    json_put_close(&j, ']');
    expect_built_text(
            &t,
            "[\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u001b[31m\\u007f\","
            "\"\xc3\xa9\\u009b\\u2028|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\",\"\\u0000x\",null]");
}

TEST(commas_follow_nesting)
{
    struct text t = { 0 };
    struct json_writer j = { .text = &t };
    json_put_open(&j, '{');
    json_put_key(&j, "a");
    json_put_open(&j, '[');
    json_put_close(&j, ']');
    json_put_key(&j, "b");
    json_put_open(&j, '{');
    json_put_key(&j, "c");
    json_put_uint(&j, UINT64_MAX);
    json_put_key(&j, "d");
    json_put_bool(&j, true);
    json_put_close(&j, '}');
    json_put_key(&j, "e");
    json_put_raw(&j, "1.5");
    json_put_close(&j, '}');
    expect_built_text(&t, "{\"a\":[],\"b\":{\"c\":18446744073709551615,\"d\":true},\"e\":1.5}");
}

TEST(milliseconds_have_three_decimals)
{
    struct text t = { 0 };
    struct json_writer j = { .text = &t };
    json_put_ms(&j, 0.0012345);
    json_put_ms(&j, 0);
    json_put_ms(&j, -1);
    json_put_ms(&j, __builtin_nan(""));
    json_put_ms(&j, 61.5);
    expect_built_text(&t, "1.235,0.000,null,null,61500.000");
}

static void check_base64(const char *in, size_t n, const char *out)
{
    struct text t = { 0 };
    struct json_writer j = { .text = &t };
    json_put_base64(&j, in, n);
    expect_built_text(&t, out);
}

TEST(base64_matches_rfc_4648)
{
    check_base64("", 0, "\"\"");
    check_base64("f", 1, "\"Zg==\"");
    check_base64("fo", 2, "\"Zm8=\"");
    check_base64("foo", 3, "\"Zm9v\"");
    check_base64("foob", 4, "\"Zm9vYg==\"");
    check_base64("fooba", 5, "\"Zm9vYmE=\"");
    check_base64("foobar", 6, "\"Zm9vYmFy\"");
    check_base64("\xff\xfe\xfd\xff", 4, "\"//79/w==\"");
}

/* Assert how a document is copied. NULL: it is rejected, and nothing is appended. */
static void check_document(const char *in, const char *out)
{
    struct text t = { 0 };
    struct json_writer j = { .text = &t, .comma = true };
    text_puts(&t, "x");
    char *exact = malloc(strlen(in) ? strlen(in)
                                    : 1); /* so that a sanitizer reports a read behind its end */
    memcpy(exact, in, strlen(in));
    int r = json_put_document(&j, exact, strlen(in));
    free(exact);
    expect_that(r == (out ? 0 : -EBADMSG), "%s: %d", in, r);
    expect_that(strcmp(t.data + (out ? 2 : 1), out ? out : "") == 0, "%s: %s", in, t.data);
    text_free(&t);
}

TEST(valid_document_is_copied_without_space)
{
    check_document("null", "null");
    check_document(" [ ] ", "[]");
    check_document("{\n \"a\" : [ 1 , -0.5e+10, {} ],\r\n\t\"b\":\"x y\\u00e9\" }\n",
                   "{\"a\":[1,-0.5e+10,{}],\"b\":\"x y\\u00e9\"}");
    check_document("123456789012345678901234567890.10", "123456789012345678901234567890.10");
    check_document("\"\xc2\x9b\xe2\x80\xa9\x7f\"", "\"\\u009b\\u2029\\u007f\"");
    check_document("[[[1],2],{\"a\":{\"b\":false}}]", "[[[1],2],{\"a\":{\"b\":false}}]");
}

TEST(invalid_document_leaves_nothing)
{
    static const char *const bad[] = {
        "",         " ",          "{",
        "}",        "[1,]",       "[,1]",
        "[1 2]",    "{\"a\"}",    "{1:2}",
        "{\"a\":}", "{\"a\":1,}", "nul",
        "nullx",    "1 2",        "01",
        "1.",       ".5",         "-",
        "1e",       "+1",         "\"",
        "\"\\x\"",  "\"\\",       "\"\\u12\"",
        "\"\\u",    "\"\n\"",     "\"\xff\"",
        "[1}",      "{\"a\":1]",  "// x\n1",
        "NaN",      "'a'",        "\"\\u00",
        "[",        "[1",         "{\"a",
        "{\"a\":1", "<html>",     "\xef\xbb\xbf{}",
        "tru",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_document(bad[i], NULL);
}

TEST(nesting_beyond_512_is_rejected)
{
    char in[1100];
    memset(in, '[', 512);
    memset(in + 512, ']', 512);
    in[1024] = 0;
    check_document(in, in);
    memset(in, '[', 513);
    memset(in + 513, ']', 513);
    in[1026] = 0;
    check_document(in, NULL);
    memset(in, '[', sizeof in - 1);
    in[sizeof in - 1] = 0;
    check_document(in, NULL);
}

/* Property: a parser reads a string from random bytes, and there is no control character in the
 * line. */
TEST(random_bytes_stay_one_line)
{
    unsigned seed = 20;
    for (int round = 0; round < 2000; round++) {
        char in[64];
        size_t n = (size_t)rand_r(&seed) % sizeof in;
        for (size_t i = 0; i < n; i++)
            in[i] = (char)rand_r(&seed);
        struct text t = { 0 };
        struct json_writer j = { .text = &t };
        json_put_string_n(&j, in, n);
        for (size_t i = 0; i < t.len; i++)
            expect_true((unsigned char)t.data[i] >= 0x20 && t.data[i] != 0x7f);
        json_t *back = json_loadb(t.data, t.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        expect_not_null(back);
        if (utf8_valid(in, n)) {
            expect_int(json_string_length(back), n);
            expect_bytes(json_string_value(back), in, n);
        }
        json_decref(back);
        text_free(&t);
    }
}

/* Property: characters of every length are read back, at every position in a long string that is
 * mostly ASCII. */
TEST(long_string_is_read_back_unchanged)
{
    static const char *const parts[] = { "\"", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                         "\n" };
    unsigned seed = 7;
    for (int round = 0; round < 300; round++) {
        struct text in = { 0 }, out = { 0 };
        for (int i = 0, n = 200 + rand_r(&seed) % 700; i < n; i++)
            text_puts(&in, rand_r(&seed) % 8 ? "x" : parts[(size_t)rand_r(&seed) % 5]);
        struct json_writer j = { .text = &out };
        json_put_string_n(&j, in.data, in.len);
        expect_true(utf8_valid(in.data, in.len));
        json_t *back = json_loadb(out.data, out.len, JSON_DECODE_ANY, NULL);
        expect_not_null(back);
        expect_int(json_string_length(back), in.len);
        expect_bytes(json_string_value(back), in.data, in.len);
        in.data[in.len - 1 - (size_t)rand_r(&seed) % 100] = (char)0xff;
        expect_true(!utf8_valid(in.data, in.len));
        json_decref(back);
        text_free(&in);
        text_free(&out);
    }
}

/* Property: a random document is accepted exactly if jansson accepts it. */
TEST(random_document_is_accepted_as_jansson_does)
{
    static const char *const parts[] = { "{",     "}",       "[", "]",    ",",    ":",
                                         "\"a\"", "\"b\"",   "1", "-2.5", "true", "null",
                                         " ",     "\"\\n\"", "0", "." };
    unsigned seed = 4;
    int accepted = 0;
    for (int round = 0; round < 60000; round++) {
        struct text in = { 0 }, out = { 0 };
        for (int i = 0, n = 1 + rand_r(&seed) % 7; i < n; i++)
            text_puts(&in, parts[(size_t)rand_r(&seed) % (sizeof parts / sizeof *parts)]);
        struct json_writer j = { .text = &out };
        int r = json_put_document(&j, in.data, in.len);
        json_t *a = json_loadb(in.data, in.len, JSON_DECODE_ANY, NULL);
        expect_that((r == 0) == (a != NULL), "%s: %d", in.data, r);
        if (a) {
            json_t *b = json_loadb(out.data, out.len, JSON_DECODE_ANY, NULL);
            expect_true(json_equal(a, b));
            json_decref(b);
            accepted++;
        }
        json_decref(a);
        text_free(&in);
        text_free(&out);
    }
    expect_greater(accepted, 1000);
}

SUITE("fetch json", text_grows_and_shrinks, malformed_utf8_is_rejected,
      control_characters_are_escaped, commas_follow_nesting, milliseconds_have_three_decimals,
      base64_matches_rfc_4648, valid_document_is_copied_without_space,
      invalid_document_leaves_nothing, nesting_beyond_512_is_rejected, random_bytes_stay_one_line,
      long_string_is_read_back_unchanged, random_document_is_accepted_as_jansson_does)
