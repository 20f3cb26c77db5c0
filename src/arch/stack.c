/* SPDX-License-Identifier: MIT */
#include "arch/stack.h"

#include <errno.h>
#include <sys/mman.h>

#include "arch/sanitize.h"
#include "base/alloc.h"
#include "base/compiler.h"
#include "base/sys.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

/* Address space is reserved in regions, each twice as large as the one before. So a small program
 * needs little of it, which matters where address space is limited (ulimit -v) or every mapping is
 * locked in memory (mlockall). */
enum {
    REGION_FIRST = 2 << 20, /* bytes */
    REGION_MAX = 1 << 30,   /* bytes */
    KEEP_WARM = 64,         /* warm stacks to keep, beyond as many as are in use */
    STACK_FETCH = 20        /* cache lines to prefetch at the top of a stack */
};

bool async__stack_class(size_t size, uint8_t *ret)
{
    if (size == 0)
        size = STACK_DEFAULT;
    uint8_t c = 0;
    while (c < STACK_CLASSES && size > (size_t)1 << (STACK_MIN_SHIFT + c))
        c++;
    *ret = c;
    return c < STACK_CLASSES;
}

static size_t slot_bytes(const struct stack_class *c)
{
    return STACK_GUARD + c->size;
}

/* Return how large the next region should be: a whole number of slots, at least one. */
static size_t next_region_bytes(const struct stack_class *c)
{
    size_t want = c->nregions ? 2 * c->regions[c->nregions - 1].bytes : REGION_FIRST,
           slot = slot_bytes(c);
    if (want > REGION_MAX)
        want = REGION_MAX;
    return want < slot ? slot : want / slot * slot;
}

/* Reserve a region of *bytes, a whole number of slots, or of fewer slots if the limits of this
 * process do not allow as many. */
static char *reserve_region(size_t *bytes, size_t slot)
{
    for (;;) {
        char *p = async__sys.map(*bytes);
        if (p || *bytes == slot)
            return p;
        *bytes = *bytes / 2 / slot * slot;
    }
}

/* Reserve another region and append its slots. A stack touches one page at first, so huge pages
 * would make it 500 times as large. */
static int add_region(struct stack_class *c)
{
    size_t bytes = next_region_bytes(c);
    struct stack_region *regions =
            async__realloc(c->regions, (c->nregions + 1) * sizeof *c->regions);
    if (!regions)
        return -ENOMEM;
    c->regions = regions;
    char *base = reserve_region(&bytes, slot_bytes(c));
    if (!base)
        return -ENOMEM;
    async__sys.madvise(base, bytes, MADV_NOHUGEPAGE);
    uint32_t n = (uint32_t)(bytes / slot_bytes(c));
    c->regions[c->nregions++] = (struct stack_region){ base, bytes, c->slots, n };
    c->slots += n;
    return 0;
}

static int grow_links(struct stack_class *c)
{
    uint32_t room = c->room ? 2 * c->room : 16;
    uint32_t *next = async__realloc(c->next, room * sizeof *next);
    if (!next)
        return -ENOMEM;
    c->next = next;
    c->room = room;
    return 0;
}

/* Return the address of a slot. Slots are used in runs, so the search begins at the region of the
 * last one that was looked up. */
static char *slot_address(const struct stack_class *c, uint32_t slot)
{
    const struct stack_region *r = &c->regions[c->latest];
    while (slot < r->first)
        r--;
    while (slot - r->first >= r->slots)
        r++;
    return r->base + (size_t)(slot - r->first) * slot_bytes(c);
}

static char *slot_address_cached(struct stack_class *c, uint32_t slot)
{
    while (slot < c->regions[c->latest].first)
        c->latest--;
    while (slot - c->regions[c->latest].first >= c->regions[c->latest].slots)
        c->latest++;
    return slot_address(c, slot);
}

/* Make the lower end of a slot inaccessible. MADV_GUARD_INSTALL does not split the mapping.
 * mprotect() does, so that a process, which may have 65,530 mappings, cannot have more than some
 * 32,000 stacks. It is used if the kernel does not support MADV_GUARD_INSTALL, or a sandbox forbids
 * it. */
static int install_guard(struct stacks *s, char *slot)
{
    if (!s->by_mprotect) {
        if (async__sys.madvise(slot, STACK_GUARD, MADV_GUARD_INSTALL) == 0)
            return 0;
        if (errno != EINVAL && errno != EPERM && errno != ENOSYS)
            return -ENOMEM;
        s->by_mprotect = true;
    }
    return async__sys.mprotect(slot, STACK_GUARD, PROT_NONE) == 0 ? 0 : -ENOMEM;
}

