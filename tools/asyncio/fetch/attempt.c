/* SPDX-License-Identifier: MIT */
/* attempt.c - one attempt: send the request, receive its body into memory or into a file, and
 * describe what went wrong. */
#include "attempt.h"

#include "http_syntax.h"
#include "stop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STREAM_CHUNK = 32 * 1024, /* bytes to read at a time */
    DISCARD_MAX = 64 * 1024   /* bytes to read of a body that is not wanted, at most */
};

static void __attribute__((format(printf, 4, 5)))
fail_attempt(struct attempt *a, enum failure_kind kind, int error, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(a->message, sizeof a->message, fmt, ap);
    va_end(ap);
    a->error = error;
    a->failure = (struct failure){ .kind = kind,
                                   .message = a->message,
                                   .code = error ? failure_errno(error) : NULL };
}

void attempt_out_of_memory(struct attempt *a)
{
    fail_attempt(a, FAILURE_LOCAL, -ENOMEM, "out of memory");
}

void attempt_cancelled(const struct job *j, struct attempt *a)
{
    fail_attempt(a, FAILURE_CANCELLED, 0, "%s", stop_message(j->run));
}

/* ---- what went wrong ---- */

/* Map an error of the HTTP client to a kind. A wrong URL comes from the input, unless a server has
 * sent it in a redirect. */
static enum failure_kind http_failure_kind(enum async_http_error e, bool redirected)
{
    switch (e) {
    case ASYNC_HTTP_BAD_URL:
    case ASYNC_HTTP_SCHEME:
        return redirected ? FAILURE_REDIRECT : FAILURE_INPUT;
    case ASYNC_HTTP_BAD_REQUEST:
        return FAILURE_INPUT;
    case ASYNC_HTTP_FORBIDDEN:
    case ASYNC_HTTP_REDIRECTS:
        return FAILURE_REDIRECT;
    case ASYNC_HTTP_DNS:
        return FAILURE_DNS;
    case ASYNC_HTTP_CONNECT:
    case ASYNC_HTTP_PROXY:
        return FAILURE_CONNECT;
    case ASYNC_HTTP_TLS:
    case ASYNC_HTTP_CERTIFICATE:
        return FAILURE_TLS;
    case ASYNC_HTTP_TIMEOUT:
        return FAILURE_TIMEOUT;
    case ASYNC_HTTP_RESET:
        return FAILURE_RESET;
    case ASYNC_HTTP_TOO_LARGE:
        return FAILURE_TOO_LARGE;
    case ASYNC_HTTP_STATUS:
        return FAILURE_HTTP;
    case ASYNC_HTTP_CANCELED:
        return FAILURE_CANCELLED;
    case ASYNC_HTTP_OK:
    case ASYNC_HTTP_CLOSED:
    case ASYNC_HTTP_RESOURCES:
        return FAILURE_LOCAL;
    case ASYNC_HTTP_PROTOCOL:
        break;
    }
    return FAILURE_PROTOCOL;
}

/* Was a TLS handshake cut off, so that it may succeed the next time? libcurl has the same code for
 * a version that the server does not support. */
static bool is_cut_off(const char *text)
{
    return strcasestr(text, "SYSCALL") || strcasestr(text, "reset") ||
           strcasestr(text, "unexpected eof");
}

/* Describe the error of the HTTP client. */
static void fail_http(struct job *j, struct attempt *a, int code)
{
    async_http_response *p = a->response;
    if (code == -ECANCELED) {
        fail_attempt(a, FAILURE_CANCELLED, code, "%s", stop_message(j->run));
    } else if (!p || p->error == ASYNC_HTTP_OK) {
        const char *text = async_fail_text(code);
        fail_attempt(a, FAILURE_LOCAL, code, "%s", *text ? text : strerror(-code));
    } else {
        fail_attempt(a, http_failure_kind(p->error, p->redirect_count > 0), code, "%s",
                     *p->error_text ? p->error_text : strerror(-code));
        a->failure.temporary = a->failure.kind == FAILURE_TLS && p->error == ASYNC_HTTP_TLS &&
                               is_cut_off(p->error_text);
    }
}

/* ---- the request ---- */

void job_file_name(const struct job *j, char ret[FILE_NAME_MAX + 1])
{
    const struct request *rq = &j->request;
    if (rq->output)
        file_name_clean(ret, rq->output, strlen(rq->output));
    else
        file_name_from_url(ret, rq->index, rq->url);
}

/* Is the body to be taken as it is sent? The file of a compressed archive is: some servers send it
 * with a Content-Encoding, which describes what it contains and not how it was sent. */
static bool takes_body_as_sent(const struct job *j)
{
    char name[FILE_NAME_MAX + 1];
    if (j->run->o.no_decompress || j->run->dir < 0)
        return j->run->o.no_decompress;
    job_file_name(j, name);
    return file_name_is_compressed(name);
}

static double timeout_or_forever(double seconds)
{
    return seconds > 0 ? seconds : ASYNC_FOREVER;
}

/* Make the list of headers for the HTTP client: names and values in turn, ended by NULL. If there
 * is no memory for a name, the list ends there. */
static const char **make_header_pairs(const struct request *s)
{
    const char **pairs = calloc(2 * s->header_count + 1, sizeof *pairs);
    for (size_t i = 0; pairs && i < s->header_count; i++) {
        char *colon = strchr(s->headers[i], ':');
        pairs[2 * i] = strndup(s->headers[i], (size_t)(colon - s->headers[i]));
        pairs[2 * i + 1] = colon + 1 + strspn(colon + 1, " \t");
        if (!pairs[2 * i])
            return pairs;
    }
    return pairs;
}

