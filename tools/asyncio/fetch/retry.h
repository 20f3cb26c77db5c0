/* SPDX-License-Identifier: MIT */
/* retry.h - whether to repeat a request, and after which delay. Nothing here has state: random
 * numbers come from the caller. */
#ifndef FETCH_RETRY_H
#define FETCH_RETRY_H

#include "failure.h"
#include "status_set.h"

#include <stdint.h>

struct retry_policy {
    long retries;                /* attempts after the first one, at most */
    bool unsafe;                 /* also repeat methods that are not idempotent */
    const struct status_set *on; /* what may be temporary; NULL: as by default */
};

/* What an attempt came to, as far as retries depend on it. */
struct attempt_outcome {
    const char *method;
    bool idempotency_key; /* the request has a header Idempotency-Key */
    int status;           /* 0 if there was no response */
    enum failure_kind failure;
    bool temporary; /* as in struct failure */
    long number;    /* of the attempt, from 1 */
};

/* Can a response with this status be followed by a better one? */
bool retry_status(int status);

/* Has a request with this method the same effect when it is repeated? */
bool retry_idempotent(const char *method);

bool retry_wanted(const struct retry_policy *p, const struct attempt_outcome *a);

/* A source of 64 random bits. */
typedef uint64_t retry_random(void *ctx);

/* Return the delay in seconds after attempt number n, from 1: evenly distributed between 0 and
 * min(60, 0.5 * 2^(n-1)), which is known as full jitter. */
double retry_backoff(long n, retry_random *random, void *ctx);

#endif
