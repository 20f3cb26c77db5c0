/* SPDX-License-Identifier: MIT */
/* utf8.h - check UTF-8, which input and servers may get wrong. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Are all n bytes valid UTF-8? Surrogates and overlong forms are not. */
bool utf8_valid(const char *s, size_t n);

/* Decode one character.
 *
 * s, n       the text, of at least one byte.
 * ret        receives the code point; unchanged if the character is malformed.
 * Returns    its length, 1 to 4; 0 if it is malformed or cut off. */
size_t utf8_decode(const char *s, size_t n, unsigned *ret);

#endif
