/* SPDX-License-Identifier: MIT */
#include "loop/timers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"

enum { ROOM_FIRST = 1 << 12, ROOM_MAX = 1 << 30, COMPACT_MIN = 64 };

static void set_room(struct timers *t, uint32_t room)
{
    t->room = room;
    t->grow_at = room / 4 * 3;
}

int async__timers_open(struct timers *t)
{
    *t = (struct timers){ .used = 1 };
    t->heap = async__sys.map(ROOM_FIRST * sizeof *t->heap);
    t->slots = t->heap ? async__sys.map(ROOM_FIRST * sizeof *t->slots) : NULL;
    set_room(t, ROOM_FIRST);
    if (t->slots)
        return 0;
    if (t->heap)
        async__sys.unmap(t->heap, ROOM_FIRST * sizeof *t->heap);
    return -ENOMEM;
}

void async__timers_close(struct timers *t)
{
    async__sys.unmap(t->heap, t->room * sizeof *t->heap);
    async__sys.unmap(t->slots, t->room * sizeof *t->slots);
    *t = (struct timers){ 0 };
}

/* Double the room. Both mappings grow or neither does; pages are not copied. */
static bool double_room(struct timers *t)
{
    size_t old = t->room, room = 2 * old;
    if (room > ROOM_MAX)
        return false;
    void *slots = async__sys.remap(t->slots, old * sizeof *t->slots, room * sizeof *t->slots);
    if (!slots)
        return false;
    t->slots = slots;
    void *heap = async__sys.remap(t->heap, old * sizeof *t->heap, room * sizeof *t->heap);
    if (!heap) {
        slots = async__sys.remap(t->slots, room * sizeof *t->slots, old * sizeof *t->slots);
        t->slots = slots ? slots : t->slots; /* shrinking does not fail */
        return false;
    }
    t->heap = heap;
    set_room(t, (uint32_t)room);
    return true;
}

static COLD void grow(struct timers *t)
{
    if (double_room(t) || t->used < t->room)
        return;
    fputs("asyncio: out of memory: cannot arm another timer\n", stderr);
    abort();
}

static bool earlier(const struct timer_entry *a, const struct timer_entry *b)
{
    return a->when < b->when || (a->when == b->when && (int32_t)(a->order - b->order) < 0);
}

static void sift_up(struct timer_entry *heap, uint32_t i)
{
    struct timer_entry e = heap[i];
    while (i > 0) {
        uint32_t parent = (i - 1) / 4;
        if (!earlier(&e, &heap[parent]))
            break;
        heap[i] = heap[parent];
        i = parent;
    }
    heap[i] = e;
}

static uint32_t least_child(const struct timer_entry *heap, uint32_t n, uint32_t first)
{
    uint32_t least = first, end = first + 4 < n ? first + 4 : n;
    for (uint32_t k = first + 1; k < end; k++)
        if (earlier(&heap[k], &heap[least]))
            least = k;
    return least;
}

static void sift_down(struct timer_entry *heap, uint32_t n, uint32_t i)
{
    struct timer_entry e = heap[i];
    for (uint32_t first; (first = 4 * i + 1) < n;) {
        uint32_t child = least_child(heap, n, first);
        if (!earlier(&heap[child], &e))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = e;
}

static bool is_free(const struct timers *t, uint32_t slot)
{
    return (t->slots[slot] & (TIMER_TAGS - 1)) == TIMER_FREE;
}

/* A slot that was never used. The heap never has more entries than there are slots. */
static inline uint32_t take_new_slot(struct timers *t)
{
    if (unlikely(t->used >= t->grow_at))
        grow(t);
    return t->used++;
}

uint32_t async__timer_arm(struct timers *t, int64_t when, void *what, enum timer_tag tag)
{
    uint32_t slot = t->free;
    if (slot)
        t->free = (uint32_t)(t->slots[slot] >> 2);
    else
        slot = take_new_slot(t);
    t->slots[slot] = (uintptr_t)what | tag;
    t->heap[t->count] = (struct timer_entry){ when, t->order++, slot };
    sift_up(t->heap, t->count++);
    t->live++;
    return slot;
}

static void free_slot(struct timers *t, uint32_t slot)
{
    t->slots[slot] = (uintptr_t)t->free << 2 | TIMER_FREE;
    t->free = slot;
}

/* More than half of the entries belong to cancelled timers. Keep the others, and restore the order
 * of the heap. */
static COLD void compact(struct timers *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->count; i++)
        if (is_free(t, t->heap[i].slot))
            free_slot(t, t->heap[i].slot);
        else
            t->heap[n++] = t->heap[i];
    t->count = n;
    for (uint32_t i = n / 4 + 1; n > 1 && i-- > 0;)
        sift_down(t->heap, n, i);
}

/* The slot stays taken, marked as free, until its entry has left the heap, because an entry must
 * not refer to another timer than the one it was made for. */
void async__timer_cancel(struct timers *t, uint32_t slot)
{
    t->slots[slot] = TIMER_FREE;
    t->live--;
    while (t->count > 0 && is_free(t, t->heap[t->count - 1].slot))
        free_slot(t, t->heap[--t->count].slot);
    if (t->count > 2 * t->live + COMPACT_MIN)
        compact(t);
}

static void drop_first(struct timers *t)
{
    free_slot(t, t->heap[0].slot);
    if (--t->count > 0) {
        t->heap[0] = t->heap[t->count];
        sift_down(t->heap, t->count, 0);
    }
}

int64_t async__timer_next(struct timers *t)
{
    while (t->count > 0 && is_free(t, t->heap[0].slot))
        drop_first(t);
    return t->count > 0 ? t->heap[0].when : NEVER;
}

void *async__timer_take(struct timers *t, int64_t now, enum timer_tag *tag)
{
    if (async__timer_next(t) > now || t->count == 0)
        return NULL;
    uintptr_t what = t->slots[t->heap[0].slot];
    drop_first(t);
    t->live--;
    *tag = what & (TIMER_TAGS - 1);
    return (void *)(what & ~(uintptr_t)(TIMER_TAGS - 1));
}

void async__timers_cancel_all(struct timers *t, enum timer_tag tag, void (*fn)(void *what))
{
    for (uint32_t i = 0; i < t->count; i++) {
        uintptr_t *slot = &t->slots[t->heap[i].slot];
        if ((*slot & (TIMER_TAGS - 1)) != (uintptr_t)tag)
            continue;
        fn((void *)(*slot & ~(uintptr_t)(TIMER_TAGS - 1)));
        *slot = TIMER_FREE;
        t->live--;
    }
}

bool async__timers_check(const struct timers *t)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        if (i > 0 && earlier(&t->heap[i], &t->heap[(i - 1) / 4]))
            return false;
        live += !is_free(t, t->heap[i].slot);
    }
    return live == t->live;
}
