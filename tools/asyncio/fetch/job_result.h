/* SPDX-License-Identifier: MIT */
/* job_result.h - what a job leaves: its result line and its place in the statistics. */
#ifndef FETCH_JOB_RESULT_H
#define FETCH_JOB_RESULT_H

#include "attempt.h"
#include "result.h"

/* The arrays of a result that have no other owner; zeroed, there are none. */
struct result_lists {
    struct result_redirect *redirects;
    struct result_header *headers;
};
void result_lists_free(struct result_lists *l);

/* Fill a result from the last attempt. It refers to the attempt and to the lists. */
void result_from_attempt(const struct job *j, const struct attempt *a, struct result *r,
                         struct result_lists *l);

/* Print the result line, in its turn with --keep-order, and count it. */
void put_result(struct job *j, struct result *r);

/* Print nothing for the request with this index, because it has its result already. */
void skip_result(struct run *f, uint64_t index);

/* With --keep-order, print the lines that wait for one that will never come. */
void put_remaining_lines(struct run *f);

#endif
