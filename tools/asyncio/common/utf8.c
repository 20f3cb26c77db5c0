/* SPDX-License-Identifier: MIT */
/* utf8.c - check UTF-8, with a fast path for ASCII. */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* The lead byte gives the length, and with it the least code point that this length may encode. */
size_t utf8_decode(const char *s, size_t n, unsigned *ret)
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

/* Return how many of the bytes are ASCII at the front, counted eight at a time. Nearly all text
 * that is checked is ASCII. */
static size_t count_ascii(const char *s, size_t n)
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
    for (size_t i = count_ascii(s, n), len; i < n; i += len + count_ascii(s + i + len, n - i - len))
        if (!(len = utf8_decode(s + i, n - i, &c)))
            return false;
    return true;
}
