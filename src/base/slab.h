/* SPDX-License-Identifier: MIT */
/* slab.h - records of one size, dense in memory. Taking and giving back costs a few instructions; a
 * chunk in which nothing lives any more goes back to the system, so that a burst leaves nothing
 * behind. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Aligned to its size: a record finds its chunk by its address. */
#define SLAB_CHUNK ((size_t)65536)

/* A crowd of records comes in pieces of this size, which the system can map at once. */
#define SLAB_ARENA ((size_t)2 << 20)

struct slab_free {
    struct slab_free *next;
};

struct slab_chunk {
    struct slab_free *free; /* given back */
    struct slab_chunk *next, *prev;
    uint32_t live, fresh;     /* records that live; of those never taken, the first */
    uint32_t aside;           /* it was full, and stands among the full ones */
    struct slab_chunk *arena; /* the first of the chunks that were mapped with it; NULL: alone */
    uint32_t arena_given, arena_live; /* in the first one: chunks handed out, chunks in use */
};

struct slab {
    struct slab_chunk *open; /* those with room; the first one serves */
    struct slab_chunk *full;
    struct slab_chunk *spare; /* an empty one kept warm */
    struct slab_chunk *arena; /* serves chunks; NULL: none has one left */
    uint32_t size, per_chunk;
    size_t live;
};

void async__slab_init(struct slab *s, size_t size);
void async__slab_close(struct slab *s);
void *async__slab_refill(struct slab *s);
void async__slab_shrink(struct slab *s, struct slab_chunk *c);

/* The records begin after the chunk's head, on a cache line. */
#define SLAB_HEAD ((size_t)64)

static inline char *slab_at(const struct slab *s, struct slab_chunk *c, uint32_t i)
{
    return (char *)c + SLAB_HEAD + (size_t)i * s->size;
}

/* Not initialised; NULL: no memory. */
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

static inline void slab_give(struct slab *s, void *p)
{
    struct slab_chunk *c = (struct slab_chunk *)((uintptr_t)p & ~(uintptr_t)(SLAB_CHUNK - 1));
    struct slab_free *f = p;
    f->next = c->free;
    c->free = f;
    s->live--;
    if (unlikely((--c->live == 0 && (c != s->open || c->arena)) || c->aside))
        async__slab_shrink(s, c);
}

/* Every record that was ever taken from a live chunk, also those given back: the caller must be
 * able to tell. fn must give none back. */
void async__slab_each(struct slab *s, void (*fn)(void *record, void *arg), void *arg);

#endif
