/* SPDX-License-Identifier: MIT */
/* arena.h - memory that is freed as a whole, at the end of a request: its strings and small
 * arrays. */
#ifndef WEB_ARENA_H
#define WEB_ARENA_H

#include <stddef.h>

/* Bytes inside the arena itself. They suffice for most requests, which then need no malloc(). */
#define WEB_ARENA_INLINE 512

struct web_arena {
    struct web_arena_block *blocks; /* what did not fit */
    size_t used;                    /* of first[] */
    _Alignas(16) char first[WEB_ARENA_INLINE];
};

void web_arena_init(struct web_arena *a);

/* Return size bytes, aligned for pointers and integers, or NULL without memory. */
void *web_arena_alloc(struct web_arena *a, size_t size);

/* Return a copy of size bytes of text with a '\0' behind them, or NULL without memory. */
char *web_arena_copy(struct web_arena *a, const char *text, size_t size);

/* Free everything that was allocated. The arena is as new afterwards. */
void web_arena_free(struct web_arena *a);

#endif
