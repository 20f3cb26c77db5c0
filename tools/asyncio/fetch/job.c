/* SPDX-License-Identifier: MIT */
/* job.c - a job: attempts, the delays between them, and the result. */
#include "job.h"

#include "attempt.h"
#include "http_syntax.h"
#include "job_result.h"
#include "pacing.h"
#include "retry.h"
#include "stop.h"

#include <asyncio/task.h>

#include <stdlib.h>

/* ---- making and freeing a job ---- */

struct job *job_new(struct run *f, struct request *request)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->run = f;
    j->request = *request;
    *request = (struct request){ 0 };
    j->start = async_time();
    const char *method = j->request.method ? j->request.method : f->o.method;
    j->method = method ? method : j->request.body || f->data ? "POST" : "GET";
    j->next = f->jobs;
    if (j->next)
        j->next->prev = j;
    f->jobs = j;
    return j;
}

static void job_free(struct job *j)
{
    if (j->prev)
        j->prev->next = j->next;
    else
        j->run->jobs = j->next;
    if (j->next)
        j->next->prev = j->prev;
    request_free(&j->request);
    free(j);
}

void job_skip(struct job *j, enum failure_kind kind)
{
    struct result r;
    result_init(&r, &j->request);
    if (kind != FAILURE_NONE && r.failure.kind == FAILURE_NONE)
        r.failure = (struct failure){ .kind = kind, .message = stop_message(j->run) };
    put_result(j, &r);
    job_free(j);
}

void skip_remaining_jobs(struct run *f)
{
    while (f->jobs)
        job_skip(f->jobs, FAILURE_CANCELLED);
}

/* ---- attempts ---- */

/* Wait for the job's turn, and make one attempt. Returns 0, also if the attempt fails; -ECANCELED
 * if it was not made. */
static int await_attempt_in_turn(struct job *j, struct result *r, struct attempt *a)
{
    struct run *f = j->run;
    ASYNC_TRY(await_turn(j));
    if (!r->attempts++)
        r->t.queued = async_time() - j->start;
    f->display.active++;
    await_attempt(j, a);
    f->display.active--;
    end_turn(j);
    return 0;
}

/* Is another attempt to be made? The request is examined as it was sent, with the headers of
 * --header. */
static bool is_retry_wanted(struct job *j, const struct result *r, const struct attempt *a)
{
    struct options *o = &j->run->o;
    const struct request *rq = &j->request;
    struct retry_policy policy = { o->retries, o->retry_unsafe };
    struct attempt_outcome outcome = {
        .method = j->method,
        .idempotency_key = header_find(rq->headers, rq->header_count, "Idempotency-Key") ||
                           header_find(o->headers, o->header_count, "Idempotency-Key"),
        .status = a->response ? a->response->status : 0,
        .failure = a->failure.kind,
        .temporary = a->failure.temporary,
        .number = r->attempts,
    };
    return retry_wanted(&policy, &outcome) && j->run->stop == STOP_NONE;
}

static uint64_t splitmix64(void *ctx)
{
    uint64_t *state = ctx, z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Wait before the next attempt, at least as long as the server requests. */
static int await_retry_delay(struct job *j, const struct result *r, const struct attempt *a,
                             double requested)
{
    struct run *f = j->run;
    double seconds = retry_backoff(r->attempts, splitmix64, &f->random);
    seconds = seconds > requested ? seconds : requested;
    if (f->o.verbose)
        display_message(&f->display, "request %llu: attempt %ld failed: %s; next one in %.2f s",
                        (unsigned long long)j->request.index, r->attempts, a->failure.message,
                        seconds);
    f->display.retrying++;
    int e = await_sleep(seconds);
    f->display.retrying--;
    return e;
}

/* Make attempts until one is final. Its outcome is in a. */
static void await_attempts(struct job *j, struct result *r, struct attempt *a)
{
    for (;;) {
        int e = await_attempt_in_turn(j, r, a);
        bool failed = e == 0 && a->failure.kind != FAILURE_NONE;
        double requested = failed ? pause_origin(j->run, a->response) : 0;
        if (e == 0 && !is_retry_wanted(j, r, a))
            return;
        if (e == 0)
            e = await_retry_delay(j, r, a, requested);
        if (e < 0) {
            attempt_cancelled(j, a);
            return;
        }
        attempt_drop(a);
    }
}

/* Does this error of a file mean that the next files fail, too? */
static bool ends_run(int error)
{
    return error == -ENOSPC || error == -EDQUOT || error == -EROFS || error == -EIO;
}

/* The result is printed and counted before anything else can fail or suspend, so that no result is
 * lost when the run is cancelled. */
ASYNC_DEF(run_job, (struct job *)j)
{
    struct run *f = j->run;
    struct result r;
    struct attempt a = { 0 };
    struct result_lists lists = { 0 };
    result_init(&r, &j->request);
    if (job_hold_origin(j) == 0)
        await_attempts(j, &r, &a);
    else
        attempt_out_of_memory(&a);
    result_from_attempt(j, &a, &r, &lists);
    int error = a.failure.kind == FAILURE_LOCAL ? a.error : 0;
    job_release_origin(j);
    put_result(j, &r);
    job_free(j);
    if (ends_run(error))
        run_fail(f, error, "cannot write a body");
    result_lists_free(&lists);
    attempt_drop(&a);
    async_ignore(
            await_output_room(&f->out)); /* if it is cancelled, the line is there all the same */
    async_semaphore_release(&f->job_permits);
    return 0;
}

async_co job_task(struct job *j)
{
    return run_job(j);
}
