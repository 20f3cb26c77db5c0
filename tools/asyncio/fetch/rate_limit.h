/* SPDX-License-Identifier: MIT */
/* rate_limit.h - a token bucket. It limits how many requests start per second, and how many of them
 * start at once.
 *
 * The bucket is kept as one number, the time at which it will be full again (the algorithm is known
 * as GCRA), so that nothing has to refill it. Times are nanoseconds of any monotonic clock. */
#ifndef FETCH_RATE_LIMIT_H
#define FETCH_RATE_LIMIT_H

#include <stdint.h>

struct rate_limit {
    int64_t interval; /* between two tokens; 0 for no limit */
    int64_t slack;    /* how far ahead of the even pace a burst may run */
    int64_t full;     /* when the bucket is full again */
};

/* Make a full bucket. per_second 0 means no limit. */
void rate_limit_init(struct rate_limit *r, double per_second, long burst);

/* Take one token, possibly a future one. Returns the nanoseconds to wait before using it. Callers
 * that wait that long start in the order of their calls, at the pace of the limit. */
int64_t rate_limit_take(struct rate_limit *r, int64_t now);

/* Return what rate_limit_take() would return, without taking a token. */
int64_t rate_limit_delay(const struct rate_limit *r, int64_t now);

#endif
