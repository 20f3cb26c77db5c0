/* SPDX-License-Identifier: MIT */
/* job.h - a job: one request from its line of input to its result line. */
#ifndef FETCH_JOB_H
#define FETCH_JOB_H

#include "run.h"

/* Make a job and move the request into it. Returns NULL if there is no memory. */
struct job *job_new(struct run *f, struct request *request);

/* Free a job that has its result. */
void job_free(struct job *j);

/* Return the method of a request. */
const char *request_method(const struct run *f, const struct request *request);

/* Make the coroutine of one attempt. It prints the result and frees the job, or schedules the next
 * attempt. */
async_co attempt_task(struct job *j);

/* Print the result of a job without an attempt, or after those that were made, and free the job:
 * its input is wrong, this is a dry run, or the run was stopped. The result has the failure of the
 * request, if it has one, otherwise this one. */
void job_skip(struct job *j, enum failure_kind kind);

/* Print the result of a job whose origin is given up, and free it. */
void job_give_up(struct job *j);

/* Skip all jobs that have no result yet, in the order in which they were read. */
void skip_remaining_jobs(struct run *f);

#endif
