/* SPDX-License-Identifier: MIT */
/* rate_limit.c - a token bucket. */
#include "rate_limit.h"

void rate_limit_init(struct rate_limit *r, double per_second, long burst)
{
    int64_t interval = per_second > 0 ? (int64_t)(1e9 / per_second + 0.5) : 0;
    int64_t spare = burst > 1 ? burst - 1 : 0;
    if (interval && spare > INT64_MAX / 4 / interval)
        spare = INT64_MAX / 4 / interval; /* so that no sum of times can overflow */
    *r = (struct rate_limit){ .interval = interval,
                              .slack = spare * interval,
                              .full = INT64_MIN / 2 };
}

int64_t rate_limit_delay(const struct rate_limit *r, int64_t now)
{
    int64_t at = r->full - r->slack;
    return r->interval && at > now ? at - now : 0;
}

int64_t rate_limit_take(struct rate_limit *r, int64_t now)
{
    int64_t delay = rate_limit_delay(r, now);
    if (r->interval)
        r->full = (r->full > now ? r->full : now) + r->interval;
    return delay;
}
