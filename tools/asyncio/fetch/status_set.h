/* SPDX-License-Identifier: MIT */
/* status_set.h - sets of HTTP statuses and of kinds of failures, as --ok-status and --retry-on give
 * them: 200-299,404 or 503,timeout. */
#ifndef FETCH_STATUS_SET_H
#define FETCH_STATUS_SET_H

#include "failure.h"

#include <stdint.h>

enum { STATUS_MIN = 100, STATUS_MAX = 999 };

/* Zeroed, it is empty and was not given. */
struct status_set {
    uint8_t statuses[STATUS_MAX / 8 + 1]; /* a bit for each status */
    unsigned kinds;                       /* a bit for each enum failure_kind */
    bool given;
};

/* Parse a list. Kinds are allowed only if `kinds` is true: dns, connect, tls, timeout, reset and
 * protocol. Returns 0 or -EINVAL. */
int status_set_parse(struct status_set *s, const char *list, bool kinds);

bool status_set_has(const struct status_set *s, int status);
bool status_set_has_kind(const struct status_set *s, enum failure_kind kind);

#endif
