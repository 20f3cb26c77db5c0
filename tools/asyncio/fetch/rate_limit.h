/* SPDX-License-Identifier: MIT */
/* rate_limit.h - a token bucket: so many starts per second, in a burst of at most so many.
 *
 * Kept as one number, the time at which the bucket will be full again (GCRA), so that nothing has
 * to fill it. Times are nanoseconds of any monotonic clock. */
#ifndef FETCH_RATE_H
#define FETCH_RATE_H

#include <stdint.h>

struct rate {
    int64_t interval; /* between two tokens; 0: no limit */
    int64_t slack;    /* how far ahead of the even pace a burst may run */
    int64_t full;     /* when the bucket is full again */
};

/* per_second 0: no limit. The bucket is full at the start. */
void rate_init(struct rate *r, double per_second, long burst);

/* Take one token, which may be one of the future: the nanoseconds to wait until it may be used.
 * Callers that wait so long go in the order of their calls, at the pace of the rate. */
int64_t rate_take(struct rate *r, int64_t now);

/* What rate_take() would return. Nothing is taken. */
int64_t rate_delay(const struct rate *r, int64_t now);

#endif
