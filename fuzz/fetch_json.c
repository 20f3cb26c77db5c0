/* SPDX-License-Identifier: MIT */
/* fetch_json.c - fuzz the JSON that `asyncio fetch` writes: bodies of servers that are copied as
 * JSON, and strings of any bytes. jansson reads what was written and compares. */
#include "fuzz.h"

#include "common/utf8.h"
#include "fetch/json_writer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What is written is one line of UTF-8 that cannot control a terminal. */
static void check_printable(const struct text *t)
{
    fuzz_check(utf8_valid(t->data, t->len), "not UTF-8: %s", t->data);
    unsigned c;
    for (size_t i = 0; i < t->len; i += utf8_decode(t->data + i, t->len - i, &c)) {
        utf8_decode(t->data + i, t->len - i, &c);
        fuzz_check(c >= 0x20 && (c < 0x7f || c >= 0xa0) && c != 0x2028 && c != 0x2029,
                   "U+%04x in %s", c, t->data);
    }
}

/* --- documents --- */

/* jansson refuses some texts that are JSON: large numbers, which it would have to convert, names
 * with a NUL, and escapes for half a surrogate pair. */
static bool is_limit_of_jansson(const json_error_t *e)
{
    enum json_error_code code = json_error_code(e);
    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
           code == json_error_null_character || strncmp(e->text, "invalid Unicode", 15) == 0;
}

static json_t *load(const char *s, size_t n, json_error_t *e)
{
    return json_loadb(s, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, e);
}

/* A document that was accepted keeps its value, and copied again it stays as it is. */
static void check_copied(const char *document, size_t n, const struct text *copy)
{
    json_error_t e;
    json_t *before = load(document, n, &e);
    fuzz_check(before || is_limit_of_jansson(&e), "%s in %s", e.text, copy->data);
    json_t *after = load(copy->data, copy->len, &e);
    fuzz_check(!before == !after, "%s in %s", e.text, copy->data);
    fuzz_check(!before || json_equal(before, after), "%s", copy->data);
    json_decref(before);
    json_decref(after);
    struct text again = { 0 };
    struct json_writer j = { .text = &again };
    fuzz_check(json_put_document(&j, copy->data, copy->len) == 0, "%s", copy->data);
    fuzz_check(strcmp(copy->data, again.data) == 0, "%s became %s", copy->data, again.data);
    text_free(&again);
}

/* jansson allows more levels, and anything behind a NUL that follows the value. Such documents are
 * left out. */
static void check_refused(const char *document, size_t n)
{
    size_t levels = 0;
    for (size_t i = 0; i < n; i++)
        levels += document[i] == '[' || document[i] == '{';
    json_error_t e;
    json_t *value = levels <= 512 && !memchr(document, 0, n) ? load(document, n, &e) : NULL;
    fuzz_check(!value, "jansson accepts the document");
}

static void check_document(const char *document, size_t n)
{
    struct text t = { 0 };
    struct json_writer j = { .text = &t };
    if (json_put_document(&j, document, n) == 0) {
        check_printable(&t);
        check_copied(document, n, &t);
    } else {
        fuzz_check(t.len == 0, "%s is left of a document that was refused", t.data);
        check_refused(document, n);
    }
    text_free(&t);
}

/* --- strings --- */

static void check_string(const char *bytes, size_t n)
{
    struct text t = { 0 };
    struct json_writer j = { .text = &t };
    json_error_t e;
    json_put_string_n(&j, bytes, n);
    check_printable(&t);
    json_t *value = load(t.data, t.len, &e);
    fuzz_check(json_is_string(value), "%s in %s", e.text, t.data);
    if (utf8_valid(bytes, n))
        fuzz_check(json_string_length(value) == n &&
                           memcmp(json_string_value(value), bytes, n) == 0,
                   "%s", t.data);
    json_decref(value);
    text_free(&t);
}

/* Decode base64 without its padding. Returns how many bytes were written to ret. */
static size_t decode_base64(const char *s, size_t n, unsigned char *ret)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, count = 0;
    unsigned char *to = ret;
    for (size_t i = 0; i < n; i++) {
        const char *digit = memchr(digits, s[i], 64);
        fuzz_check(digit, "%c is no digit of base64", s[i]);
        bits = bits << 6 | (unsigned)(digit - digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            *to++ = (unsigned char)(bits >> count);
        }
    }
    return (size_t)(to - ret);
}

static void check_base64(const char *bytes, size_t n)
{
    struct text t = { 0 };
    struct json_writer j = { .text = &t };
    json_put_base64(&j, bytes, n);
    fuzz_check(t.len == (n + 2) / 3 * 4 + 2, "%zu bytes became %s", n, t.data);
    unsigned char *decoded = fuzz_copy(t.data, t.len);
    size_t got = decode_base64(t.data + 1, strcspn(t.data + 1, "=\""), decoded);
    fuzz_check(got == n && memcmp(decoded, bytes, n) == 0, "%s", t.data);
    free(decoded);
    text_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = fuzz_copy(data, size);
    check_document(bytes, size);
    check_string(bytes, size);
    check_base64(bytes, size);
    free(bytes);
    return 0;
}
