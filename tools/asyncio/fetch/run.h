/* SPDX-License-Identifier: MIT */
/* run.h - the state of one run of `asyncio fetch`, which these files share. None calls a file that
 * is listed before it:
 *
 *   fetch.c       set up, run and end a run; the exit status
 *   producer.c    the task that reads the input and makes a job for each request
 *   job.c         a job: one request from its line of input to its result line
 *   schedule.c    which job starts an attempt next, and when
 *   attempt.c     one attempt: the request, and its response
 *   attempt_body.c, attempt_failure.c  its body, and what went wrong
 *   resume.c      what is taken over from earlier runs, and recorded for later ones
 *   job_result.c  the result line of a job, and its place in the statistics
 *   stop.c        ending a run early
 *   display.c     progress bar, messages and summary on standard error
 *   output.c      result lines on standard output
 *
 * A job is made when its request is read. It waits in the queue of its origin, without a task,
 * until it may start an attempt, which is a task and occupies one of --jobs slots. When the attempt
 * has failed and is to be repeated, the job waits for its delay, again without task and slot, and
 * then in the queue of its origin. So a slot is occupied only while a request is under way (and
 * while its result waits for the output): an origin that is slow, that is at --per-host, or that
 * has requested a pause, holds up only its own requests.
 *
 *   producer -> queue of the origin -> attempt (a slot) -> result line
 *                     ^                    |
 *                     +---- retry delay <--+
 *
 * The producer reads ahead only as far as needed: while a slot is free and no origin at hand can
 * use it. What it has read is bounded by a number of requests and of bytes (--look-ahead). Origins
 * that can start an attempt take turns, so input that is sorted by host is fetched like input that
 * is shuffled. The jobs of one origin start in the order of the input, and the first in the order
 * of the input also with --keep-order, when the memory for lines that wait is used up: only the job
 * whose line is printed next may then start.
 *
 * There are never more tasks, stacks and bodies than slots, however long the input is. Every
 * request that was read gets a result line. If the run is stopped, the jobs that wait get theirs at
 * its end, as cancelled. */
#ifndef FETCH_RUN_H
#define FETCH_RUN_H

#include "credentials.h"
#include "display.h"
#include "input.h"
#include "journal.h"
#include "keep_order.h"
#include "names.h"
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
    struct job *queued;      /* the next job in the queue of the origin */
    struct run *run;
    struct request request;
    const char *method;
    uint64_t key;          /* for the journal, or 0 */
    char *validator;       /* with which the unfinished file can be continued, or NULL */
    struct origin *origin; /* held, from the first time in its queue to the result */
    size_t size;           /* bytes of memory, as they count for the look-ahead */
    double start;          /* when the request was read */
    double waited;         /* seconds until the first attempt, or negative */
    long attempts;         /* how many attempts were begun */
    async_callback delay;  /* ends the retry delay */
    bool delayed;          /* `delay` is scheduled */
    bool in_queue;         /* it is in the queue of its origin */
};

/* State of schedule.c. */
struct schedule {
    struct origin *first, *last;  /* origins that can start an attempt now, in the order of turns */
    long active;                  /* slots that are occupied */
    size_t waiting, waiting_size; /* jobs without a slot, and their bytes */
    struct rate_limit rate;
    async_callback token;             /* when --rate allows the next attempt */
    bool armed;                       /* `token` is scheduled */
    async_co (*start)(struct job *j); /* makes the coroutine of an attempt */
    void (*give_up)(struct job *j);   /* prints the result of a job whose origin is given up */
    async_event demand;               /* set when the producer is to read a request */
};

struct run {
    struct options o;
    async_http_session *session;
    const char **headers; /* of --header: names and values in turn, ended by NULL */
    struct credentials credentials;
    char *data; /* of --data or --json, or NULL */
    size_t data_len;
    int dir;            /* of --output-dir, or -1 */
    struct names names; /* of files, as far as the input has given them */

    async_group *group; /* of the producer and the attempts; NULL when they have ended */
    async_task *producer;
    struct input input;
    int input_fd;

    struct schedule schedule;
    struct origins origins;
    struct journal journal;
    struct order order, order_records; /* lines and their records in the journal */
    async_event order_moved;           /* set when a line has left `order` */
    uint64_t random;                   /* state of the generator for retry delays */
    struct job *jobs, *last_job;       /* those that have no result yet, as in the input */
    async_event no_jobs;               /* set when there are none any more */

    struct output out;
    struct stats stats;
    struct display display;

    enum stop_reason stop;
    int signal; /* SIGINT or SIGTERM, if it stopped the run */
    async_callback drain, deadline;
    uint64_t failures;
    uint64_t begun, retries; /* first attempts, and further ones that were decided on */
    bool bad_input, local_error;
};

/* Return the time of the monotonic clock in nanoseconds. */
static inline int64_t monotonic_ns(void)
{
    return (int64_t)(async_time() * 1e9);
}

#endif
