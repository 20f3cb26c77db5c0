/* SPDX-License-Identifier: MIT */
/* schedule.h - which job starts an attempt next, and when. The design is described in run.h.
 *
 *   schedule_job       put a job into the queue of its origin
 *   schedule_retry     the same after a delay
 *   schedule_end       an attempt has received its response, so its origin may start another one
 *   schedule_leave     the task of an attempt ends, so its slot is free
 *   schedule_remove    take a job out that gets its result without an attempt
 *   schedule_pause     pause the origin that requests it
 *   await_demand       wait until another request is to be read
 *
 * Except for the last one, none suspends. They start attempts as soon as these are possible. */
#ifndef FETCH_SCHEDULE_H
#define FETCH_SCHEDULE_H

#include "run.h"

/* Start with an empty schedule, according to the options of the run. start makes the coroutine
 * of an attempt; give_up prints the result of a job whose origin is given up (--host-failures),
 * and frees it. */
void schedule_init(struct run *f, async_co (*start)(struct job *j), void (*give_up)(struct job *j));

/* Put a job into the queue of its origin. It counts for the look-ahead until its attempt starts.
 * Returns 0; -ENOMEM, and then it is in no queue. */
int schedule_job(struct job *j);

/* Put a job whose attempt has failed into the queue of its origin after so many seconds. The
 * attempt still occupies its slot, until schedule_leave(). */
void schedule_retry(struct job *j, double seconds);

/* The attempt of j has its response, or has failed: another request may be sent to its origin. If
 * the origin is given up now, its waiting jobs are, too. status is 0 if there was no response. */
void schedule_end(struct job *j, const struct failure *failure, int status);

/* Is the origin of the job given up? */
bool schedule_is_given_up(const struct job *j);

/* The task of an attempt ends, and leaves its slot. The job may be freed already. */
void schedule_leave(struct run *f);

/* Take a job that is being freed out of the schedule, wherever it waits. */
void schedule_remove(struct job *j);

/* Start what can be started. To be called after a line of --keep-order has moved. */
void schedule_run(struct run *f);

/* If the response requests a pause (Retry-After), pause its origin, which after redirects is not
 * the one of the job. Returns the seconds, or 0. */
double schedule_pause(struct run *f, const async_http_response *response);

/* Wait until a slot is free that no job at hand can use, and there is room in the look-ahead.
 * Returns 0 or -ECANCELED. */
int await_demand(struct run *f) ASYNC_CHECK;

#endif
