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
    uint64_t offset; /* where the requested range begins, or 0 */
    char range[40];  /* the value of the header Range */
    bool recorded;   /* the journal has the unfinished file */
    bool complete;   /* the file was complete before, and the range is empty */
};

/* Make the attempt. a is zeroed before, and describes a response or a failure afterwards, also if
 * the task is cancelled. */
void await_attempt(struct job *j, struct attempt *a);
void attempt_drop(struct attempt *a);

/* Make the name of the file for the body of a request, which --output-dir needs. */
void request_file_name(const struct request *request, char ret[FILE_NAME_MAX + 1]);

/* Is the body of the job taken as it is sent, without decompressing it? */
bool takes_body_as_sent(const struct job *j);

/* Is the status of the response a success? */
bool is_ok_status(const struct job *j, const struct attempt *a);

/* ---- attempt_failure.c ---- */

/* Record that the attempt has failed: with an errno value or 0, and a message; with the error of
 * the HTTP client; for lack of memory; or because the job was cancelled. */
void attempt_fail(struct attempt *a, enum failure_kind kind, int error, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
void attempt_fail_http(struct job *j, struct attempt *a, int code);
void attempt_out_of_memory(struct attempt *a);
void attempt_cancelled(const struct job *j, struct attempt *a);

/* ---- attempt_body.c ---- */

/* If the file was begun before, open it and set a->offset. */
void attempt_continue_file(struct job *j, struct attempt *a);

/* How a server has answered the request for the rest of a file. */
enum range_answer {
    RANGE_GIVEN,   /* with the rest */
    RANGE_EMPTY,   /* there is no rest, because the file is complete */
    RANGE_IGNORED, /* with the whole body, for example because it has changed */
    RANGE_WRONG,   /* with another range, or none; the request must be repeated without */
    RANGE_FAILED,  /* with an error */
};
enum range_answer attempt_range_answer(const struct attempt *a);

/* Receive the body of a stream. */
void await_attempt_body(struct job *j, struct attempt *a);

/* If the attempt has succeeded, complete its file. */
void attempt_end_file(struct job *j, struct attempt *a);

/* Leave the unfinished file for the next attempt or run. Without this, attempt_drop() removes
 * it. */
void attempt_keep_file(struct attempt *a);

#endif
