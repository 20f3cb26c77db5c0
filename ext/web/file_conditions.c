/* SPDX-License-Identifier: MIT */
#include "file_conditions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- dates --- */

/* Names are written and compared here, because strftime() and strptime() use those of the locale.
 * */
static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void web_format_date(char *text, size_t size, time_t t)
{
    struct tm tm;
    gmtime_r(&t, &tm);
    snprintf(text, size, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday,
             tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
             tm.tm_sec);
}

static int month_of(const char *name)
{
    for (int i = 0; i < 12; i++)
        if (strncmp(name, months + 3 * i, 3) == 0)
            return i;
    return -1;
}

static bool convert_date(struct tm *tm, const char *month, time_t *ret)
{
    tm->tm_mon = month_of(month);
    if (tm->tm_mon < 0 || tm->tm_mday < 1 || tm->tm_mday > 31 || tm->tm_hour > 23 ||
        tm->tm_min > 59 || tm->tm_sec > 60 || tm->tm_year < 1900)
        return false;
    tm->tm_year -= 1900;
    *ret = timegm(tm);
    return true;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT"; "Sunday, 06-Nov-94 08:49:37 GMT"; "Sun Nov  6 08:49:37 1994". A
 * year of two digits is one of this century up to 69, as for strptime(). */
bool web_parse_date(const char *text, time_t *ret)
{
    struct tm tm = { 0 };
    char month[4];
    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &tm.tm_mday, month,
               &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) == 6 ||
        sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d", month, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &tm.tm_year) == 6)
        return convert_date(&tm, month, ret);
    if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT", &tm.tm_mday, month,
               &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
        return false;
    tm.tm_year += tm.tm_year < 70 ? 2000 : 1900;
    return convert_date(&tm, month, ret);
}

/* --- tags --- */

void web_file_tag(struct web_file_tag *ret, const struct stat *st)
{
    ret->modified = st->st_mtime;
    snprintf(ret->etag, sizeof ret->etag, "\"%llx-%lx-%llx\"", (unsigned long long)st->st_mtime,
             (unsigned long)st->st_mtim.tv_nsec, (unsigned long long)st->st_size);
    web_format_date(ret->last_modified, sizeof ret->last_modified, st->st_mtime);
}

/* Is a tag in a list such as `"a", W/"b"`, or is that "*"? A weak tag equals a strong one only in
 * the weak comparison, which If-None-Match uses. */
static bool lists_tag(const char *list, const char *tag, bool weak)
{
    size_t n = strlen(tag);
    for (const char *p = list; *p; p += strcspn(p, ",")) {
        p += strspn(p, ", \t");
        if (*p == '*')
            return true;
        bool is_weak = p[0] == 'W' && p[1] == '/';
        const char *value = p + 2 * is_weak;
        if (strncmp(value, tag, n) == 0 && (weak || !is_weak))
            return true;
    }
    return false;
}

/* --- ranges --- */

/* Parse digits; false if there are none, or too many. Moves *text behind them. */
static bool parse_number(const char **text, uint64_t *ret)
{
    const char *p = *text;
    uint64_t n = 0;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
            return false;
    bool any = p > *text;
    *text = p;
    *ret = n;
    return any;
}

/* Parse "bytes=1-2", "bytes=1-" or "bytes=-2". Returns 206, 416 if the file has no such part, or
 * 200 if the range is malformed, or there are several: then the whole file is sent. */
static int parse_range(const char *text, uint64_t size, uint64_t *ret_first, uint64_t *ret_size)
{
    uint64_t first, last = size - 1;
    if (strncasecmp(text, "bytes=", 6) != 0)
        return 200;
    text += 6;
    bool has_first = parse_number(&text, &first);
    if (*text++ != '-')
        return 200;
    bool has_last = parse_number(&text, &last);
    if (*text || (!has_first && !has_last) || (has_first && has_last && last < first))
        return 200;
    if (!has_first) {
        first = last < size ? size - last : 0;
        if (last == 0 || size == 0)
            return 416;
        last = size - 1;
    }
    if (first >= size)
        return 416;
    if (!has_last || last >= size)
        last = size - 1;
    *ret_first = first;
    *ret_size = last - first + 1;
    return 206;
}

/* May a range be served, because the client has the rest of the same file? */
static bool matches_if_range(const char *if_range, const struct web_file_tag *tag)
{
    time_t t;
    if (!if_range)
        return true;
    if (*if_range == '"')
        return strcmp(if_range, tag->etag) == 0;
    return web_parse_date(if_range, &t) && t == tag->modified;
}

/* --- the order of RFC 9110, section 13.2.2 --- */

/* Returns 412, 304, or 0 if the file is to be sent. */
static int check_preconditions(const struct web_file_request *rq, const struct web_file_tag *tag)
{
    time_t t;
    if (rq->if_match) {
        if (!lists_tag(rq->if_match, tag->etag, false))
            return 412;
    } else if (rq->if_unmodified_since && web_parse_date(rq->if_unmodified_since, &t) &&
               tag->modified > t) {
        return 412;
    }
    if (rq->if_none_match)
        return lists_tag(rq->if_none_match, tag->etag, true) ? 304 : 0;
    if (rq->if_modified_since && web_parse_date(rq->if_modified_since, &t) && tag->modified <= t)
        return 304;
    return 0;
}

int web_file_conditions(const struct web_file_request *rq, const struct web_file_tag *tag,
                        uint64_t size, uint64_t *ret_first, uint64_t *ret_size)
{
    int status = check_preconditions(rq, tag);
    *ret_first = 0;
    *ret_size = size;
    if (status)
        return status;
    if (!rq->range || !matches_if_range(rq->if_range, tag))
        return 200;
    return parse_range(rq->range, size, ret_first, ret_size);
}
