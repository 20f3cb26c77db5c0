/* SPDX-License-Identifier: MIT */
/* http_date.c - the three forms of a date in HTTP (RFC 9110, 5.6.7):
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT     what everybody should send
 *     Sunday, 06-Nov-94 08:49:37 GMT    RFC 850
 *     Sun Nov  6 08:49:37 1994          asctime()
 *
 * Not by strptime(), which follows the locale and takes too much. */
#include "retry.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* Reads s by a pattern: a digit stands for a field of that many digits, 'm' for a month, '_' for a
 * day of two places that may begin with a space; anything else for itself. Fields come in order. */
static bool fields(const char *s, const char *pattern, int *ret)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (; *pattern; pattern++) {
        int width = *pattern == '_' ? 2 : *pattern >= '0' && *pattern <= '9' ? *pattern - '0' : 0;
        if (*pattern == 'm') {
            const char *at = strnlen(s, 3) == 3 ? memmem(months, 36, s, 3) : NULL;
            if (!at || (at - months) % 3)
                return false;
            *ret++ = (int)(at - months) / 3;
            s += 3;
        } else if (width) {
            int v = 0;
            for (int i = 0; i < width; i++, s++) {
                bool pad = *pattern == '_' && i == 0 && *s == ' ';
                if (!pad && (*s < '0' || *s > '9'))
                    return false;
                v = pad ? 0 : v * 10 + (*s - '0');
            }
            *ret++ = v;
        } else if (*s++ != *pattern) {
            return false;
        }
    }
    return !*s;
}

/* The name of the day is not checked against the date: it says nothing that the date does not. */
static const char *skip_day(const char *s)
{
    size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    return n >= 3 && n <= 9 ? s + n : NULL;
}

static int full_year(int two_digits, int64_t now)
{
    time_t t = (time_t)now;
    struct tm tm = { 0 };
    gmtime_r(&t, &tm);
    int year = (tm.tm_year + 1900) / 100 * 100 + two_digits;
    return year > tm.tm_year + 1900 + 50 ? year - 100 : year;
}

static int to_seconds(struct tm tm, int64_t *ret)
{
    struct tm asked = tm;
    time_t t = timegm(&tm); /* which turns 31 June into 1 July, and a leap second into the next */
    bool leap = asked.tm_sec == 60;
    if (asked.tm_year < 0 || asked.tm_hour > 23 || asked.tm_min > 59 || asked.tm_sec > 60)
        return -EBADMSG;
    if (!leap && (asked.tm_mday != tm.tm_mday || asked.tm_mon != tm.tm_mon))
        return -EBADMSG;
    *ret = (int64_t)t;
    return 0;
}

int http_date(const char *s, int64_t now, int64_t *ret)
{
    int f[6] = { 0 };
    const char *rest = skip_day(s);
    if (!rest)
        return -EBADMSG;
    if (fields(rest, ", 2 m 4 2:2:2 GMT", f))
        return to_seconds((struct tm){ .tm_mday = f[0], .tm_mon = f[1], .tm_year = f[2] - 1900,
                                       .tm_hour = f[3], .tm_min = f[4], .tm_sec = f[5] }, ret);
    if (fields(rest, ", 2-m-2 2:2:2 GMT", f))
        return to_seconds((struct tm){ .tm_mday = f[0], .tm_mon = f[1],
                                       .tm_year = full_year(f[2], now) - 1900, .tm_hour = f[3],
                                       .tm_min = f[4], .tm_sec = f[5] }, ret);
    if (fields(rest, " m _ 2:2:2 4", f))
        return to_seconds((struct tm){ .tm_mon = f[0], .tm_mday = f[1], .tm_hour = f[2],
                                       .tm_min = f[3], .tm_sec = f[4], .tm_year = f[5] - 1900 },
                          ret);
    return -EBADMSG;
}
