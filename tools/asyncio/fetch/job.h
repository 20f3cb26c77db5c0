/* SPDX-License-Identifier: MIT */
/* job.h - a job: one request from its start to its result line. */
#ifndef FETCH_JOB_H
#define FETCH_JOB_H

#include "run.h"

/* Make a job and move the request into it. Returns NULL if there is no memory. */
struct job *job_new(struct run *f, struct request *request);

/* Make the coroutine that runs the job, prints its result, frees it and releases its permit. */
async_co job_task(struct job *j);

/* Print the result of a job that is never attempted, and free the job: its input is wrong, this is
 * a dry run, or it was cancelled before its task ran. The result has the failure of the request,
 * if it has one, otherwise this one. */
void job_skip(struct job *j, enum failure_kind kind);

/* Cancel the jobs whose tasks never ran. */
void skip_remaining_jobs(struct run *f);

#endif
