/* SPDX-License-Identifier: MIT */
/* pacing.h - when an attempt may start: after the pause of its origin, within --per-host, and
 * within --rate. */
#ifndef FETCH_PACING_H
#define FETCH_PACING_H

#include "run.h"

/* Hold the origin of a job, which has the queue of --per-host. Returns 0 or -ENOMEM. */
int job_hold_origin(struct job *j);
void job_release_origin(struct job *j);

/* Wait until the job may send a request to its origin, and acquire a permit for it. Returns 0 or
 * -ECANCELED, and then no permit is held. */
int await_turn(struct job *j) ASYNC_CHECK;
void end_turn(struct job *j); /* releases the permit */

/* If the response requests a pause (Retry-After), pause its origin. Returns the seconds, or 0. */
double pause_origin(struct run *f, const async_http_response *response);

#endif
