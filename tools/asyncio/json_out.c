/* SPDX-License-Identifier: MIT */
#include "json_out.h"

#include <math.h>
#include <string.h>

static void value(struct json_out *j)
{
    if (j->comma)
        text_put(j->text, ",", 1);
    j->comma = true;
}

void json_put_open(struct json_out *j, char kind)
{
    value(j);
    text_put(j->text, &kind, 1);
    j->comma = false;
}

void json_put_close(struct json_out *j, char kind)
{
    text_put(j->text, &kind, 1);
    j->comma = true;
}

/* What may stand for itself within quotes, among ASCII. */
static bool plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static bool must_escape(unsigned c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

static void escape(struct text *t, unsigned c)
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *p = names; *p; p += 2)
        if ((unsigned char)*p == c) {
            text_put(t, (char[]){ '\\', p[1] }, 2);
            return;
        }
    text_printf(t, "\\u%04x", c);
}

static void quoted(struct text *t, const char *s, size_t n)
{
    text_put(t, "\"", 1);
    for (size_t i = 0; i < n;) {
        size_t run = 0;
        while (i + run < n && plain((unsigned char)s[i + run]))
            run++;
        text_put(t, s + i, run);
        if ((i += run) == n)
            break;
        unsigned c;
        size_t len = utf8_char(s + i, n - i, &c);
        if (!len)
            text_puts(t, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\' || must_escape(c))
            escape(t, c);
        else
            text_put(t, s + i, len);
        i += len ? len : 1;
    }
    text_put(t, "\"", 1);
}

void json_put_key(struct json_out *j, const char *key)
{
    json_put_key_n(j, key, strlen(key));
}

void json_put_key_n(struct json_out *j, const char *key, size_t n)
{
    json_put_string_n(j, key, n);
    text_put(j->text, ":", 1);
    j->comma = false;
}

void json_put_string(struct json_out *j, const char *s)
{
    if (s)
        json_put_string_n(j, s, strlen(s));
    else
        json_put_null(j);
}

void json_put_string_n(struct json_out *j, const char *s, size_t n)
{
    value(j);
    quoted(j->text, s, n);
}

void json_put_base64(struct json_out *j, const void *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    value(j);
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

/* By hand: a dozen numbers stand in each result line, and printf() would be a tenth of its cost. */
static void digits(struct text *t, uint64_t v, int least)
{
    char buf[20];
    int at = sizeof buf;
    for (; v || least > 0; v /= 10, least--)
        buf[--at] = (char)('0' + v % 10);
    text_put(t, buf + at, sizeof buf - (size_t)at);
}

void json_put_uint(struct json_out *j, uint64_t v)
{
    value(j);
    digits(j->text, v, 1);
}

/* In whole numbers, so that no locale can put a comma for the point. */
void json_put_ms(struct json_out *j, double seconds)
{
    if (!(seconds >= 0 && seconds < 1e12)) {
        json_put_null(j);
        return;
    }
    value(j);
    uint64_t us = (uint64_t)llround(seconds * 1e6);
    digits(j->text, us / 1000, 1);
    text_put(j->text, ".", 1);
    digits(j->text, us % 1000, 3);
}

void json_put_bool(struct json_out *j, bool v)
{
    json_put_raw(j, v ? "true" : "false");
}

void json_put_null(struct json_out *j)
{
    json_put_raw(j, "null");
}

void json_put_raw(struct json_out *j, const char *json)
{
    value(j);
    text_puts(j->text, json);
}
