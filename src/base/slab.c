/* SPDX-License-Identifier: MIT */
#include "base/slab.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/sys.h"

enum { ARENA_THRESHOLD = 4096 /* live records from which on chunks come from an arena */ };

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

void async__slab_init(struct slab *s, size_t size)
{
    *s = (struct slab){ .size = (uint32_t)size,
                        .per_chunk = (uint32_t)((SLAB_CHUNK - SLAB_HEAD) / size) };
}

static void link_chunk(struct slab_chunk **list, struct slab_chunk *c)
{
    c->prev = NULL;
    c->next = *list;
    if (c->next)
        c->next->prev = c;
    *list = c;
}

static void unlink_chunk(struct slab_chunk **list, struct slab_chunk *c)
{
    *(c->prev ? &c->prev->next : list) = c->next;
    if (c->next)
        c->next->prev = c->prev;
}

/* Map `size` bytes, aligned to `size`: map twice as much and unmap the rest. An aligned block of
 * malloc() would have a header, which would touch a page of its own. */
static void *map_aligned(size_t size)
{
    char *p = async__sys.map(2 * size);
    if (!p)
        return NULL;
    size_t before = (size - ((uintptr_t)p & (size - 1))) & (size - 1);
    if (before)
        async__sys.unmap(p, before);
    async__sys.unmap(p + before + size, size - before);
    return p + before;
}

/* Return the next chunk of the slab's arena. Where thousands of records live, more are likely to
 * follow, so it pays to map many chunks at once, in a huge page: a small page that is touched alone
 * costs ten times its share of a huge one. */
static struct slab_chunk *chunk_of_arena(struct slab *s)
{
    struct slab_chunk *a = s->arena;
    if (!a) {
        a = map_aligned(SLAB_ARENA);
        if (!a)
            return NULL;
        async__sys.madvise(a, SLAB_ARENA, MADV_HUGEPAGE);
        *a = (struct slab_chunk){ .arena_live = 0 };
        s->arena = a;
    }
    struct slab_chunk *c = (struct slab_chunk *)(void *)((char *)a + a->arena_given++ * SLAB_CHUNK);
    if (c == a)
        *c = (struct slab_chunk){ .arena_given = a->arena_given, .arena_live = a->arena_live };
    else
        *c = (struct slab_chunk){ 0 };
    c->arena = a;
    a->arena_live++;
    if (a->arena_given == SLAB_ARENA / SLAB_CHUNK)
        s->arena = NULL;
    return c;
}

/* Return the spare chunk, or a new one; NULL if there is no memory. */
static struct slab_chunk *new_chunk(struct slab *s)
{
    struct slab_chunk *c = s->spare;
    if (c) {
        s->spare = NULL;
        return c;
    }
    if (s->arena || s->live >= ARENA_THRESHOLD)
        return chunk_of_arena(s);
    c = map_aligned(SLAB_CHUNK);
    if (c) {
        /* To touch sixteen pages at once takes a fourth of the time that it takes one by one. In a
         * sweep each chunk has one record, so it would be a waste there. */
        if (s->live > 0 && s->per_chunk > 1)
            async__sys.madvise(c, SLAB_CHUNK, MADV_POPULATE_WRITE);
        *c = (struct slab_chunk){ 0 };
    }
    return c;
}

/* All chunks of an arena are free. Keep one arena for the next crowd, because clearing the pages of
 * a new one costs more than creating a thousand tasks. */
static void free_arena(struct slab *s, struct slab_chunk *a)
{
    if (s->arena && s->arena != a) {
        async__sys.unmap(a, SLAB_ARENA);
        return;
    }
    a->arena_given = 0;
    s->arena = a;
}

/* The chunks of an arena are not given twice, so an arena is free when its last chunk is. */
static void free_chunk(struct slab *s, struct slab_chunk *c)
{
    struct slab_chunk *a = c->arena;
    if (!a)
        async__sys.unmap(c, SLAB_CHUNK);
    else if (--a->arena_live == 0)
        free_arena(s, a);
}

static bool is_chunk_full(const struct slab *s, const struct slab_chunk *c)
{
    return !c->free && c->fresh == s->per_chunk;
}

/* Take a record when the first open chunk has none left: move the full chunks to their own list,
 * and continue with the next open chunk, or a new one. */
void *async__slab_refill(struct slab *s)
{
    struct slab_chunk *c;
    while ((c = s->open) && is_chunk_full(s, c)) {
        unlink_chunk(&s->open, c);
        link_chunk(&s->full, c);
        c->is_in_full = 1;
    }
    if (!c) {
        c = new_chunk(s);
        if (!c)
            return NULL;
        link_chunk(&s->open, c);
    }
    return slab_take(s);
}

/* Keep an empty chunk as the spare one, or free it. The free list of the spare chunk is dropped, so
 * that its records are handed out densely and in order again. */
static void release_chunk(struct slab *s, struct slab_chunk *c)
{
    unlink_chunk(&s->open, c);
    if (!s->spare && !c->arena) {
        c->free = NULL;
        c->fresh = 0;
        s->spare = c;
    } else {
        free_chunk(s, c);
    }
}

/* A record of c was given back. Either c was in the list of full chunks, which it leaves now, or c
 * is empty now and not the first open chunk. */
void async__slab_shrink(struct slab *s, struct slab_chunk *c)
{
    if (c->is_in_full) {
        struct slab_chunk *first = s->open;
        unlink_chunk(&s->full, c);
        c->is_in_full = 0;
        link_chunk(&s->open, c);
        c = first; /* which is not the first one any more, so it may go if it is empty */
    }
    if (c && c->live == 0)
        release_chunk(s, c);
}

static void free_chunks(struct slab *s, struct slab_chunk *c)
{
    while (c) {
        struct slab_chunk *next = c->next;
        free_chunk(s, c);
        c = next;
    }
}

void async__slab_close(struct slab *s)
{
    free_chunks(s, s->open);
    free_chunks(s, s->full);
    if (s->spare)
        free_chunk(s, s->spare);
    if (s->arena)
        async__sys.unmap(s->arena, SLAB_ARENA);
    *s = (struct slab){ 0 };
}

void async__slab_each(struct slab *s, void (*fn)(void *record, void *arg), void *arg)
{
    struct slab_chunk *lists[] = { s->open, s->full };
    for (int i = 0; i < 2; i++)
        for (struct slab_chunk *c = lists[i]; c; c = c->next)
            for (uint32_t k = 0; k < c->fresh; k++)
                fn(slab_at(s, c, k), arg);
}
