/* SPDX-License-Identifier: MIT */
/* fetch.h - what the files of the driver of `asyncio fetch` share. Who is who:
 *
 *   run      the whole of it: one HTTP session, one group of tasks
 *   feed     a task that reads the input and starts a job for each line (producer.c)
 *   job      one line: a task from its start to its result line, with all attempts (job.c)
 *   answer   what one attempt came to (attempt.c)
 *   meter    bar, summary and messages on standard error (display.c)
 *
 * The feed takes a place (one of --jobs) before it reads a line, and the job that it starts gives it
 * back. So there are never more jobs, stacks and bodies than places, however long the input is. */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

#include "input.h"
#include "options.h"
#include "keep_order.h"
#include "origins.h"
#include "progress_bar.h"
#include "rate_limit.h"
#include "result.h"
#include "sha256.h"
#include "body_file.h"
#include "request.h"
#include "stats.h"
#include "output.h"

#include <asyncio/group.h>
#include <asyncio/http.h>
#include <asyncio/loop.h>
#include <asyncio/sync.h>

enum stop { STOP_NONE, STOP_SIGNAL, STOP_FAILURES, STOP_DEADLINE, STOP_LOCAL };

struct meter {
    async_callback timer;
    bool on, drawn, colour;
    double start;
    uint64_t active, retrying, total;
};

struct job {
    struct job *next, *prev; /* among those that have no result yet */
    struct run *run;
    struct request_spec spec;
    const char *method;
    double start;
    struct origin *origin; /* held */
};

struct run {
    struct options o;
    async_http_session *session;
    const char **headers; /* pairs, of --header */
    char *data;           /* of --data; or NULL */
    size_t data_len;
    int dir; /* of --output-dir; or -1 */

    async_group *group;
    async_task *feed;
    struct input input;
    bool holding; /* the feed has a place */
    int input_fd;

    async_semaphore places;
    struct rate rate;
    struct origins origins;
    struct order order;
    async_event ordered; /* the order has moved on */
    uint64_t random;
    struct job *jobs;

    struct writer out;
    struct stats stats;
    struct meter meter;

    enum stop stop;
    int signal; /* that stopped us */
    bool cut;   /* the jobs are cancelled, too */
    async_callback drain, deadline;
    uint64_t failures;
    bool bad_input, local_error;
};

/* `asyncio fetch`: an exit status. */
int fetch_main(int argc, char **argv);

/* No more input is read. Jobs that are under way get two seconds after a signal, else none. Again: nothing
 * more happens. */
void run_stop(struct run *f, enum stop why);
/* An error of this machine, not of a request: say it and stop. */
void run_fail(struct run *f, int error, const char *what);
int64_t fetch_ns(void); /* the monotonic clock */

/* The task. */
async_co feed(struct run *f);

/* Takes over the spec. NULL: no memory. */
struct job *job_new(struct run *f, struct request_spec *spec);
/* The task. */
async_co job(struct job *j);
/* Its line without any attempt, and the end of the job: the input cannot be done, was not asked for
 * (--dry-run), or the job was cancelled before its task ran. */
void job_skip(struct job *j, enum failure_kind kind);
/* A line of --keep-order whose turn it is: to the output, and *line is empty. */
void put_ready_line(struct run *f, struct text *line);

/* One attempt: everything in it lives until answer_drop(). */
struct answer {
    async_http_response *page; /* also of a failed one; or NULL */
    struct failure failure;
    int error; /* the errno of that, or 0 */
    char message[SINK_NAME_MAX + 100];
    bool hashed, stored;
    struct sha256 hash;
    char sha256[65];
    struct sink sink;
};
/* Fills a, whatever happens. Suspends. */
void await_answer(struct job *j, struct answer *a);
void answer_drop(struct answer *a);
/* The sentence for a job that was cancelled. */
const char *stop_text(const struct run *f);

void meter_start(struct run *f);
void meter_stop(struct run *f); /* removes the bar */
void meter_hide(struct run *f); /* until it is drawn again */
void meter_summary(struct run *f);
/* A line. */
void meter_say(struct run *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
