/* SPDX-License-Identifier: MIT */
/* slab.h - an allocator for records of one size, which lie densely in chunks. To take a record or
 * give it back costs a few instructions. A chunk without live records is unmapped, so that a burst
 * of tasks does not keep its memory for ever. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Size and alignment of a chunk. The chunk of a record is found by rounding down its address. */
#define SLAB_CHUNK ((size_t)65536)

/* Size of an arena: a group of chunks that is mapped at once, the size of a huge page. */
#define SLAB_ARENA ((size_t)2 << 20)

struct slab_free {
    struct slab_free *next;
};

struct slab_chunk {
    struct slab_free *free; /* records that were given back */
    struct slab_chunk *next, *prev;
    uint32_t live, fresh;     /* number of live records; index of the first never taken */
    uint32_t is_in_full;      /* the chunk is in the list of full ones */
    struct slab_chunk *arena; /* first chunk of its arena; NULL if it was mapped alone */
    /* In the first chunk of an arena: how many chunks were handed out, and are in use. */
    uint32_t arena_given, arena_live;
};

struct slab {
    struct slab_chunk *open;  /* chunks with room; records are taken from the first one */
    struct slab_chunk *full;  /* chunks that were full when last looked at */
    struct slab_chunk *spare; /* an empty chunk, kept for the next burst; or NULL */
    struct slab_chunk *arena; /* the arena that still has chunks to hand out; or NULL */
    uint32_t size, per_chunk;
    size_t live;
};

void async__slab_init(struct slab *s, size_t size);
void async__slab_close(struct slab *s);

/* The slow paths of slab_take() and slab_give(). */
void *async__slab_refill(struct slab *s);
void async__slab_shrink(struct slab *s, struct slab_chunk *c);

/* Bytes for the header of a chunk. The records behind it begin on a cache line. */
#define SLAB_HEAD ((size_t)64)

static inline char *slab_at(const struct slab *s, struct slab_chunk *c, uint32_t i)
{
    return (char *)c + SLAB_HEAD + (size_t)i * s->size;
}

/* Take a record, which is not initialised. Returns NULL if there is no memory. */
static inline void *slab_take(struct slab *s)
{
    struct slab_chunk *c = s->open;
    if (likely(c)) {
        struct slab_free *f = c->free;
        if (likely(f)) {
            c->free = f->next;
            c->live++;
            s->live++;
            return f;
        }
        if (likely(c->fresh < s->per_chunk)) {
            c->live++;
            s->live++;
            return slab_at(s, c, c->fresh++);
        }
    }
    return async__slab_refill(s);
}

/* Give a record back. */
static inline void slab_give(struct slab *s, void *p)
{
    struct slab_chunk *c = (struct slab_chunk *)((uintptr_t)p & ~(uintptr_t)(SLAB_CHUNK - 1));
    struct slab_free *f = p;
    f->next = c->free;
    c->free = f;
    s->live--;
    if (unlikely((--c->live == 0 && (c != s->open || c->arena)) || c->is_in_full))
        async__slab_shrink(s, c);
}

/* Call fn for every record that was ever taken from a live chunk, also for those that were given
 * back: fn must be able to distinguish them. fn must not give records back. */
void async__slab_each(struct slab *s, void (*fn)(void *record, void *arg), void *arg);

#endif
