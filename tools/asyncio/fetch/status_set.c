/* SPDX-License-Identifier: MIT */
/* status_set.c - parse sets of statuses. */
#include "status_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const enum failure_kind passing_kinds[] = { FAILURE_DNS,   FAILURE_CONNECT,
                                                   FAILURE_TLS,   FAILURE_TIMEOUT,
                                                   FAILURE_RESET, FAILURE_PROTOCOL };

/* Add a kind by its name of n bytes. Returns whether there is one. */
static bool add_kind(struct status_set *s, const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof passing_kinds / sizeof *passing_kinds; i++) {
        const char *known = failure_name(passing_kinds[i]);
        if (strlen(known) == n && memcmp(known, name, n) == 0) {
            s->kinds |= 1U << passing_kinds[i];
            return true;
        }
    }
    return false;
}

/* Parse three digits. Returns -1 if these are none. */
static int parse_status(const char *at)
{
    if (strspn(at, "0123456789") != 3)
        return -1;
    int status = atoi(at);
    return status < STATUS_MIN ? -1 : status;
}

/* Add a status, or a range of them, of n bytes. */
static bool add_statuses(struct status_set *s, const char *at, size_t n)
{
    int first = parse_status(at), last = first;
    if (n == 7 && at[3] == '-')
        last = parse_status(at + 4);
    else if (n != 3)
        return false;
    if (first < 0 || last < first)
        return false;
    for (int i = first; i <= last; i++)
        s->statuses[i / 8] |= (uint8_t)(1 << i % 8);
    return true;
}

int status_set_parse(struct status_set *s, const char *list, bool kinds)
{
    *s = (struct status_set){ .given = true };
    for (const char *at = list;; at++) {
        size_t n = strcspn(at, ",");
        if (!add_statuses(s, at, n) && !(kinds && add_kind(s, at, n)))
            return -EINVAL;
        at += n;
        if (!*at)
            return 0;
    }
}

bool status_set_has(const struct status_set *s, int status)
{
    return status >= STATUS_MIN && status <= STATUS_MAX &&
           s->statuses[status / 8] >> status % 8 & 1;
}

bool status_set_has_kind(const struct status_set *s, enum failure_kind kind)
{
    return s->kinds >> kind & 1;
}
