/* SPDX-License-Identifier: MIT */
/* text.h - a buffer of bytes that grows.
 *
 *   text_put, text_puts, text_printf   append
 *   text_room, text_added              append in place, without a copy
 *   text_read_file                     append all of a stdio stream
 *   text_consume, text_reset           remove from the front, or everything
 *   text_free
 *
 * Errors are sticky: after a failed allocation all further calls do nothing, so that a function
 * which appends thirty fields checks for an error once, at its end. A zeroed struct is an empty
 * text. */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct text {
    char *data; /* NULL, or len bytes and a final 0 */
    size_t len, cap;
    int error; /* 0 or -ENOMEM */
};

/* Make room for n more bytes. Returns where they go, or NULL if there is no memory. The length
 * changes only by text_added(), with at most n. */
static inline char *text_room(struct text *t, size_t n);
static inline void text_added(struct text *t, size_t n);

void text_put(struct text *t, const void *bytes, size_t n);
void text_puts(struct text *t, const char *s);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Append all that can be read from a stream. Returns 0, or a negative errno. */
int text_read_file(struct text *t, FILE *f);

/* Remove the first n bytes. */
void text_consume(struct text *t, size_t n);

/* Make the text empty and forget its error. A buffer of more than `keep` bytes is freed, so that
 * one large line does not occupy memory for the rest of the run. */
void text_reset(struct text *t, size_t keep);

void text_free(struct text *t);

/* ---- inline, because every byte of output goes through these ---- */

char *text_grow(struct text *t, size_t n); /* the slow path of text_room() */

static inline char *text_room(struct text *t, size_t n)
{
    bool fits = !t->error && n < t->cap && t->len < t->cap - n; /* one more byte for the final 0 */
    return fits ? t->data + t->len : text_grow(t, n);
}

static inline void text_added(struct text *t, size_t n)
{
    t->len += n;
    t->data[t->len] = 0;
}

#endif
