/* SPDX-License-Identifier: MIT */
/* stack.h - stacks for tasks. They lie in regions of reserved address space, which are divided into
 * slots. A slot is a guard, which faults when it is touched, and above it a stack of one size
 * class.
 *
 * A slot costs no memory until it is touched. A stack that is given back stays warm: it keeps its
 * pages for the next task, because a first touch costs more than a thousand switches.
 * async__stacks_trim() releases the pages of surplus stacks. */
#ifndef ARCH_STACK_H
#define ARCH_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STACK_DEFAULT = 64 * 1024, /* usable bytes */
    STACK_MIN_SHIFT = 14,      /* 16 KiB: a signal frame with all vector registers must fit */
    STACK_CLASSES = 17,        /* to 1 GiB */
    STACK_GUARD = 64 * 1024,   /* larger than most stack frames, which could skip a small guard */
    STACK_COLOURS = 16,        /* different distances of a stack's top from the end of its page */
    STACK_COLOUR_SIZE = 64,    /* bytes by which they differ: a cache line */
};

#define STACK_NONE UINT32_MAX

struct stack_region {
    char *base;
    size_t bytes;
    uint32_t first, slots;
};

/* Stacks of one size. */
struct stack_class {
    size_t size;
    struct stack_region *regions;
    uint32_t *next;           /* for each slot that was ever used: the next free one in its list */
    uint32_t nregions, slots; /* how many regions, and slots in them, there are */
    uint32_t used, room;      /* slots that were ever used; elements that fit in next */
    uint32_t latest;          /* the region in which a slot was looked up last */
    uint32_t warm, cold;      /* first of the free slots that have pages, and that have none */
    uint32_t nwarm, live;     /* how many slots are warm, and in use */
};

struct stacks {
    struct stack_class classes[STACK_CLASSES];
    bool by_mprotect; /* MADV_GUARD_INSTALL is not available */
};

struct stack {
    char *bottom; /* of the usable part */
    uint32_t slot;
    uint8_t class;
};

static inline size_t stack_size(const struct stack *k)
{
    return (size_t)1 << (STACK_MIN_SHIFT + k->class);
}

/* By how much the top of a stack lies below the end of its slot. Lines at the same place of every
 * page share a few sets of the processor's caches, where the stacks of a hundred tasks would evict
 * each other. So the tops of neighbours lie a line apart. */
static inline size_t stack_colour(uint32_t slot)
{
    return (size_t)(slot % STACK_COLOURS) * STACK_COLOUR_SIZE;
}

/* Where a task's data on its stack begins, downwards. */
static inline char *stack_top(const struct stack *k)
{
    return k->bottom + stack_size(k) - stack_colour(k->slot);
}

/* Find the class for a stack of `size` bytes, which is rounded up to a power of two; 0 stands for
 * the default. Returns false if the size is above 1 GiB. */
bool async__stack_class(size_t size, uint8_t *ret);

/* Take a stack of a class, and give one back. Taking returns 0 or -ENOMEM. */
int async__stack_take(struct stacks *s, uint8_t class, struct stack *ret);
void async__stack_give(struct stacks *s, const struct stack *k);

/* Are there many more warm stacks than stacks in use? async__stacks_trim() gives the pages of at
 * most n of them back to the kernel. */
bool async__stacks_surplus(const struct stacks *s);
void async__stacks_trim(struct stacks *s, unsigned n);

/* Count the stacks that are in use. */
size_t async__stacks_live(const struct stacks *s);

/* Unmap all stacks. */
void async__stacks_close(struct stacks *s);

/* Instead of closing: keep all stacks until the process ends, because other threads may still write
 * to the stack frames of abandoned tasks. */
void async__stacks_abandon(const struct stacks *s);

#endif
