/* SPDX-License-Identifier: MIT */
/* units.c - parse and format numbers with units. */
#include "units.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Parse digits with at most one point. Returns the end of the number, or NULL if there is none.
 * strtod() is no use: it accepts signs, hexadecimal numbers, infinity, and the locale's point. */
static const char *parse_decimal(const char *s, double *ret)
{
    double v = 0, scale = 1;
    int digits = 0, points = 0;
    for (;; s++) {
        if (*s == '.' && !points++)
            continue;
        if (*s < '0' || *s > '9')
            break;
        digits++;
        v = v * 10 + (*s - '0');
        scale *= points ? 10 : 1;
        if (digits > 18)
            return NULL;
    }
    *ret = v / scale;
    return digits ? s : NULL;
}

/* Return the seconds in a unit of time; 0 if there is no such unit. */
static double unit_seconds(const char *s)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = { { "ms", 1e-3 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "", 1 } };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].name, s) == 0)
            return units[i].seconds;
    return 0;
}

int parse_duration(const char *s, double *ret_seconds)
{
    double v;
    const char *unit = parse_decimal(s, &v);
    double seconds = unit ? unit_seconds(unit) : 0;
    if (seconds == 0)
        return *s == '-' ? -ERANGE : -EINVAL;
    if (v * seconds > 1e9)
        return -ERANGE;
    *ret_seconds = v * seconds;
    return 0;
}

int parse_rate(const char *s, double *ret_per_second)
{
    double n, per = 1;
    const char *unit = parse_decimal(s, &n);
    if (!unit)
        return *s == '-' ? -ERANGE : -EINVAL;
    if (*unit == '/') {
        unit++;
        const char *named = parse_decimal(unit, &per); /* the 10 of 1/10s */
        per = (named ? per : 1) * (!named && !*unit ? 0 : unit_seconds(named ? named : unit));
        if (per == 0)
            return -EINVAL;
    } else if (*unit) {
        return -EINVAL;
    }
    if (!(n > 0 && n / per >= 1e-6 && n / per <= 1e9))
        return -ERANGE;
    *ret_per_second = n / per;
    return 0;
}

/* Return the factor of a unit such as k, KiB or kB; 0 if there is no such unit. */
static double unit_bytes(const char *s)
{
    if (!*s || strcasecmp(s, "b") == 0)
        return 1;
    double binary = 1, metric = 1;
    const char *letters = "kmgt", *at = strchr(letters, *s | 32);
    if (!at)
        return 0;
    for (const char *p = letters; p <= at; p++) {
        binary *= 1024;
        metric *= 1000;
    }
    if (!s[1] || strcasecmp(s + 1, "ib") == 0)
        return binary;
    return strcasecmp(s + 1, "b") == 0 ? metric : 0;
}

int parse_size(const char *s, uint64_t *ret_bytes)
{
    double v;
    const char *unit = parse_decimal(s, &v);
    double factor = unit ? unit_bytes(unit) : 0;
    if (factor == 0)
        return *s == '-' ? -ERANGE : -EINVAL;
    if (v * factor > 9e15)
        return -ERANGE;
    *ret_bytes = (uint64_t)(v * factor);
    return 0;
}

int parse_integer(const char *s, long min, long max, long *ret)
{
    double v, sign = *s == '-' ? -1 : 1;
    const char *end = parse_decimal(s + (*s == '-'), &v);
    if (!end || *end || strchr(s, '.'))
        return -EINVAL;
    v *= sign;
    if (v < (double)min || v > (double)max)
        return -ERANGE;
    *ret = (long)v;
    return 0;
}

char *format_bytes(char *buf, double bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    size_t i = 0;
    while (bytes >= 1023.95 && i < 5) { /* 1023.95 would be printed as 1024.0 */
        bytes /= 1024;
        i++;
    }
    snprintf(buf, 32, i && bytes < 100 ? "%.1f %s" : "%.0f %s", bytes, units[i]);
    return buf;
}

char *format_seconds(char *buf, double s)
{
    unsigned long whole = s < 1e9 ? (unsigned long)(s + 0.5) : 1000000000;
    if (s < 0.01)
        snprintf(buf, 32, "%.1f ms", s * 1e3);
    else if (s < 0.9995)
        snprintf(buf, 32, "%.0f ms", s * 1e3);
    else if (s < 59.995)
        snprintf(buf, 32, "%.2f s", s);
    else if (whole < 3600)
        snprintf(buf, 32, "%lum %02lus", whole / 60, whole % 60);
    else
        snprintf(buf, 32, "%luh %02lum", whole / 3600, whole / 60 % 60);
    return buf;
}
