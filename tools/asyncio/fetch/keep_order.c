/* SPDX-License-Identifier: MIT */
/* keep_order.c - a ring of result lines that wait for their turn. */
#include "keep_order.h"

#include <errno.h>
#include <stdlib.h>

int order_init(struct order *o, size_t window, size_t held_max)
{
    *o = (struct order){ .window = window, .held_max = held_max };
    o->ring = calloc(window, sizeof *o->ring);
    return o->ring ? 0 : -ENOMEM;
}

void order_free(struct order *o)
{
    for (size_t i = 0; o->ring && i < o->window; i++)
        text_free(&o->ring[i]);
    free(o->ring);
    *o = (struct order){ 0 };
}

bool order_has_room(const struct order *o, uint64_t index)
{
    return index == o->next || (index - o->next < o->window && !order_is_full(o));
}

static void pass_skipped(struct order *o)
{
    for (struct text *slot; (slot = &o->ring[o->next % o->window])->error; o->next++)
        *slot = (struct text){ 0 };
}

bool order_is_full(const struct order *o)
{
    return o->held >= o->held_max;
}

void order_put(struct order *o, uint64_t index, struct text *line)
{
    o->ring[index % o->window] = *line;
    o->held += line->len;
    *line = (struct text){ 0 };
}

/* A slot that is skipped is marked by an error, which no line has. */
void order_skip(struct order *o, uint64_t index)
{
    o->ring[index % o->window].error = -ENODATA;
    pass_skipped(o);
}

bool order_take(struct order *o, struct text *ret)
{
    struct text *slot = &o->ring[o->next % o->window];
    if (!slot->len)
        return false;
    o->held -= slot->len;
    o->next++;
    *ret = *slot;
    *slot = (struct text){ 0 };
    pass_skipped(o);
    return true;
}

bool order_take_rest(struct order *o, struct text *ret)
{
    for (size_t i = 0; i < o->window; i++) {
        if (order_take(o, ret))
            return true;
        o->next++;
    }
    return false;
}
