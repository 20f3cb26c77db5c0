/* SPDX-License-Identifier: MIT */
/* units.h - numbers with units, as people type them: 1.5s, 10/s, 64M. Independent of the locale.
 * All return 0 or -EINVAL (not such a number) or -ERANGE (negative, or too large). */
#ifndef FETCH_UNITS_H
#define FETCH_UNITS_H

#include <stdint.h>

/* A duration: ms, s, m, h; without a unit seconds. */
int units_duration(const char *s, double *ret_seconds);

/* A rate: 10/s, 600/m, 5/h, also 1/10s; without a unit per second. More than 0. */
int units_rate(const char *s, double *ret_per_second);

/* A size: k, M, G, T and KiB and so on are powers of 1024, kB and so on of 1000; without a unit,
 * or with B, bytes. */
int units_size(const char *s, uint64_t *ret_bytes);

/* A whole number from min to max. */
int units_int(const char *s, long min, long max, long *ret);

#endif
