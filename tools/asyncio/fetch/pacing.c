/* SPDX-License-Identifier: MIT */
/* pacing.c - when an attempt may start. */
#include "pacing.h"

#include "retry.h"
#include "url.h"

#include <asyncio/task.h>

#include <stdlib.h>

/* The semaphore of --per-host belongs to the origin, and exists while a job holds it. */
int job_hold_origin(struct job *j)
{
    struct run *f = j->run;
    char name[URL_ORIGIN_MAX];
    url_origin(j->request.url, name);
    int r = origins_hold(&f->origins, name, &j->origin);
    if (r < 0 || !f->o.per_host || j->origin->user)
        return r;
    async_semaphore *permits = malloc(sizeof *permits);
    if (!permits) {
        origins_release(&f->origins, j->origin, monotonic_ns());
        j->origin = NULL;
        return -ENOMEM;
    }
    *permits = (async_semaphore)ASYNC_SEMAPHORE((int)f->o.per_host);
    j->origin->user = permits;
    return 0;
}

void job_release_origin(struct job *j)
{
    if (!j->origin)
        return;
    if (j->origin->holds == 1) {
        free(j->origin->user);
        j->origin->user = NULL;
    }
    origins_release(&j->run->origins, j->origin, monotonic_ns());
}

/* Wait for the end of the origin's pause, then for a token of the rate. If a pause has begun
 * during the second wait, start over with a new token. Otherwise all jobs that waited for tokens
 * would start together when the pause ends. */
static int await_pace(struct job *j)
{
    struct run *f = j->run;
    int64_t wait;
    do {
        while ((wait = origin_delay(j->origin, monotonic_ns())) > 0)
            ASYNC_TRY(await_sleep((double)wait * 1e-9));
        if ((wait = rate_limit_take(&f->rate, monotonic_ns())) > 0)
            ASYNC_TRY(await_sleep((double)wait * 1e-9));
    } while (wait > 0 && origin_delay(j->origin, monotonic_ns()) > 0);
    return 0;
}

int await_turn(struct job *j)
{
    if (j->origin->user)
        ASYNC_TRY(await_semaphore_acquire(j->origin->user));
    int r = await_pace(j);
    if (r < 0)
        end_turn(j);
    return r;
}

void end_turn(struct job *j)
{
    if (j->origin->user)
        async_semaphore_release(j->origin->user);
}

/* The origin that requests a pause is the one that responded, which after redirects is not the one
 * of the job. */
double pause_origin(struct run *f, const async_http_response *response)
{
    bool may_request = response && retry_status(response->status);
    double seconds = may_request ? async_http_retry_after(response) : -1;
    char name[URL_ORIGIN_MAX];
    struct origin *o;
    if (seconds < 0)
        return 0;
    if (seconds > f->o.retry_after_max)
        seconds = f->o.retry_after_max;
    url_origin(response->url, name);
    if (origins_hold(&f->origins, name, &o) == 0) {
        origin_pause(o, monotonic_ns(), (int64_t)(seconds * 1e9));
        origins_release(&f->origins, o, monotonic_ns());
    }
    return seconds;
}
