/* SPDX-License-Identifier: MIT */
/* attempt.c - one attempt: send the request, and receive the response. */
#include "attempt.h"

#include "http_syntax.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void request_file_name(const struct request *rq, char ret[FILE_NAME_MAX + 1])
{
    if (rq->output)
        file_name_clean(ret, rq->output, strlen(rq->output));
    else
        file_name_from_url(ret, rq->index, rq->url);
}

/* Is the body to be taken as it is sent? The file of a compressed archive is: some servers send it
 * with a Content-Encoding, which describes what it contains and not how it was sent. */
bool takes_body_as_sent(const struct job *j)
{
    char name[FILE_NAME_MAX + 1];
    if (j->run->o.no_decompress || j->run->dir < 0)
        return j->run->o.no_decompress;
    request_file_name(&j->request, name);
    return file_name_is_compressed(name);
}

static double timeout_or_forever(double seconds)
{
    return seconds > 0 ? seconds : ASYNC_FOREVER;
}

static void free_header_pairs(const char **pairs)
{
    for (size_t i = 0; pairs && pairs[i]; i += 2)
        free((char *)pairs[i]);
    free(pairs);
}

enum { RANGE_HEADERS = 2 };

/* Make the list of headers for the HTTP client: names and values in turn, ended by NULL, with those
 * that request the rest of an unfinished file. NULL if there is no memory. */
static const char **make_header_pairs(const struct job *j, struct attempt *a)
{
    const struct request *s = &j->request;
    const char **pairs = calloc(2 * (s->header_count + RANGE_HEADERS) + 1, sizeof *pairs);
    size_t n = 0;
    bool complete = pairs != NULL;
    for (size_t i = 0; complete && i < s->header_count; i++, n += 2) {
        char *colon = strchr(s->headers[i], ':');
        pairs[n] = strndup(s->headers[i], (size_t)(colon - s->headers[i]));
        pairs[n + 1] = colon + 1 + strspn(colon + 1, " \t");
        complete = pairs[n];
    }
    if (complete && a->offset) {
        snprintf(a->range, sizeof a->range, "bytes=%llu-", (unsigned long long)a->offset);
        pairs[n] = strdup("Range");
        pairs[n + 1] = a->range;
        pairs[n + 2] = pairs[n] ? strdup("If-Range") : NULL;
        pairs[n + 3] = j->validator;
        complete = pairs[n] && pairs[n + 2];
    }
    if (complete)
        return pairs;
    free_header_pairs(pairs);
    return NULL;
}

/* Return the Content-Type that curl would send, NULL if the user has given one. */
static const char *default_content_type(const struct job *j)
{
    const struct options *o = &j->run->o;
    if (header_find(j->request.headers, j->request.header_count, "Content-Type") ||
        header_find(o->headers, o->header_count, "Content-Type"))
        return NULL;
    bool json = j->request.body ? j->request.body_json : o->json != NULL;
    return json ? "application/json" : "application/x-www-form-urlencoded";
}

static uint64_t job_max_body(const struct job *j)
{
    return j->request.max_body >= 0 ? (uint64_t)j->request.max_body : j->run->o.max_body;
}

/* Fill the options of one request from those of the run. A body of the input replaces that of
 * --data. */
static void fill_http_opts(struct job *j, struct attempt *a, struct async_http_opts *ret)
{
    const struct options *o = &j->run->o;
    const struct request *rq = &j->request;
    uint64_t max_body = job_max_body(j);
    *ret = (struct async_http_opts){
        .struct_size = sizeof *ret,
        .timeout = timeout_or_forever(rq->timeout >= 0 ? rq->timeout : o->timeout),
        .connect_timeout = timeout_or_forever(o->connect_timeout),
        .stall_timeout = timeout_or_forever(o->stall_timeout),
        .max_body = max_body > a->offset ? (size_t)(max_body - a->offset) : 1,
        .max_redirects = o->max_redirects ? (int)o->max_redirects : -1,
        .no_decompress = a->offset || takes_body_as_sent(j),
        .failed = &a->response,
    };
    ret->body = j->request.body ? j->request.body : j->run->data;
    ret->body_size = j->request.body ? j->request.body_len : j->run->data_len;
    credentials_apply(&j->run->credentials, j->request.url, ret);
    if (ret->body)
        ret->content_type = default_content_type(j);
}

