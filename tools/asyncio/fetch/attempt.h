/* SPDX-License-Identifier: MIT */
/* attempt.h - one attempt at a request: what it received, and what went wrong. */
#ifndef FETCH_ATTEMPT_H
#define FETCH_ATTEMPT_H

#include "body_file.h"
#include "failure.h"
#include "run.h"
#include "sha256.h"

/* Everything in it is valid until attempt_drop(). */
struct attempt {
    async_http_response *response; /* also a failed one; NULL if there is none */
    struct failure failure;
    int error; /* the errno value of the failure, or 0 */
    char message[FILE_NAME_MAX + 100];
    bool hashed, stored;
    struct sha256 hash;
    char sha256[SHA256_HEX_SIZE];
    struct body_file file;
};

/* Make the attempt. a is zeroed before, and describes a response or a failure afterwards, also if
 * the task is cancelled. */
void await_attempt(struct job *j, struct attempt *a);
void attempt_drop(struct attempt *a);

/* Make the name of the file for the body of a request, which --output-dir needs. */
void job_file_name(const struct job *j, char ret[FILE_NAME_MAX + 1]);

/* Record that the attempt has failed for lack of memory, or because the job was cancelled. */
void attempt_out_of_memory(struct attempt *a);
void attempt_cancelled(const struct job *j, struct attempt *a);

#endif
