/* SPDX-License-Identifier: MIT */
#include "units.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Digits with at most one point; returns where they end, or NULL if there are none. strtod() would
 * also take signs, hexadecimal numbers, infinity, and the point of the locale. */
static const char *decimal(const char *s, double *ret)
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

static double second_unit(const char *s)
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

int units_duration(const char *s, double *ret_seconds)
{
    double v;
    const char *unit = decimal(s, &v);
    double seconds = unit ? second_unit(unit) : 0;
    if (seconds == 0)
        return *s == '-' ? -ERANGE : -EINVAL;
    if (v * seconds > 1e9)
        return -ERANGE;
    *ret_seconds = v * seconds;
    return 0;
}

int units_rate(const char *s, double *ret_per_second)
{
    double n, per = 1;
    const char *unit = decimal(s, &n);
    if (!unit)
        return *s == '-' ? -ERANGE : -EINVAL;
    if (*unit == '/') {
        unit++;
        const char *named = decimal(unit, &per);
        per = (named ? per : 1) * (!named && !*unit ? 0 : second_unit(named ? named : unit));
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

/* The factor behind k, KiB, kB and so on, or 0. */
static double size_unit(const char *s)
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

int units_size(const char *s, uint64_t *ret_bytes)
{
    double v;
    const char *unit = decimal(s, &v);
    double factor = unit ? size_unit(unit) : 0;
    if (factor == 0)
        return *s == '-' ? -ERANGE : -EINVAL;
    if (v * factor > 9e15)
        return -ERANGE;
    *ret_bytes = (uint64_t)(v * factor);
    return 0;
}

int units_int(const char *s, long min, long max, long *ret)
{
    double v, sign = *s == '-' ? -1 : 1;
    const char *end = decimal(s + (*s == '-'), &v);
    if (!end || *end || strchr(s, '.'))
        return -EINVAL;
    v *= sign;
    if (v < (double)min || v > (double)max)
        return -ERANGE;
    *ret = (long)v;
    return 0;
}