/* Take the next slot that has never been used, and install its guard. Returns 0 or -ENOMEM. */
static int new_slot(struct stacks *s, struct stack_class *c, uint32_t *ret)
{
    int r;
    if (c->used == c->room && (r = grow_links(c)) < 0)
        return r;
    if (c->used == c->slots && (r = add_region(c)) < 0)
        return r;
    char *slot = slot_address(c, c->used);
    r = install_guard(s, slot);
    if (r < 0)
        return r;
    sanitizer_stack_created(slot + STACK_GUARD, c->size);
    *ret = c->used++;
    return 0;
}

static uint32_t pop_free(struct stack_class *c, uint32_t *list)
{
    uint32_t slot = *list;
    *list = c->next[slot];
    return slot;
}

/* Prefetch the upper end of the stack that will be taken next: a program that needs one often needs
 * many in a row. */
static void fetch_next(const struct stack_class *c)
{
    if (c->warm == STACK_NONE)
        return;
    const char *top = slot_address(c, c->warm) + STACK_GUARD + c->size - stack_colour(c->warm);
    for (int line = 1; line <= STACK_FETCH; line++)
        __builtin_prefetch(top - 64 * line, 1);
}

/* Prefer a warm stack, which costs nothing, to one whose pages must be faulted in again, and that
 * to a slot that needs a new guard. */
int async__stack_take(struct stacks *s, uint8_t class, struct stack *ret)
{
    struct stack_class *c = &s->classes[class];
    uint32_t slot;
    if (unlikely(!c->size)) {
        c->size = (size_t)1 << (STACK_MIN_SHIFT + class);
        c->warm = c->cold = STACK_NONE;
    }
    if (likely(c->warm != STACK_NONE)) {
        slot = pop_free(c, &c->warm);
        c->nwarm--;
        fetch_next(c);
    } else if (c->cold != STACK_NONE) {
        slot = pop_free(c, &c->cold);
    } else {
        int r = new_slot(s, c, &slot);
        if (r < 0)
            return r;
    }
    c->live++;
    *ret = (struct stack){ slot_address_cached(c, slot) + STACK_GUARD, slot, class };
    return 0;
}

void async__stack_give(struct stacks *s, const struct stack *k)
{
    struct stack_class *c = &s->classes[k->class];
    c->next[k->slot] = c->warm;
    c->warm = k->slot;
    c->nwarm++;
    c->live--;
}

/* Warm stacks are worth their memory as long as they may be needed again soon. Keep as many as are
 * in use, and some more. */
static bool has_surplus(const struct stack_class *c)
{
    return c->nwarm > c->live + KEEP_WARM;
}

bool async__stacks_surplus(const struct stacks *s)
{
    for (int i = 0; i < STACK_CLASSES; i++)
        if (has_surplus(&s->classes[i]))
            return true;
    return false;
}

void async__stacks_trim(struct stacks *s, unsigned n)
{
    for (int i = 0; i < STACK_CLASSES; i++) {
        struct stack_class *c = &s->classes[i];
        for (; n > 0 && has_surplus(c); n--) {
            uint32_t slot = pop_free(c, &c->warm);
            async__sys.madvise(slot_address(c, slot) + STACK_GUARD, c->size, MADV_DONTNEED);
            c->nwarm--;
            c->next[slot] = c->cold;
            c->cold = slot;
        }
    }
}

size_t async__stacks_live(const struct stacks *s)
{
    size_t n = 0;
    for (int i = 0; i < STACK_CLASSES; i++)
        n += s->classes[i].live;
    return n;
}

void async__stacks_close(struct stacks *s)
{
    for (int i = 0; i < STACK_CLASSES; i++) {
        struct stack_class *c = &s->classes[i];
        for (uint32_t k = 0; k < c->used; k++)
            sanitizer_stack_released(slot_address(c, k) + STACK_GUARD, c->size);
        for (uint32_t k = 0; k < c->nregions; k++)
            async__sys.unmap(c->regions[k].base, c->regions[k].bytes);
        async__free(c->regions);
        async__free(c->next);
    }
    *s = (struct stacks){ 0 };
}

void async__stacks_abandon(const struct stacks *s)
{
    for (int i = 0; i < STACK_CLASSES; i++) {
        const struct stack_class *c = &s->classes[i];
        for (uint32_t k = 0; k < c->used; k++)
            sanitizer_keep(slot_address(c, k) + STACK_GUARD, c->size);
    }
}
