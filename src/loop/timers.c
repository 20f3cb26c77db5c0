/* SPDX-License-Identifier: MIT */
#include "loop/timers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"

enum { ROOM_MAX = 1 << 24, ROOM_MIN = 1 << 10, SWEEP_MIN = 64 };

static bool map_room(struct timers *t, uint32_t room)
{
    t->heap = async__sys.map(room * sizeof *t->heap);
    t->slots = t->heap ? async__sys.map(room * sizeof *t->slots) : NULL;
    if (t->slots)
        return true;
    if (t->heap)
        async__sys.unmap(t->heap, room * sizeof *t->heap);
    return false;
}

int async__timers_open(struct timers *t)
{
    *t = (struct timers){ .used = 1 };
    for (uint32_t room = ROOM_MAX; room >= ROOM_MIN; room /= 8)
        if (map_room(t, room)) {
            t->room = room;
            return 0;
        }
    return -ENOMEM;
}

void async__timers_close(struct timers *t)
{
    async__sys.unmap(t->heap, t->room * sizeof *t->heap);
    async__sys.unmap(t->slots, t->room * sizeof *t->slots);
    *t = (struct timers){ 0 };
}

/* More timers than the reservation has room for: 16 million, or less where address space is short. */
static COLD void grow(struct timers *t)
{
    size_t old = t->room, room = 2 * old;
    void *heap = NULL, *slots = NULL;
    if (room <= UINT32_C(1) << 30)
        heap = async__sys.remap(t->heap, old * sizeof *t->heap, room * sizeof *t->heap);
    if (heap) {
        t->heap = heap;
        slots = async__sys.remap(t->slots, old * sizeof *t->slots, room * sizeof *t->slots);
    }
    if (!slots) {
        fputs("asyncio: no memory for another timer\n", stderr);
        abort(); /* arming cannot fail: a callback that never comes would be worse */
    }
    t->slots = slots;
    t->room = (uint32_t)room;
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

/* A slot that was never used. There are no more entries than slots. */
static inline uint32_t take_fresh(struct timers *t)
{
    if (unlikely(t->used == t->room))
        grow(t);
    return t->used++;
}

uint32_t async__timer_arm(struct timers *t, int64_t when, void *what, enum timer_tag tag)
{
    uint32_t slot = t->free;
    if (slot)
        t->free = (uint32_t)(t->slots[slot] >> 2);
    else
        slot = take_fresh(t);
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

/* More than half of the entries are of cancelled timers: keep the others. */
static COLD void sweep(struct timers *t)
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

bool async__timer_is(const struct timers *t, uint32_t slot, const void *what, enum timer_tag tag)
{
    return slot < t->room && t->slots[slot] == ((uintptr_t)what | (uintptr_t)tag);
}

/* The slot stays taken, marked as free, until its entry has left the heap: an entry speaks of one timer only. */
void async__timer_cancel(struct timers *t, uint32_t slot)
{
    t->slots[slot] = TIMER_FREE;
    t->live--;
    while (t->count > 0 && is_free(t, t->heap[t->count - 1].slot))
        free_slot(t, t->heap[--t->count].slot);
    if (t->count > 2 * t->live + SWEEP_MIN)
        sweep(t);
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
