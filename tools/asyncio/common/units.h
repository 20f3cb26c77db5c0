/* SPDX-License-Identifier: MIT */
/* units.h - numbers with units, as people type and read them: 1.5s, 10/s, 64M. The locale has no
 * influence, so that a decimal point is always a point. */
#ifndef COMMON_UNITS_H
#define COMMON_UNITS_H

#include <stdint.h>

/* The parse functions return 0; -EINVAL if the text is not such a number; -ERANGE if the number is
 * negative or too large. */

/* Parse a duration with the unit ms, s, m or h; without a unit, in seconds. */
int parse_duration(const char *s, double *ret_seconds);

/* Parse a rate: 10/s, 600/m, 5/h, 1/10s; without a unit, per second. It is more than 0. */
int parse_rate(const char *s, double *ret_per_second);

/* Parse a size. k, M, G and T, also as KiB and so on, are powers of 1024; kB and so on are powers
 * of 1000. Without a unit, or with B, the size is in bytes. */
int parse_size(const char *s, uint64_t *ret_bytes);

/* Parse a whole number from min to max. */
int parse_integer(const char *s, long min, long max, long *ret);

/* Format a size as "12.3 MiB", a duration as "83 ms", "1.25 s" or "3m 20s". buf has 32 bytes; it is
 * returned. */
char *format_bytes(char *buf, double bytes);
char *format_seconds(char *buf, double seconds);

#endif
