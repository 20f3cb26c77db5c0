/* SPDX-License-Identifier: MIT */
/* arena.c - a response's headers, addresses and texts, a session's settings: many small strings
 * that die together. Blocks never move, so pointers into them stay good while more is added. */
#include "http_internal.h"

#include <stdlib.h>

#define BLOCK 2048

struct http_block {
    struct http_block *next;
    _Alignas(16) char data[];
};

void http_arena_init(struct http_arena *a)
{
    a->blocks = NULL;
    a->at = a->first;
    a->end = a->first + sizeof a->first;
}

static bool more(struct http_arena *a, size_t size)
{
    size_t room = size > BLOCK / 4 ? size : BLOCK;
    struct http_block *b = malloc(sizeof *b + room);
    if (!b)
        return false;
    b->next = a->blocks;
    a->blocks = b;
    a->at = b->data;
    a->end = b->data + room;
    return true;
}

void *http_arena_alloc(struct http_arena *a, size_t size)
{
    if (size > SIZE_MAX / 4)
        return NULL;
    size = (size + 7) & ~(size_t)7;
    if (size > (size_t)(a->end - a->at) && !more(a, size))
        return NULL;
    void *p = a->at;
    a->at += size;
    return p;
}

char *http_arena_text(struct http_arena *a, const char *s, size_t n)
{
    char *p = http_arena_alloc(a, n + 1);
    if (p) {
        memcpy(p, s, n);
        p[n] = '\0';
    }
    return p;
}

void http_arena_free(struct http_arena *a)
{
    for (struct http_block *b; (b = a->blocks);) {
        a->blocks = b->next;
        free(b);
    }
}
