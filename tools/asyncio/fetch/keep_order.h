/* SPDX-License-Identifier: MIT */
/* keep_order.h - --keep-order: result lines wait here until all lines before them are printed.
 *
 * One slow request must not make everything behind it pile up. Therefore order_has_room() is
 * checked before a request is read: requests run ahead of the next line to print by at most a
 * window of requests, and by at most so many bytes of waiting lines. */
#ifndef FETCH_KEEP_ORDER_H
#define FETCH_KEEP_ORDER_H

#include "common/text.h"

#include <stdint.h>

struct order {
    struct text *ring; /* the line with index i is in slot i % window */
    size_t window;
    uint64_t next;         /* the index of the line that is printed next */
    size_t held, held_max; /* bytes of the lines in the ring, and their maximum */
};

/* Start with index 0. Returns 0 or -ENOMEM. */
int order_init(struct order *o, size_t window, size_t held_max);
void order_free(struct order *o);

/* May the request with this index be started? The one that is printed next always may. */
bool order_has_room(const struct order *o, uint64_t index);

/* Is the memory for waiting lines used up? */
bool order_is_full(const struct order *o);

/* Move a line in (*line becomes empty). order_has_room() must have been true for its index. */
void order_put(struct order *o, uint64_t index, struct text *line);

/* Skip the line with this index, which will not be put. */
void order_skip(struct order *o, uint64_t index);

/* Move the next line out, into an empty text. Returns false if it has not been put yet. */
bool order_take(struct order *o, struct text *ret);

/* The same once no more lines will be put: skip the missing ones. Returns false if none is left. */
bool order_take_rest(struct order *o, struct text *ret);

#endif
