/* SPDX-License-Identifier: MIT */
/* attempt_body.c - receive the body of a response that is a stream: into a file, which may have
 * been begun by an earlier attempt or run, or into nothing. */
#include "attempt.h"

#include "resume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    STREAM_CHUNK = 32 * 1024,  /* bytes to read at a time */
    DISCARD_MAX = 64 * 1024,   /* bytes to read of a body that is not wanted, at most */
    RECORDED_PART = 64 * 1024, /* bytes; an unfinished file that is smaller is not continued */
    STRONG_DATE_SECONDS = 60   /* a Last-Modified that much older than Date is a validator */
};

static int fail_file(struct attempt *a, int error)
{
    attempt_fail(a, FAILURE_LOCAL, error, "%s: %s", a->file.name,
                 error == -EEXIST ? "file exists; use --overwrite to replace it"
                                  : strerror(-error));
    return error;
}

static int begin_file(struct job *j, struct attempt *a)
{
    char name[FILE_NAME_MAX + 1];
    request_file_name(&j->request, name);
    int r = body_file_begin(&a->file, j->run->dir, name, j->run->o.overwrite);
    return r < 0 ? fail_file(a, r) : 0;
}

/* ---- files that are continued ---- */

void attempt_continue_file(struct job *j, struct attempt *a)
{
    char name[FILE_NAME_MAX + 1];
    if (j->run->dir < 0 || !j->validator)
        return;
    request_file_name(&j->request, name);
    if (body_file_continue(&a->file, j->run->dir, name, j->run->o.overwrite) < 0)
        return;
    a->offset = a->file.written;
    if (!a->offset)
        body_file_abort(&a->file);
}

/* Has the response a Content-Encoding that was or will be undone? Then bytes of the file are not
 * bytes of what the server sends. */
static bool is_decoded(const struct job *j, const async_http_response *p)
{
    return async_http_header(p, "Content-Encoding") && !takes_body_as_sent(j);
}

/* Parse a date of HTTP. Returns -1 if it is none. */
static time_t parse_date(const char *s)
{
    struct tm tm = { 0 };
    if (!s || !strptime(s, "%a, %d %b %Y %H:%M:%S GMT", &tm))
        return -1;
    return timegm(&tm);
}

/* Return what If-Range may contain for this response: a strong ETag, or a date of change before
 * which the server has certainly not sent something else (RFC 9110, 8.8.2.2). NULL if there is
 * none. */
static const char *strong_validator(const async_http_response *p)
{
    const char *tag = async_http_header(p, "ETag");
    const char *changed = async_http_header(p, "Last-Modified");
    if (tag && *tag == '"')
        return tag;
    time_t at = parse_date(changed), now = parse_date(async_http_header(p, "Date"));
    return at >= 0 && now >= 0 && now - at >= STRONG_DATE_SECONDS ? changed : NULL;
}

/* Remember with which validator this body can be continued, if it breaks off. */
static void set_validator(struct job *j, const async_http_response *p)
{
    const char *v = strcmp(j->method, "GET") == 0 && p->status == 200 && !is_decoded(j, p)
                            ? strong_validator(p)
                            : NULL;
    free(j->validator);
    j->validator = v ? strdup(v) : NULL;
}

/* Add what the file contains already to the digest. */
static int hash_file(struct attempt *a)
{
    char *chunk = malloc(STREAM_CHUNK);
    uint64_t at = 0;
    ssize_t n = chunk ? 1 : -1;
    while (n > 0 && (n = pread(a->file.fd, chunk, STREAM_CHUNK, (off_t)at)) > 0) {
        sha256_add(&a->hash, chunk, (size_t)n);
        at += (uint64_t)n;
    }
    free(chunk);
    return n < 0 || at != a->offset ? fail_file(a, -EIO) : 0;
}

enum range_answer attempt_range_answer(const struct attempt *a)
{
    const async_http_response *p = a->response;
    const char *range = async_http_header(p, "Content-Range");
    unsigned long long from = 0;
    if (p->status == 416)
        return range && sscanf(range, "bytes */%llu", &from) == 1 && from == a->offset
                       ? RANGE_EMPTY
                       : RANGE_WRONG;
    if (p->status != 206)
        return p->status < 400 ? RANGE_IGNORED : RANGE_FAILED;
    bool fits = range && sscanf(range, "bytes %llu-", &from) == 1 && from == a->offset;
    return fits ? RANGE_GIVEN : RANGE_WRONG;
}

/* Get the file ready for the body: continued, made empty again, or begun. */
static int prepare_file(struct job *j, struct attempt *a)
{
    enum range_answer answer = a->offset ? attempt_range_answer(a) : RANGE_IGNORED;
    if (answer == RANGE_GIVEN || answer == RANGE_EMPTY)
        return a->hashed ? hash_file(a) : 0;
    a->offset = 0;
    set_validator(j, a->response);
    if (!a->file.open)
        return begin_file(j, a);
    int r = body_file_restart(&a->file);
    return r < 0 ? fail_file(a, r) : 0;
}

/* ---- bodies ---- */

/* Add a piece of the body to the digest and to the file. */
static int keep_piece(struct job *j, struct attempt *a, const char *piece, size_t n)
{
    if (a->hashed)
        sha256_add(&a->hash, piece, n);
    int r = a->file.open ? body_file_write(&a->file, piece, n) : 0;
    if (r < 0)
        return fail_file(a, r);
    if (j->validator && !a->recorded && a->file.written >= RECORDED_PART) {
        a->recorded = true;
        record_part(j, a);
    }
    return 0;
}

/* Read the body in pieces. If it is not wanted (keep), it is read only so that the connection
 * can be used again, and not beyond DISCARD_MAX. */
static void await_body(struct job *j, struct attempt *a, bool keep)
{
    char *chunk = malloc(STREAM_CHUNK);
    uint64_t total = 0;
    ssize_t n = chunk ? 1 : -ENOMEM;
    while (n > 0 && (keep || total < DISCARD_MAX) &&
           (n = await_http_read(a->response, chunk, STREAM_CHUNK)) > 0) {
        total += (uint64_t)n;
        if (keep && keep_piece(j, a, chunk, (size_t)n) < 0)
            break;
    }
    free(chunk);
    if (n < 0 && keep)
        attempt_fail_http(j, a, (int)n);
}

void await_attempt_body(struct job *j, struct attempt *a)
{
    bool empty = a->offset && attempt_range_answer(a) == RANGE_EMPTY;
    a->complete = empty;
    bool good = is_ok_status(j, a);
    if (good && j->run->dir >= 0 && prepare_file(j, a) < 0)
        return;
    await_body(j, a, good && !empty);
}

void attempt_end_file(struct job *j, struct attempt *a)
{
    if (!a->file.open || a->failure.kind != FAILURE_NONE)
        return;
    record_file(j, a);
    int r = body_file_commit(&a->file, j->run->o.fsync);
    if (r < 0)
        fail_file(a, r);
    a->stored = r == 0;
}

void attempt_keep_file(struct attempt *a)
{
    if (a->file.open && a->file.written)
        body_file_keep(&a->file);
}
