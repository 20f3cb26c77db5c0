/* SPDX-License-Identifier: MIT */
/* arena.c - memory for the rows of a query, freed as a whole. */
#include "arena.h"

#include <sqlite3.h>
#include <stdint.h>
#include <string.h>

enum {
    BLOCK_SIZE = 16 * 1024,
    ALIGNMENT = sizeof(int64_t) /* sqlite3_malloc() aligns to 8 bytes, too */
};

struct sqlite_block {
    struct sqlite_block *next;
    size_t size;
    char data[];
};

static struct sqlite_block *arena_grow(struct sqlite_arena *a, size_t size)
{
    size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct sqlite_block *b = sqlite3_malloc64(sizeof *b + room);
    if (!b)
        return NULL;
    *b = (struct sqlite_block){ .next = a->blocks, .size = room };
    a->blocks = b;
    a->used = 0;
    return b;
}

void *sqlite_arena_alloc(struct sqlite_arena *a, size_t size)
{
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct sqlite_block *b = a->blocks;
    if (!b || size > b->size - a->used)
        b = arena_grow(a, size);
    if (!b)
        return NULL;
    void *p = b->data + a->used;
    a->used += size;
    a->total += size;
    return p;
}

char *sqlite_arena_copy(struct sqlite_arena *a, const void *p, size_t size)
{
    char *copy = sqlite_arena_alloc(a, size + 1);
    if (!copy)
        return NULL;
    if (size > 0)
        memcpy(copy, p, size);
    copy[size] = '\0';
    return copy;
}

static void free_blocks(struct sqlite_block *b)
{
    for (struct sqlite_block *next; b; b = next) {
        next = b->next;
        sqlite3_free(b);
    }
}

/* A block of more than the usual size was for one large value, and is not kept. */
void sqlite_arena_reset(struct sqlite_arena *a)
{
    struct sqlite_block *b = a->blocks;
    if (!b)
        return;
    free_blocks(b->next);
    b->next = NULL;
    if (b->size > BLOCK_SIZE) {
        sqlite3_free(b);
        a->blocks = NULL;
    }
    a->used = a->total = 0;
}

void sqlite_arena_free(struct sqlite_arena *a)
{
    free_blocks(a->blocks);
    *a = (struct sqlite_arena){ 0 };
}
