/* SPDX-License-Identifier: MIT */
/* timers.h - what is to happen at a time.
 *
 * A timer is a slot in a table, which holds what the timer is for. The deadlines are in a heap with
 * four children a node, so that finding the next one touches nothing else. Cancelling a timer
 * empties its slot and leaves the heap alone: the entry goes when it is the last one, when it comes
 * up, or when more than half of the entries are empty and the heap is compacted. So arming and
 * cancelling cost the same few instructions however many timers there are. Timers with equal
 * deadlines expire in the order in which they were armed.
 *
 * Arming cannot fail, because a callback that never comes would be worse than an abort. Both arrays
 * are mappings that grow long before they are full: if growing fails, there is time until memory
 * can be had again. */
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
    /* What each timer is for, tagged; of a free slot, the next free one and TIMER_FREE. */
    uintptr_t *slots;
    uint32_t count;   /* entries in the heap, empty ones included */
    uint32_t live;    /* timers that are armed */
    uint32_t used;    /* slots that were ever used; slot 0 never is */
    uint32_t room;    /* of both arrays */
    uint32_t grow_at; /* when this many slots are used, the arrays grow */
    uint32_t free;    /* the first free slot, or 0 */
    uint32_t order;
};

/* What a timer is for, in the lowest bits of the pointer. */
enum timer_tag { TIMER_SLEEP, TIMER_SCOPE, TIMER_CALLBACK, TIMER_FREE, TIMER_TAGS };

/* Returns 0 or -ENOMEM. */
int async__timers_open(struct timers *t);
void async__timers_close(struct timers *t);

/* Returns the slot, which never is 0. Aborts with a message beyond 2^30 timers, or if there is no
 * memory at all. */
uint32_t async__timer_arm(struct timers *t, int64_t when, void *what, enum timer_tag tag);
void async__timer_cancel(struct timers *t, uint32_t slot);

/* The deadline of the next timer, or NEVER. */
int64_t async__timer_next(struct timers *t);

/* Take the next timer if it is due, and return what it is for; NULL if none is due. Its slot is
 * free then. */
void *async__timer_take(struct timers *t, int64_t now, enum timer_tag *tag);

/* Cancel all timers with that tag, and call fn for what each is for. */
void async__timers_cancel_all(struct timers *t, enum timer_tag tag, void (*fn)(void *what));

/* For tests: does the order of the heap hold, and do the counts agree? */
bool async__timers_check(const struct timers *t);

#endif
