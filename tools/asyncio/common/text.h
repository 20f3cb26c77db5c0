/* SPDX-License-Identifier: MIT */
/* text.h - a buffer of bytes that grows.
 *
 * Its error is sticky: after the first failed allocation every further call does nothing, so that
 * a function which writes thirty fields checks once, at its end. Zero is an empty text. */
#ifndef FETCH_TEXT_H
#define FETCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct text {
    char *data; /* data[len] is 0, if data is not NULL */
    size_t len, cap;
    int error; /* 0 or -ENOMEM */
};

/* Room for n more bytes: where they go, or NULL. Nothing is added until text_added(). */
static inline char *text_room(struct text *t, size_t n);
static inline void text_added(struct text *t, size_t n);

void text_put(struct text *t, const void *bytes, size_t n);
void text_puts(struct text *t, const char *s);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drop the first n bytes. */
void text_consume(struct text *t, size_t n);

/* Empty it, and forget its error. A buffer that has become larger than keep bytes is given back,
 * so that one large line is not paid for during the rest of the run. */
void text_reset(struct text *t, size_t keep);

void text_free(struct text *t);

/* Is all of it UTF-8 (without surrogates and overlong forms)? */
bool utf8_valid(const char *s, size_t n);

/* The length of the character at s (1 to 4), or 0 if it is malformed or cut off. n > 0. Its code
 * point is written only if there is one. */
size_t utf8_char(const char *s, size_t n, unsigned *ret);

/* ---- inline, for every byte of output goes through here ---- */

char *text_grow(struct text *t, size_t n); /* text_room(), where there is none yet */

static inline char *text_room(struct text *t, size_t n)
{
    bool fits = !t->error && n < t->cap && t->len < t->cap - n; /* one more, for the final 0 */
    return fits ? t->data + t->len : text_grow(t, n);
}

static inline void text_added(struct text *t, size_t n)
{
    t->len += n;
    t->data[t->len] = 0;
}

#endif
