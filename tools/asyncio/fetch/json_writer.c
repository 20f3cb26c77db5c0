/* SPDX-License-Identifier: MIT */
/* json_writer.c - write JSON into a text. */
#include "json_writer.h"

#include "common/utf8.h"

#include <math.h>
#include <string.h>

/* Put the comma before a value, unless it is the first on its level. */
static void begin_value(struct json_writer *j)
{
    if (j->comma)
        text_put(j->text, ",", 1);
    j->comma = true;
}

void json_put_open(struct json_writer *j, char kind)
{
    begin_value(j);
    text_put(j->text, &kind, 1);
    j->comma = false;
}

void json_put_close(struct json_writer *j, char kind)
{
    text_put(j->text, &kind, 1);
    j->comma = true;
}

/* The character behind the backslash that escapes an ASCII character. u: its number follows; 0: the
 * character is not escaped. */
static const char escapes[128] = {
    [0 ... 7] = 'u', ['\b'] = 'b',      ['\t'] = 't', ['\n'] = 'n',  [11] = 'u',  ['\f'] = 'f',
    ['\r'] = 'r',    [14 ... 31] = 'u', ['"'] = '"',  ['\\'] = '\\', [127] = 'u',
};

enum {
    PIECE_SIZE = 256, /* bytes for which room is made at a time */
    ESCAPED_SIZE = 6  /* bytes that one byte may become: \u001b */
};

/* Store the four digits of \u001b. Returns the end. */
static char *put_hex4(char *to, unsigned c)
{
    static const char hex[] = "0123456789abcdef";
    for (int shift = 12; shift >= 0; shift -= 4)
        *to++ = hex[c >> shift & 15];
    return to;
}

/* Put the ASCII characters at the front of s, at most n <= PIECE_SIZE. Returns how many these
 * are. */
static size_t put_ascii(struct text *t, const char *s, size_t n)
{
    char *from = text_room(t, n * ESCAPED_SIZE), *to = from;
    if (!to)
        return n;
    size_t i = 0;
    for (unsigned char c; i < n && (c = (unsigned char)s[i]) < 0x80; i++) {
        char escape = escapes[c];
        if (!escape) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '\\';
        *to++ = escape;
        if (escape == 'u')
            to = put_hex4(to, c);
    }
    text_added(t, (size_t)(to - from));
    return i;
}

/* Put one character that is not ASCII, or U+FFFD for one malformed byte. Returns its length. */
static size_t put_wide(struct text *t, const char *s, size_t n)
{
    unsigned c;
    size_t len = utf8_decode(s, n, &c);
    if (!len) {
        text_puts(t, "\xef\xbf\xbd");
        return 1;
    }
    if (c < 0xa0 || c == 0x2028 || c == 0x2029) {
        char number[ESCAPED_SIZE] = "\\u";
        put_hex4(number + 2, c);
        text_put(t, number, sizeof number);
    } else {
        text_put(t, s, len);
    }
    return len;
}

static void put_quoted(struct text *t, const char *s, size_t n)
{
    text_put(t, "\"", 1);
    while (n > 0 && !t->error) {
        size_t done = put_ascii(t, s, n < PIECE_SIZE ? n : PIECE_SIZE);
        if (!done)
            done = put_wide(t, s, n);
        s += done;
        n -= done;
    }
    text_put(t, "\"", 1);
}

void json_put_key(struct json_writer *j, const char *key)
{
    size_t n = strlen(key);
    char *from = text_room(j->text, n + 4), *to = from;
    if (!to)
        return;
    if (j->comma)
        *to++ = ',';
    *to++ = '"';
    to = mempcpy(to, key, n);
    *to++ = '"';
    *to++ = ':';
    text_added(j->text, (size_t)(to - from));
    j->comma = false;
}

void json_put_key_n(struct json_writer *j, const char *key, size_t n)
{
    json_put_string_n(j, key, n);
    text_put(j->text, ":", 1);
    j->comma = false;
}

void json_put_string(struct json_writer *j, const char *s)
{
    if (s)
        json_put_string_n(j, s, strlen(s));
    else
        json_put_null(j);
}

void json_put_string_n(struct json_writer *j, const char *s, size_t n)
{
    begin_value(j);
    put_quoted(j->text, s, n);
}

void json_put_base64(struct json_writer *j, const void *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    begin_value(j);
    const unsigned char *p = bytes;
    size_t len = n / 3 * 4 + (n % 3 ? 4 : 0);
    char *to = text_room(j->text, len + 2);
    if (!to)
        return;
    *to++ = '"';
    for (; n >= 3; n -= 3, p += 3) {
        *to++ = digits[p[0] >> 2];
        *to++ = digits[(p[0] << 4 | p[1] >> 4) & 63];
        *to++ = digits[(p[1] << 2 | p[2] >> 6) & 63];
        *to++ = digits[p[2] & 63];
    }
    if (n) {
        unsigned second = n == 2 ? p[1] : 0;
        *to++ = digits[p[0] >> 2];
        *to++ = digits[((unsigned)p[0] << 4 | second >> 4) & 63];
        *to++ = n == 2 ? digits[(second << 2) & 63] : '=';
        *to++ = '=';
    }
    *to = '"';
    text_added(j->text, len + 2);
}

enum { DIGITS = 20 }; /* no 64-bit number has more */

/* Store a number in decimal, with at least so many digits. Returns the end. printf() would take a
 * tenth of the time of a result line, which contains a dozen numbers. */
static char *put_decimal(char *to, uint64_t v, int least)
{
    char buf[DIGITS];
    int at = sizeof buf;
    for (; v || least > 0; v /= 10, least--)
        buf[--at] = (char)('0' + v % 10);
    return mempcpy(to, buf + at, sizeof buf - (size_t)at);
}

void json_put_uint(struct json_writer *j, uint64_t v)
{
    begin_value(j);
    char *to = text_room(j->text, DIGITS);
    if (to)
        text_added(j->text, (size_t)(put_decimal(to, v, 1) - to));
}

/* Use whole numbers only, because printf() would put a comma for the point in some locales. */
void json_put_ms(struct json_writer *j, double seconds)
{
    if (!(seconds >= 0 && seconds < 1e12)) {
        json_put_null(j);
        return;
    }
    begin_value(j);
    uint64_t us = (uint64_t)llround(seconds * 1e6);
    char *from = text_room(j->text, DIGITS + 4);
    if (!from)
        return;
    char *to = put_decimal(from, us / 1000, 1);
    *to++ = '.';
    to = put_decimal(to, us % 1000, 3);
    text_added(j->text, (size_t)(to - from));
}

void json_put_bool(struct json_writer *j, bool v)
{
    json_put_raw(j, v ? "true" : "false");
}

void json_put_null(struct json_writer *j)
{
    json_put_raw(j, "null");
}

void json_put_raw(struct json_writer *j, const char *json)
{
    begin_value(j);
    text_puts(j->text, json);
}
