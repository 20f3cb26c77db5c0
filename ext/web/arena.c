/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct web_arena_block {
    struct web_arena_block *next;
    _Alignas(16) char bytes[];
};

void web_arena_init(struct web_arena *a)
{
    a->blocks = NULL;
    a->used = 0;
}

void *web_arena_alloc(struct web_arena *a, size_t size)
{
    size_t start = (a->used + 7) & ~(size_t)7;
    if (start <= WEB_ARENA_INLINE && size <= WEB_ARENA_INLINE - start) {
        a->used = start + size;
        return a->first + start;
    }
    struct web_arena_block *b;
    if (size > SIZE_MAX - sizeof *b || !(b = malloc(sizeof *b + size)))
        return NULL;
    b->next = a->blocks;
    a->blocks = b;
    return b->bytes;
}

char *web_arena_copy(struct web_arena *a, const char *text, size_t size)
{
    char *copy = web_arena_alloc(a, size + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

void web_arena_free(struct web_arena *a)
{
    for (struct web_arena_block *b; (b = a->blocks);) {
        a->blocks = b->next;
        free(b);
    }
    a->used = 0;
}
