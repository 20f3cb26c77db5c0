/* SPDX-License-Identifier: MIT */
/* text.c - a buffer of bytes that grows by doubling. */
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256, READ_SIZE = 64 * 1024 };

/* All comparisons are written so that no sum can overflow. */
char *text_grow(struct text *t, size_t n)
{
    if (t->error)
        return NULL;
    size_t cap = t->cap ? t->cap : FIRST_CAPACITY;
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

int text_read_file(struct text *t, FILE *f)
{
    size_t n = 1;
    while (n > 0) {
        char *to = text_room(t, READ_SIZE);
        if (!to)
            return t->error;
        n = fread(to, 1, READ_SIZE, f);
        text_added(t, n);
    }
    return !ferror(f) ? 0 : errno ? -errno : -EIO;
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
