/* SPDX-License-Identifier: MIT */
/* retry.c - whether to repeat a request, and after which delay. */
#include "retry.h"

#include <string.h>

bool retry_status(int status)
{
    static const int again[] = { 408, 425, 429, 500, 502, 503, 504, 522, 524 };
    for (size_t i = 0; i < sizeof again / sizeof *again; i++)
        if (again[i] == status)
            return true;
    return false;
}

bool retry_idempotent(const char *method)
{
    static const char *const names[] = { "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], method) == 0)
            return true;
    return false;
}

/* Can the failure be a passing one? */
static bool is_temporary(const struct retry_policy *p, const struct attempt_outcome *a)
{
    if (p->on && p->on->given)
        return a->failure == FAILURE_HTTP ? status_set_has(p->on, a->status)
                                          : status_set_has_kind(p->on, a->failure);
    switch (a->failure) {
    case FAILURE_DNS:
    case FAILURE_CONNECT:
    case FAILURE_TIMEOUT:
    case FAILURE_RESET:
        return true;
    case FAILURE_TLS:
        return a->temporary;
    case FAILURE_HTTP:
        return retry_status(a->status);
    default:
        return false;
    }
}

bool retry_wanted(const struct retry_policy *p, const struct attempt_outcome *a)
{
    return a->number <= p->retries && is_temporary(p, a) &&
           (p->unsafe || a->idempotency_key || retry_idempotent(a->method));
}

double retry_backoff(long n, retry_random *random, void *ctx)
{
    double most = n > 7 ? 60 : 0.5 * (double)(1L << (n < 1 ? 0 : n - 1));
    return (double)(random(ctx) >> 11) * 0x1p-53 * most;
}
