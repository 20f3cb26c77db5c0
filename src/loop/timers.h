/* SPDX-License-Identifier: MIT */
/* timers.h - what is to happen at a time: a heap of four children a node, the deadlines in it, so that looking for
 * the next one touches nothing else.
 *
 * A timer is a slot in a table that says what it is for. Cancelling empties the slot and leaves the heap alone: the
 * entry goes when it is the last one, when it comes up, or when more than half of them are empty and the heap is
 * swept. So arming and cancelling cost the same few instructions however many there are, and neither can fail:
 * both arrays are reserved address space, touched as they fill. Equal deadlines: in the order of arming. */
#ifndef LOOP_TIMERS_H
#define LOOP_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer_entry {
    int64_t when;
    uint32_t order, slot;
};

struct timers {
    struct timer_entry *heap;
    uintptr_t *slots; /* what for, tagged; when free, the next free one and FREE_TAG */
    uint32_t count;   /* entries in the heap, empty ones too */
    uint32_t live;
    uint32_t used, room; /* slots ever used (0 is none); room in both arrays */
    uint32_t free;
    uint32_t order;
};

/* What a timer is for, in the lowest bits of the pointer. */
enum timer_tag { TIMER_SLEEP, TIMER_SCOPE, TIMER_CALLBACK, TIMER_FREE, TIMER_TAGS };

int async__timers_open(struct timers *t); /* 0, -ENOMEM */
void async__timers_close(struct timers *t);

/* The slot, never 0. Aborts with a message beyond 2^30 timers or without any memory. */
uint32_t async__timer_arm(struct timers *t, int64_t when, void *what, enum timer_tag tag);
void async__timer_cancel(struct timers *t, uint32_t slot);

/* Is it the one of that slot? */
bool async__timer_is(const struct timers *t, uint32_t slot, const void *what, enum timer_tag tag);

/* The deadline of the next one, or NEVER. */
int64_t async__timer_next(struct timers *t);

/* Take the next one if it is due: what it is for, else NULL. Its slot is free then. */
void *async__timer_take(struct timers *t, int64_t now, enum timer_tag *tag);

bool async__timers_check(const struct timers *t); /* for tests: the heap's order holds */

#endif
