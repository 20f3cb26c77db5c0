/* SPDX-License-Identifier: MIT */
/* fuzz.c - what all fuzz targets share. */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_fail(const char *file, int line, const char *condition, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "%s:%d: %s does not hold: ", file, line, condition);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    abort();
}

static void *allocate(size_t n)
{
    void *p = malloc(n);
    if (!p && n)
        fuzz_fail(__FILE__, __LINE__, "p", "no memory for %zu bytes", n);
    return p;
}

void *fuzz_copy(const void *bytes, size_t n)
{
    void *copy = allocate(n);
    if (n)
        memcpy(copy, bytes, n);
    return copy;
}

char *fuzz_text(const void *bytes, size_t n)
{
    char *text = allocate(n + 1);
    if (n)
        memcpy(text, bytes, n);
    text[n] = '\0';
    return text;
}

/* FNV-1a. */
void fuzz_random_init(struct fuzz_random *r, const uint8_t *data, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i++) {
        hash ^= data[i];
        hash *= 0x100000001b3;
    }
    r->state = hash;
}

/* The generator is known as splitmix64. */
size_t fuzz_random_below(struct fuzz_random *r, size_t n)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (size_t)((z ^ z >> 31) % n);
}

size_t fuzz_random_piece(struct fuzz_random *r, size_t n)
{
    size_t most = fuzz_random_below(r, 4) ? 8 : n;
    return 1 + fuzz_random_below(r, most < n ? most : n);
}
