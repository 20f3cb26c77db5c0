/* SPDX-License-Identifier: MIT */
/* run.h - the state of one run of `asyncio fetch`, which these files share. None calls a file that
 * is listed before it:
 *
 *   fetch.c       set up, run and end a run; the exit status
 *   producer.c    the task that reads the input and starts a job for each request
 *   job.c         a job: one request from its start to its result line, with all attempts
 *   pacing.c      when an attempt may start: pauses, the limit of the origin, the rate
 *   attempt.c     one attempt: the request, its body, and what went wrong
 *   job_result.c  the result line of a job, and its place in the statistics
 *   stop.c        ending a run early
 *   display.c     progress bar, messages and summary on standard error
 *   output.c      result lines on standard output
 *
 * The producer acquires one of --jobs permits before it reads a request, and the job that it
 * starts releases it. So there are never more jobs, stacks and bodies than permits, however long
 * the input is. */
#ifndef FETCH_RUN_H
#define FETCH_RUN_H

#include "display.h"
#include "input.h"
#include "keep_order.h"
#include "options.h"
#include "origins.h"
#include "output.h"
#include "rate_limit.h"
#include "request.h"
#include "stats.h"

#include <asyncio/group.h>
#include <asyncio/http.h>
#include <asyncio/loop.h>
#include <asyncio/sync.h>

enum stop_reason { STOP_NONE, STOP_SIGNAL, STOP_FAILURES, STOP_DEADLINE, STOP_ERROR };

struct job {
    struct job *next, *prev; /* in the list of jobs that have no result yet */
    struct run *run;
    struct request request;
    const char *method;
    double start;
    struct origin *origin; /* held, while the job runs */
};

struct run {
    struct options o;
    async_http_session *session;
    const char **headers; /* of --header: names and values in turn, ended by NULL */
    char *data;           /* of --data or --json, or NULL */
    size_t data_len;
    int dir; /* of --output-dir, or -1 */

    async_group *group; /* of the producer and the jobs; NULL when they have ended */
    async_task *producer;
    struct input input;
    int input_fd;
    bool has_permit; /* the producer holds one of job_permits */

    async_semaphore job_permits;
    struct rate_limit rate;
    struct origins origins;
    struct order order;
    async_event order_moved; /* set when a line has left `order` */
    uint64_t random;         /* state of the generator for retry delays */
    struct job *jobs;        /* the jobs that have no result yet */

    struct output out;
    struct stats stats;
    struct display display;

    enum stop_reason stop;
    int signal; /* SIGINT or SIGTERM, if it stopped the run */
    async_callback drain, deadline;
    uint64_t failures;
    bool bad_input, local_error;
};

/* Return the time of the monotonic clock in nanoseconds. */
static inline int64_t monotonic_ns(void)
{
    return (int64_t)(async_time() * 1e9);
}

#endif
