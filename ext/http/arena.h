/* SPDX-License-Identifier: MIT */
/* arena.h - memory for many small things that are freed together: the headers and strings of a
 * response, the settings of a session. */
#ifndef ASYNCIO_HTTP_ARENA_H
#define ASYNCIO_HTTP_ARENA_H

#include <stddef.h>

enum { HTTP_ARENA_FIRST = 768 }; /* bytes: a small response needs no block besides its record */

struct http_arena {
    struct http_block *blocks;
    char *at, *end;
    _Alignas(16) char first[HTTP_ARENA_FIRST];
};

void http_arena_init(struct http_arena *a);

/* Returns size bytes, aligned for pointers; NULL if there is no memory. */
void *http_arena_alloc(struct http_arena *a, size_t size);

/* Returns a copy of the n bytes at s with a NUL behind them; NULL if there is no memory. */
char *http_arena_text(struct http_arena *a, const char *s, size_t n);

void http_arena_free(struct http_arena *a);

#endif
