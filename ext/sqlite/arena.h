/* SPDX-License-Identifier: MIT */
/* arena.h - memory for the rows of a query, freed as a whole. It is SQLite's (sqlite3_malloc()). */
#ifndef ASYNCIO_SQLITE_ARENA_H
#define ASYNCIO_SQLITE_ARENA_H

#include <stddef.h>

struct sqlite_block;

/* Zero is empty. */
struct sqlite_arena {
    struct sqlite_block *blocks; /* the latest first */
    size_t used;                 /* bytes of the latest block */
    size_t total;                /* bytes allocated since the last reset */
};

/* Return size bytes, aligned for pointers and 64-bit integers; NULL if there is no memory. */
void *sqlite_arena_alloc(struct sqlite_arena *a, size_t size);

/* Return a copy of size bytes with a NUL behind them; NULL if there is no memory. */
char *sqlite_arena_copy(struct sqlite_arena *a, const void *p, size_t size);

/* Free everything, but keep a block for the next batch. */
void sqlite_arena_reset(struct sqlite_arena *a);

void sqlite_arena_free(struct sqlite_arena *a);

#endif
