/* SPDX-License-Identifier: MIT */
/* resume.h - what a run takes over from earlier runs, by --resume and --skip-existing, and what it
 * records for later ones. */
#ifndef FETCH_RESUME_H
#define FETCH_RESUME_H

#include "attempt.h"

/* Open the journal, if there is to be one. Prints a message if that fails. Returns 0 or a negative
 * errno. */
int resume_open(struct run *f);

/* Has the request a final result line from an earlier run, so that it is to be skipped? */
bool resume_has_result(struct run *f, const struct request *request);

/* If the file of a job is complete already, print the job's result, free it and return true:
 * --skip-existing, or an earlier run was killed between completing the file and printing the
 * line. */
bool resume_complete_file(struct job *j);

/* If an earlier run has begun the file of the job, prepare to continue it. */
void resume_part(struct job *j);

/* Without a journal, remove the unfinished file of a job that is not attempted again. */
void discard_part(struct job *j);

/* Record that the file of an attempt can be continued if the body breaks off. a->validator is
 * set. */
void record_part(struct job *j, struct attempt *a);

/* Record that the file of an attempt is about to be complete. */
void record_file(struct job *j, struct attempt *a);

/* Write the records of result lines that have been written. For struct output. */
void on_lines_written(void *arg, struct text *records);

/* Make the coroutine that has the output and the journal on the disk. For struct output. */
async_co sync_journal(void *run);

#endif