static void free_header_pairs(const char **pairs)
{
    for (size_t i = 0; pairs && pairs[i]; i += 2)
        free((char *)pairs[i]);
    free(pairs);
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

/* Fill the options of one request from those of the run. A body of the input replaces that of
 * --data. */
static void fill_http_opts(struct job *j, struct attempt *a, struct async_http_opts *ret)
{
    const struct options *o = &j->run->o;
    *ret = (struct async_http_opts){
        .struct_size = sizeof *ret,
        .timeout = timeout_or_forever(o->timeout),
        .connect_timeout = timeout_or_forever(o->connect_timeout),
        .stall_timeout = timeout_or_forever(o->stall_timeout),
        .max_body = o->max_body ? (size_t)o->max_body : 1,
        .max_redirects = o->max_redirects ? (int)o->max_redirects : -1,
        .no_decompress = takes_body_as_sent(j),
        .failed = &a->response,
    };
    ret->body = j->request.body ? j->request.body : j->run->data;
    ret->body_size = j->request.body ? j->request.body_len : j->run->data_len;
    if (ret->body)
        ret->content_type = default_content_type(j);
}

/* ---- bodies ---- */

static int fail_file(struct attempt *a, int error)
{
    fail_attempt(a, FAILURE_LOCAL, error, "%s: %s", a->file.name,
                 error == -EEXIST ? "file exists; use --overwrite to replace it"
                                  : strerror(-error));
    return error;
}

static int begin_file(struct job *j, struct attempt *a)
{
    char name[FILE_NAME_MAX + 1];
    job_file_name(j, name);
    int r = body_file_begin(&a->file, j->run->dir, name, j->run->o.overwrite);
    return r < 0 ? fail_file(a, r) : 0;
}

/* Read the body in pieces. If it is wanted (keep), they go into the file and the digest. Otherwise
 * it is read only so that the connection can be used again, and not beyond DISCARD_MAX. */
static void await_body(struct job *j, struct attempt *a, bool keep)
{
    char *chunk = malloc(STREAM_CHUNK);
    uint64_t total = 0;
    ssize_t n = chunk ? 1 : -ENOMEM;
    while (n > 0 && (keep || total < DISCARD_MAX) &&
           (n = await_http_read(a->response, chunk, STREAM_CHUNK)) > 0) {
        total += (uint64_t)n;
        if (keep && a->hashed)
            sha256_add(&a->hash, chunk, (size_t)n);
        int r = keep && a->file.open ? body_file_write(&a->file, chunk, (size_t)n) : 0;
        if (r < 0) {
            fail_file(a, r);
            break;
        }
    }
    free(chunk);
    if (n < 0 && keep)
        fail_http(j, a, (int)n);
}

static void check_digest(struct job *j, struct attempt *a)
{
    const char *wanted = j->request.sha256;
    if (!a->hashed || a->failure.kind != FAILURE_NONE)
        return;
    sha256_hex(&a->hash, a->sha256);
    if (*wanted && strcmp(wanted, a->sha256) != 0)
        fail_attempt(a, FAILURE_CHECKSUM, 0, "the SHA-256 of the body is %s", a->sha256);
}

/* Complete the file of a good response, and remove that of another one. */
static void end_file(struct job *j, struct attempt *a)
{
    if (!a->file.open)
        return;
    if (a->failure.kind != FAILURE_NONE) {
        body_file_abort(&a->file);
        return;
    }
    int r = body_file_commit(&a->file, j->run->o.fsync);
    if (r < 0)
        fail_file(a, r);
    a->stored = r == 0;
}

static void await_stream(struct job *j, struct attempt *a)
{
    bool good = a->response->status < 400;
    if (good && j->run->dir >= 0 && begin_file(j, a) < 0)
        return;
    await_body(j, a, good);
}

static void check_status(struct attempt *a)
{
    if (a->failure.kind == FAILURE_NONE && a->response->status >= 400)
        fail_attempt(a, FAILURE_HTTP, 0, "HTTP status %d%s%s", a->response->status,
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
    const char **pairs = rq->header_count ? make_header_pairs(rq) : NULL;
    opts.headers = pairs;
    /* A request without all of its headers must not be sent. */
    int r = rq->header_count && (!pairs || !pairs[2 * rq->header_count - 2]) ? -ENOMEM : 0;
    if (r == 0 && a->hashed)
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
        fail_http(j, a, r);
    return r;
}

void await_attempt(struct job *j, struct attempt *a)
{
    const struct run *f = j->run;
    bool stream = f->dir >= 0 || f->o.body == BODY_NONE;
    a->hashed = f->o.checksum == CHECKSUM_SHA256 || j->request.sha256[0];
    if (await_response(j, a, stream) < 0)
        return;
    if (stream)
        await_stream(j, a);
    else if (a->hashed)
        sha256_add(&a->hash, a->response->body, a->response->size);
    if (a->failure.kind == FAILURE_NONE && !f->o.max_body && a->response->size)
        fail_attempt(a, FAILURE_TOO_LARGE, -ENOBUFS,
                     "the response has a body, and --max-body is 0");
    check_status(a);
    check_digest(j, a);
    end_file(j, a);
}

void attempt_drop(struct attempt *a)
{
    body_file_abort(&a->file);
    sha256_drop(&a->hash);
    async_http_response_free(a->response);
    *a = (struct attempt){ 0 };
}
