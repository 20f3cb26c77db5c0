/* SPDX-License-Identifier: MIT */
/* origins.h - what is remembered of each origin ("https://host:port"): until when its server has
 * requested a pause, and what the caller attaches to it.
 *
 * An origin exists while it is held, and after that only while its pause lasts. The number of
 * pauses that are remembered without a holder is limited; beyond it, the pause that ends first is
 * forgotten. So a run over a million hosts stays small. The table is a sorted array, because names
 * come from outside and could be chosen to collide in a hash table. Times are nanoseconds of any
 * monotonic clock. */
#ifndef FETCH_ORIGINS_H
#define FETCH_ORIGINS_H

#include <stddef.h>
#include <stdint.h>

struct origin {
    int64_t paused_until; /* 0 if it was never paused */
    unsigned holds;
    void *user; /* belongs to the caller, which frees it before the last origins_release() */
    char name[];
};

struct origins {
    struct origin **list; /* sorted by name */
    size_t count, cap;
    size_t idle;     /* how many origins are not held */
    size_t idle_max; /* how many origins may be kept that are not held */
};

void origins_init(struct origins *t, size_t idle_max);
void origins_free(struct origins *t); /* frees origins that are held, too */

/* Find or create the origin of that name, and hold it. Returns 0 or -ENOMEM. */
int origins_hold(struct origins *t, const char *name, struct origin **ret);
void origins_release(struct origins *t, struct origin *o, int64_t now);

/* Pause an origin for that long from now on. A pause that ends later stays. */
void origin_pause(struct origin *o, int64_t now, int64_t delay);

/* Return how much longer the origin is paused, or 0. After waiting that long the caller must check
 * again, because the pause may have been extended. */
int64_t origin_delay(const struct origin *o, int64_t now);

#endif
