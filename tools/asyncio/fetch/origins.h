/* SPDX-License-Identifier: MIT */
/* origins.h - what is remembered of each origin ("https://host:port"): until when it asked to be
 * left alone.
 *
 * An origin lives while somebody holds it, and afterwards only while its pause lasts; of such
 * there are at most so many, the pause that ends first is forgotten first. So a run over a million
 * hosts stays small. It is a sorted array: names come from outside, and there is no hash that they
 * could attack. Times are nanoseconds of any monotonic clock. */
#ifndef FETCH_ORIGINS_H
#define FETCH_ORIGINS_H

#include <stddef.h>
#include <stdint.h>

struct origin {
    int64_t paused_until; /* 0: it was never paused */
    unsigned holds;
    void *user; /* the caller's: who waits for it, say. To be dealt with before the last release */
    char name[];
};

struct origins {
    struct origin **list; /* by name */
    size_t count, cap;
    size_t idle;     /* of these: not held */
    size_t idle_max; /* how many pauses are remembered for nobody */
};

void origins_init(struct origins *t, size_t idle_max);
void origins_free(struct origins *t); /* held ones too */

/* The origin of that name, new or not, held. -ENOMEM. */
int origins_hold(struct origins *t, const char *name, struct origin **ret);
void origins_release(struct origins *t, struct origin *o, int64_t now);

/* Leave it alone for that long from now. A longer pause stays. */
void origin_pause(struct origin *o, int64_t now, int64_t delay);

/* How much longer it is to be left alone: 0 for not at all. Ask again after the wait. */
int64_t origin_delay(const struct origin *o, int64_t now);

#endif
