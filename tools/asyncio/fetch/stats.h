/* SPDX-License-Identifier: MIT */
/* stats.h - the statistics of a run, in memory that does not grow with it. */
#ifndef FETCH_STATS_H
#define FETCH_STATS_H

#include "common/text.h"
#include "failure.h"

#include <stdint.h>

/* Counts of durations in microseconds. Each power of two is divided into 64 buckets, so that a
 * quantile is at most 1.6 % too high. Durations above 12 days count as 12 days. The size is 18
 * KiB. */
enum { HISTOGRAM_STEPS = 64, HISTOGRAM_DOUBLINGS = 35 };
struct histogram {
    uint64_t count;
    uint64_t max;
    uint64_t bucket[HISTOGRAM_STEPS * HISTOGRAM_DOUBLINGS];
};
void histogram_add(struct histogram *h, uint64_t us);

/* Return the duration that the fraction q (0 to 1) of all durations does not exceed: the upper end
 * of its bucket, at most the largest duration; 0 if there are none. */
uint64_t histogram_quantile(const struct histogram *h, double q);

struct stats {
    uint64_t ok, failed, retries;
    uint64_t skipped; /* requests that have a result from an earlier run */
    uint64_t bytes, wire_bytes;
    uint64_t by_kind[FAILURE_KINDS];
    struct histogram total; /* durations of the requests that succeeded */
};

/* Count one request that has ended.
 *
 * kind       FAILURE_NONE if it succeeded.
 * seconds    from its first attempt to its end; negative if it is not known. */
void stats_add(struct stats *s, enum failure_kind kind, long attempts, double seconds,
               uint64_t bytes, uint64_t wire_bytes);

/* Append the same figures as a JSON object, with a line end. */
void stats_json(const struct stats *s, double wall_seconds, int exit_status, struct text *ret);

/* Append "1000 requests in 4.21 s: 990 ok, 10 failed (8 timeout, 2 dns), 12 retries; ..." and a
 * line end. */
void stats_summary(const struct stats *s, double wall_seconds, struct text *ret);

#endif
