/* SPDX-License-Identifier: MIT */
/* job.c - a job: its attempts, whether there is another one, and its result. */
#include "job.h"

#include "attempt.h"
#include "http_syntax.h"
#include "job_result.h"
#include "resume.h"
#include "retry.h"
#include "schedule.h"
#include "stop.h"

#include <asyncio/task.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- making and freeing a job ---- */

/* Return how many bytes of memory a job needs, about. */
static size_t job_size(const struct job *j)
{
    const struct request *rq = &j->request;
    size_t size = sizeof *j + (rq->url ? strlen(rq->url) : 0) + rq->body_len;
    for (size_t i = 0; i < rq->header_count; i++)
        size += sizeof *rq->headers + strlen(rq->headers[i]);
    return size;
}

const char *request_method(const struct run *f, const struct request *rq)
{
    const char *method = rq->method ? rq->method : f->o.method;
    return method ? method : rq->body || f->data ? "POST" : "GET";
}

struct job *job_new(struct run *f, struct request *request)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->run = f;
    j->request = *request;
    *request = (struct request){ 0 };
    j->size = job_size(j);
    j->start = async_time();
    j->waited = -1;
    j->method = request_method(f, &j->request);
    if (f->journal.fd >= 0 && !j->request.error[0])
        j->key = journal_key(j->method, j->request.url);
    j->prev = f->last_job;
    if (j->prev)
        j->prev->next = j;
    else
        f->jobs = j;
    f->last_job = j;
    return j;
}

void job_free(struct job *j)
{
    struct run *f = j->run;
    schedule_remove(j);
    if (j->prev)
        j->prev->next = j->next;
    else
        f->jobs = j->next;
    if (j->next)
        j->next->prev = j->prev;
    else
        f->last_job = j->prev;
    if (!f->jobs)
        async_event_set(&f->no_jobs);
    request_free(&j->request);
    free(j->validator);
    free(j);
}

static void start_result(const struct job *j, struct result *r)
{
    result_init(r, &j->request);
    r->attempts = j->attempts;
    r->t.queued = j->waited;
}

void job_skip(struct job *j, enum failure_kind kind)
{
    struct result r;
    start_result(j, &r);
    const char *message = kind == FAILURE_LOCAL ? "out of memory" : stop_message(j->run);
    if (kind != FAILURE_NONE && r.failure.kind == FAILURE_NONE)
        r.failure = (struct failure){ .kind = kind, .message = message };
    discard_part(j);
    put_result(j, &r);
    job_free(j);
}

void job_give_up(struct job *j)
{
    struct result r;
    char message[100];
    snprintf(message, sizeof message,
             "given up: %ld attempts in a row have had no response from this host",
             j->origin->schedule.failures);
    start_result(j, &r);
    r.failure = (struct failure){ .kind = FAILURE_CONNECT, .message = message };
    discard_part(j);
    put_result(j, &r);
    job_free(j);
}

void skip_remaining_jobs(struct run *f)
{
    while (f->jobs)
        job_skip(f->jobs, FAILURE_CANCELLED);
}

/* ---- attempts ---- */

enum { FREE_RETRIES = 10 }; /* not counted by --retry-budget, so that short runs have some */

static bool has_budget(struct run *f)
{
    if (!f->o.retry_budget)
        return true;
    return (double)f->retries < FREE_RETRIES + (double)f->begun * (double)f->o.retry_budget / 100;
}

/* Is another attempt to be made? The request is examined as it was sent, with the headers of
 * --header. */
static bool is_retry_wanted(struct job *j, const struct attempt *a)
{
    struct options *o = &j->run->o;
    const struct request *rq = &j->request;
    struct retry_policy policy = { rq->retries >= 0 ? rq->retries : o->retries, o->retry_unsafe,
                                   &o->retry_on };
    struct attempt_outcome outcome = {
        .method = j->method,
        .idempotency_key = header_find(rq->headers, rq->header_count, "Idempotency-Key") ||
                           header_find(o->headers, o->header_count, "Idempotency-Key"),
        .status = a->response ? a->response->status : 0,
        .failure = a->failure.kind,
        .temporary = a->failure.temporary,
        .number = j->attempts,
    };
    return retry_wanted(&policy, &outcome) && j->run->stop == STOP_NONE && has_budget(j->run) &&
           !schedule_is_given_up(j);
}

static uint64_t splitmix64(void *ctx)
{
    uint64_t *state = ctx, z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Schedule the next attempt, not before the server's wish. */
static void retry_job(struct job *j, const struct attempt *a, double requested)
{
    struct run *f = j->run;
    double seconds = retry_backoff(j->attempts, splitmix64, &f->random);
    seconds = seconds > requested ? seconds : requested;
    if (f->o.verbose)
        display_message(&f->display, "request %llu: attempt %ld failed: %s; next one in %.2f s",
                        (unsigned long long)j->request.index, j->attempts, a->failure.message,
                        seconds);
    f->retries++;
    schedule_retry(j, seconds);
}

/* Does this error of a file mean that the next files fail, too? */
static bool ends_run(int error)
{
    return error == -ENOSPC || error == -EDQUOT || error == -EROFS || error == -EIO;
}

/* Print the result of the last attempt, and free the job. The body waits here until the lines
 * before it are written, rather than in a line, which may be larger. If the job is cancelled
 * meanwhile, its line is put all the same, so that no result is lost when the run is stopped. */
static void await_job_end(struct job *j, struct attempt *a)
{
    struct run *f = j->run;
    struct result r;
    struct result_lists lists = { 0 };
    int error = a->failure.kind == FAILURE_LOCAL ? a->error : 0;
    start_result(j, &r);
    result_from_attempt(j, a, &r, &lists);
    r.t.total = async_time() - j->start;
    async_ignore(await_output_room(&f->out));
    put_result(j, &r);
    job_free(j);
    if (ends_run(error))
        run_fail(f, error, "cannot write a body");
    result_lists_free(&lists);
}

/* Is the unfinished file left, to be continued by the next attempt, or with the journal by the next
 * run? */
static bool keeps_file(const struct job *j, const struct attempt *a, bool again)
{
    enum failure_kind kind = a->failure.kind;
    bool broken_off = kind == FAILURE_TIMEOUT || kind == FAILURE_RESET || kind == FAILURE_CONNECT ||
                      kind == FAILURE_DNS || kind == FAILURE_CANCELLED;
    return j->validator && (again || (broken_off && j->run->journal.fd >= 0));
}

ASYNC_DEF(run_attempt, (struct job *)j)
{
    struct run *f = j->run;
    struct attempt a = { 0 };
    if (!j->attempts++)
        j->waited = async_time() - j->start;
    f->begun += j->attempts == 1;
    f->display.active++;
    await_attempt(j, &a);
    f->display.active--;
    schedule_end(j, &a.failure, a.response ? a.response->status : 0);
    double requested = a.failure.kind == FAILURE_NONE ? 0 : schedule_pause(f, a.response);
    bool again = is_retry_wanted(j, &a);
    if (keeps_file(j, &a, again))
        attempt_keep_file(&a);
    if (again)
        retry_job(j, &a, requested);
    else
        await_job_end(j, &a);
    attempt_drop(&a);
    schedule_leave(f);
    return 0;
}

async_co attempt_task(struct job *j)
{
    return run_attempt(j);
}
