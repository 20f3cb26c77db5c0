/* SPDX-License-Identifier: MIT */
/* origins.h - what is remembered of each origin ("https://host:port"): until when its server has
 * requested a pause, and its part of the schedule.
 *
 * An origin exists while it is held, and after that only while its pause lasts. The number of
 * pauses that are remembered without a holder is limited; beyond it, the pause whose last holder
 * left first is forgotten. So a run over a million hosts stays small. The table is a balanced tree,
 * because names come from outside and could be chosen to collide in a hash table. Times are
 * nanoseconds of any monotonic clock. */
#ifndef FETCH_ORIGINS_H
#define FETCH_ORIGINS_H

#include <asyncio/loop.h>
#include "rate_limit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The part of the schedule (schedule.h) that belongs to one origin. */
struct origin_schedule {
    struct job *first, *last; /* requests that may be attempted, in the order of the input */
    long active;              /* attempts in progress */
    struct origin *next;      /* the next origin that can start an attempt now */
    bool listed;              /* it is in the list of origins that can start an attempt now */
    bool armed;               /* `wake` is scheduled */
    struct rate_limit rate;   /* of --rate-host */
    bool begun;               /* `rate` and `limit` are set */
    bool given_up;            /* after --host-failures attempts in a row without a response */
    long failures;            /* attempts in a row without a response */
    double limit;             /* of attempts at a time, with --adaptive */
    async_callback wake;      /* at the end of the pause */
    struct run *run;
};

struct origin {
    int64_t paused_until; /* 0 if it was never paused */
    int64_t kept_until;   /* remembered at least so long; at first 0 */
    unsigned holds;
    struct origin *newer, *older; /* in the list of origins that are not held */
    struct origin_schedule schedule;
    char name[];
};

struct origins {
    void *tree; /* the names of all origins; a tree of tsearch() */
    size_t count;
    struct origin *newest, *oldest; /* the ends of the list of origins that are not held */
    size_t idle;                    /* how many origins are not held */
    size_t idle_max;                /* how many origins may be kept that are not held */
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
