/* SPDX-License-Identifier: MIT */
/* origins.c - a sorted table of origins. */
#include "origins.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void origins_init(struct origins *t, size_t idle_max)
{
    *t = (struct origins){ .idle_max = idle_max };
}

void origins_free(struct origins *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->list[i]);
    free(t->list);
    *t = (struct origins){ 0 };
}

/* Return the index of the name, or the index at which it would be inserted. */
static size_t origin_index(const struct origins *t, const char *name, bool *found)
{
    size_t low = 0, high = t->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(t->list[middle]->name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remove_origin(struct origins *t, size_t at)
{
    free(t->list[at]);
    t->count--;
    memmove(t->list + at, t->list + at + 1, (t->count - at) * sizeof *t->list);
}

/* Forget all pauses that are over; if there is none, forget the one that ends first. This takes
 * linear time, but is rare, because only origins with a pause stay without a holder, and one call
 * removes all that can be removed. */
static void forget_pauses(struct origins *t, int64_t now)
{
    size_t kept = 0, first = SIZE_MAX;
    for (size_t i = 0; i < t->count; i++) {
        struct origin *o = t->list[i];
        if (!o->holds && o->paused_until <= now) {
            free(o);
            t->idle--;
            continue;
        }
        if (!o->holds && (first == SIZE_MAX || o->paused_until < t->list[first]->paused_until))
            first = kept;
        t->list[kept++] = o;
    }
    t->count = kept;
    if (t->idle > t->idle_max) {
        remove_origin(t, first);
        t->idle--;
    }
}

static int grow_origins(struct origins *t)
{
    if (t->count < t->cap)
        return 0;
    size_t cap = t->cap ? 2 * t->cap : 16;
    struct origin **list = reallocarray(t->list, cap, sizeof *list);
    if (!list)
        return -ENOMEM;
    t->list = list;
    t->cap = cap;
    return 0;
}

int origins_hold(struct origins *t, const char *name, struct origin **ret)
{
    bool found;
    size_t at = origin_index(t, name, &found);
    if (found) {
        struct origin *o = t->list[at];
        t->idle -= !o->holds++;
        *ret = o;
        return 0;
    }
    size_t n = strlen(name) + 1;
    struct origin *o = grow_origins(t) < 0 ? NULL : malloc(sizeof *o + n);
    if (!o)
        return -ENOMEM;
    *o = (struct origin){ .holds = 1 };
    memcpy(o->name, name, n);
    memmove(t->list + at + 1, t->list + at, (t->count - at) * sizeof *t->list);
    t->list[at] = o;
    t->count++;
    *ret = o;
    return 0;
}

void origins_release(struct origins *t, struct origin *o, int64_t now)
{
    if (--o->holds)
        return;
    if (o->paused_until <= now) {
        bool found;
        size_t at = origin_index(t, o->name, &found);
        remove_origin(t, at);
        return;
    }
    if (++t->idle > t->idle_max)
        forget_pauses(t, now);
}

void origin_pause(struct origin *o, int64_t now, int64_t delay)
{
    int64_t until = delay > INT64_MAX - now ? INT64_MAX : now + delay;
    if (until > o->paused_until)
        o->paused_until = until;
}

int64_t origin_delay(const struct origin *o, int64_t now)
{
    return o->paused_until > now ? o->paused_until - now : 0;
}
