/* SPDX-License-Identifier: MIT */
/* keep_order.h - --keep-order: results wait here until all before them have been printed.
 *
 * One slow request must not make everything behind it pile up: whoever starts requests asks
 * order_room() first, and so is never more than a window of requests, or so many bytes of waiting
 * results, ahead. */
#ifndef FETCH_ORDER_H
#define FETCH_ORDER_H

#include "common/text.h"

#include <stdint.h>

struct order {
    struct text *ring;
    size_t window;
    uint64_t next;         /* the index that is to be printed next */
    size_t held, held_max; /* bytes */
};

/* -ENOMEM. The first index is 0. */
int order_init(struct order *o, size_t window, size_t held_max);
void order_free(struct order *o);

/* May the request of this index be started? That of the next index always. */
bool order_room(const struct order *o, uint64_t index);

/* Hand over its line (*line becomes empty). The index must have had room. */
void order_put(struct order *o, uint64_t index, struct text *line);

/* true: *ret, which must be empty, has the next line, yours now. false: it is not there yet. */
bool order_take(struct order *o, struct text *ret);

/* When no more results will come: take what waits, stepping over those that are missing. false:
 * that was all. */
bool order_take_rest(struct order *o, struct text *ret);

#endif
