/* SPDX-License-Identifier: MIT */
/* retry.h - whether to try again, and when. Pure functions: the dice are the caller's. */
#ifndef FETCH_RETRY_H
#define FETCH_RETRY_H

#include "failure.h"

#include <stdint.h>

struct retry_policy {
    long retries; /* after the first attempt */
    bool unsafe;  /* whatever the method */
};

/* What an attempt came to. */
struct attempt {
    const char *method;
    bool idempotency_key; /* the request carries that header */
    int status;           /* 0: there was no answer */
    enum failure_kind failure;
    bool temporary; /* of struct failure */
    long number;    /* from 1 */
};

/* Is this status worth another attempt? */
bool retry_status(int status);

/* May a request of this method be repeated without a second effect? */
bool retry_idempotent(const char *method);

bool retry_wanted(const struct retry_policy *p, const struct attempt *a);

/* 64 random bits. */
typedef uint64_t retry_random(void *ctx);

/* Full jitter: seconds, evenly from 0 to min(60, 0.5 * 2^(n-1)) after attempt number n, from 1. */
double retry_backoff(long n, retry_random *random, void *ctx);

#endif
