/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 256 };

char *text_grow(struct text *t, size_t n)
{
    if (t->error)
        return NULL;
    size_t cap = t->cap ? t->cap : FIRST;
    while (cap <= SIZE_MAX / 2 && (n >= cap || t->len >= cap - n))
        cap *= 2;
    char *data = n < cap && t->len < cap - n ? realloc(t->data, cap) : NULL;
    if (!data) {
        t->error = -ENOMEM;
        return NULL;
    }
    t->data = data;
    t->cap = cap;
    return t->data + t->len;
}

void text_put(struct text *t, const void *bytes, size_t n)
{
    char *to = text_room(t, n);
    if (!to)
        return;
    if (n)
        memcpy(to, bytes, n);
    text_added(t, n);
}

void text_puts(struct text *t, const char *s)
{
    text_put(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *to = n < 0 ? NULL : text_room(t, (size_t)n);
    if (!to)
        return;
    va_start(ap, fmt);
    vsnprintf(to, (size_t)n + 1, fmt, ap);
    va_end(ap);
    text_added(t, (size_t)n);
}

void text_consume(struct text *t, size_t n)
{
    if (!n)
        return;
    t->len -= n;
    memmove(t->data, t->data + n, t->len + 1);
}

void text_reset(struct text *t, size_t keep)
{
    if (t->cap > keep) {
        text_free(t);
        return;
    }
    t->error = 0;
    t->len = 0;
    if (t->data)
        t->data[0] = 0;
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){ 0 };
}

/* The lead byte says the length and the least code point that may be written at this length. */
size_t utf8_char(const char *s, size_t n, unsigned *ret)
{
    static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80) {
        *ret = p[0];
        return 1;
    }
    size_t len = p[0] >= 0xf0 && p[0] < 0xf8 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc0 || p[0] >= 0xf8 || len > n)
        return 0;
    unsigned c = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *ret = c;
    return len;
}

/* Eight bytes at a time: nearly all that is asked about is ASCII. */
static size_t ascii_words(const char *s, size_t n)
{
    size_t i = 0;
    for (uint64_t word; n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, s + i, sizeof word);
        if (word & 0x8080808080808080)
            break;
    }
    return i;
}

bool utf8_valid(const char *s, size_t n)
{
    unsigned c;
    for (size_t i = ascii_words(s, n), len; i < n; i += len + ascii_words(s + i + len, n - i - len))
        if (!(len = utf8_char(s + i, n - i, &c)))
            return false;
    return true;
}
