/* SPDX-License-Identifier: MIT */
/* arena.c - memory for many small things that are freed together. Blocks never move, so pointers
 * into them stay valid while more is added. */
#include "arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 2048 };

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

/* Something large gets a block of its own size, so that it does not waste most of a standard
 * one. */
static bool arena_add_block(struct http_arena *a, size_t size)
{
    size_t room = size > BLOCK_SIZE / 4 ? size : BLOCK_SIZE;
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
    if (size > (size_t)(a->end - a->at) && !arena_add_block(a, size))
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
