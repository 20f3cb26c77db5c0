/* SPDX-License-Identifier: MIT */
/* stats.h - what a run came to, in memory that does not grow with it. */
#ifndef FETCH_STATS_H
#define FETCH_STATS_H

#include "failure.h"
#include "common/text.h"

#include <stdint.h>

/* Counts of durations in microseconds, log-linear: 64 steps to each doubling, so a quantile is at
 * most 1.6 % above the truth. From 1 us to 12 days; what is beyond counts as that. 18 KiB. */
enum { HISTOGRAM_STEPS = 64, HISTOGRAM_DOUBLINGS = 35 };
struct histogram {
    uint64_t count;
    uint64_t max;
    uint64_t bucket[HISTOGRAM_STEPS * HISTOGRAM_DOUBLINGS];
};
void histogram_add(struct histogram *h, uint64_t us);

/* The duration that the fraction q (0 to 1) of all did not exceed: the upper end of its bucket,
 * never more than the largest that was added. 0 if there are none. */
uint64_t histogram_quantile(const struct histogram *h, double q);

struct stats {
    uint64_t ok, failed, retries;
    uint64_t bytes, wire_bytes;
    uint64_t by_kind[FAILURE_KINDS];
    struct histogram total; /* of those that succeeded */
};

/* One input is done. kind FAILURE_NONE: it succeeded. seconds: from its first attempt to its end;
 * negative: not known. */
void stats_add(struct stats *s, enum failure_kind kind, long attempts, double seconds,
               uint64_t bytes, uint64_t wire_bytes);

/* "1000 requests in 4.21 s: 990 ok, 10 failed (8 timeout, 2 dns), 12 retries; ..." with a line
 * end. */
void stats_summary(const struct stats *s, double wall_seconds, struct text *ret);

/* "12.3 MiB"; buf has room for 32. */
char *human_bytes(char *buf, double bytes);
/* "83 ms", "1.25 s", "3m 20s"; buf has room for 32. */
char *human_seconds(char *buf, double seconds);

#endif