static void check_digest(struct job *j, struct attempt *a)
{
    const char *wanted = j->request.sha256;
    if (!a->hashed || a->failure.kind != FAILURE_NONE)
        return;
    sha256_hex(&a->hash, a->sha256);
    if (*wanted && strcmp(wanted, a->sha256) != 0)
        attempt_fail(a, FAILURE_CHECKSUM, 0, "the SHA-256 of the body is %s", a->sha256);
}

bool is_ok_status(const struct job *j, const struct attempt *a)
{
    const struct status_set *ok = &j->run->o.ok_status;
    int status = a->response->status;
    if (a->complete || (status == 206 && a->offset)) /* a part of what was status 200 */
        return !ok->given || status_set_has(ok, 200);
    return ok->given ? status_set_has(ok, status) : status < 400;
}

static void check_status(const struct job *j, struct attempt *a)
{
    if (a->failure.kind == FAILURE_NONE && !is_ok_status(j, a))
        attempt_fail(a, FAILURE_HTTP, 0, "HTTP status %d%s%s", a->response->status,
                     *a->response->reason ? " " : "", a->response->reason);
}

/* Send the request. Returns 0 once there is a response: with its whole body, or for a stream with
 * its headers. A failure is recorded in a, and negative. */
static int await_response(struct job *j, struct attempt *a, bool stream)
{
    struct run *f = j->run;
    const struct request *rq = &j->request;
    struct async_http_opts opts;
    fill_http_opts(j, a, &opts);
    bool has_headers = rq->header_count || a->offset;
    const char **pairs = has_headers ? make_header_pairs(j, a) : NULL;
    opts.headers = pairs;
    /* A request without all of its headers must not be sent. */
    int r = has_headers && !pairs ? -ENOMEM : 0;
    if (r == 0 && a->hashed && !a->hash.ctx)
        r = sha256_init(&a->hash);
    if (r < 0) {
        free_header_pairs(pairs);
        attempt_out_of_memory(a);
        return r;
    }
    r = stream ? await_http_open_opt(f->session, j->method, rq->url, &opts, &a->response)
               : await_http_request_opt(f->session, j->method, rq->url, &opts, &a->response);
    free_header_pairs(pairs);
    if (r < 0)
        attempt_fail_http(j, a, r);
    return r;
}

/* Request the rest of an unfinished file, or else all of it. Returns as await_response(). */
static int await_response_to_continue(struct job *j, struct attempt *a, bool stream)
{
    attempt_continue_file(j, a);
    int r = await_response(j, a, stream);
    if (r < 0 || !a->offset || attempt_range_answer(a) != RANGE_WRONG)
        return r;
    async_http_response_free(a->response);
    a->response = NULL;
    a->offset = 0;
    r = body_file_restart(&a->file);
    if (r < 0)
        attempt_fail(a, FAILURE_LOCAL, r, "%s: %s", a->file.name, strerror(-r));
    return r < 0 ? r : await_response(j, a, stream);
}

void await_attempt(struct job *j, struct attempt *a)
{
    const struct run *f = j->run;
    bool stream = f->dir >= 0 || f->o.body == BODY_NONE;
    a->hashed = f->o.checksum == CHECKSUM_SHA256 || j->request.sha256[0];
    if (await_response_to_continue(j, a, stream) < 0)
        return;
    if (stream)
        await_attempt_body(j, a);
    else if (a->hashed)
        sha256_add(&a->hash, a->response->body, a->response->size);
    if (a->failure.kind == FAILURE_NONE && !job_max_body(j) && a->response->size)
        attempt_fail(a, FAILURE_TOO_LARGE, -ENOBUFS,
                     "the response has a body, and --max-body is 0");
    check_status(j, a);
    check_digest(j, a);
    attempt_end_file(j, a);
}

void attempt_drop(struct attempt *a)
{
    body_file_abort(&a->file);
    sha256_drop(&a->hash);
    async_http_response_free(a->response);
    *a = (struct attempt){ 0 };
}
