/* SPDX-License-Identifier: MIT */
/* attempt.c - one attempt: a request by the HTTP client, its body in memory or into a file, and what
 * went wrong in the words of result lines. */
#include "fetch.h"

#include <stdlib.h>
#include <stdarg.h>
#include <stdio.h>

enum { STREAM_CHUNK = 32 * 1024, DISCARD_MAX = 64 * 1024 };

static void __attribute__((format(printf, 4, 5)))
failed(struct answer *a, enum failure_kind kind, int error, const char *fmt, ...)
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

/* ---- what went wrong ---- */

static enum failure_kind kind_of(enum async_http_error e, bool redirected)
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

/* A handshake that was cut off may work the next time; a version that the other side does not speak will
 * not. libcurl has one code for both. */
static bool cut_off(const char *text)
{
    return strcasestr(text, "SYSCALL") || strcasestr(text, "reset") ||
           strcasestr(text, "unexpected eof");
}

static void http_failed(struct job *j, struct answer *a, int code)
{
    async_http_response *p = a->page;
    if (code == -ECANCELED) {
        failed(a, FAILURE_CANCELLED, code, "%s", stop_text(j->run));
    } else if (!p || p->error == ASYNC_HTTP_OK) {
        const char *text = async_fail_text(code);
        failed(a, FAILURE_LOCAL, code, "%s", *text ? text : strerror(-code));
    } else {
        failed(a, kind_of(p->error, p->redirect_count > 0), code, "%s",
               *p->error_text ? p->error_text : strerror(-code));
        a->failure.temporary = a->failure.kind == FAILURE_TLS && p->error == ASYNC_HTTP_TLS &&
                               cut_off(p->error_text);
    }
}

/* ---- the request ---- */

static double or_forever(double seconds)
{
    return seconds > 0 ? seconds : ASYNC_FOREVER;
}

/* As pairs, for the HTTP client: two pointers a header, and their text behind them. */
static const char **header_pairs(const struct request_spec *s)
{
    const char **pairs = calloc(2 * s->header_count + 1, sizeof *pairs);
    for (size_t i = 0; pairs && i < s->header_count; i++) {
        char *colon = strchr(s->headers[i], ':');
        pairs[2 * i] = strndup(s->headers[i], (size_t)(colon - s->headers[i]));
        pairs[2 * i + 1] = colon + 1 + strspn(colon + 1, " \t");
        if (!pairs[2 * i]) /* the list ends here: a request without its headers must not be sent */
            return pairs;
    }
    return pairs;
}

static void pairs_free(const char **pairs)
{
    for (size_t i = 0; pairs && pairs[i]; i += 2)
        free((char *)pairs[i]);
    free(pairs);
}

/* What curl sends with -d, unless somebody knows better. */
static const char *body_type(const struct job *j)
{
    const struct options *o = &j->run->o;
    if (header_find(j->spec.headers, j->spec.header_count, "Content-Type") ||
        header_find(o->headers, o->header_count, "Content-Type"))
        return NULL;
    bool json = j->spec.body ? j->spec.body_json : o->json != NULL;
    return json ? "application/json" : "application/x-www-form-urlencoded";
}

static void request_opts(struct job *j, struct answer *a, struct async_http_opts *ret)
{
    const struct options *o = &j->run->o;
    *ret = (struct async_http_opts){
        .struct_size = sizeof *ret,
        .timeout = or_forever(o->timeout),
        .connect_timeout = or_forever(o->connect_timeout),
        .stall_timeout = or_forever(o->stall_timeout),
        .max_body = o->max_body ? (size_t)o->max_body : 1,
        .max_redirects = o->max_redirects ? (int)o->max_redirects : -1,
        .failed = &a->page,
    };
    ret->body = j->spec.body ? j->spec.body : j->run->data;
    ret->body_size = j->spec.body ? j->spec.body_len : j->run->data_len;
    if (ret->body)
        ret->content_type = body_type(j);
}

/* ---- bodies ---- */

static int store_failed(struct answer *a, int error)
{
    failed(a, FAILURE_LOCAL, error, "%s: %s", a->sink.name,
           error == -EEXIST ? "exists already; --overwrite replaces it" : strerror(-error));
    return error;
}

static int store_begin(struct job *j, struct answer *a)
{
    char name[SINK_NAME_MAX + 1];
    if (j->spec.output)
        sink_name(name, j->spec.output, strlen(j->spec.output));
    else
        sink_name_of_url(name, j->spec.index, j->spec.url);
    int r = sink_begin(&a->sink, j->run->dir, name, j->run->o.overwrite);
    return r < 0 ? store_failed(a, r) : 0;
}

/* All of the body, 32 KiB at a time. keep: into the file and the digest. Otherwise it is only read so that
 * the connection can be used again, and not for long. */
static void await_body(struct job *j, struct answer *a, bool keep)
{
    char *chunk = malloc(STREAM_CHUNK);
    uint64_t all = 0;
    ssize_t n = chunk ? 1 : -ENOMEM;
    while (n > 0 && (keep || all < DISCARD_MAX) &&
           (n = await_http_read(a->page, chunk, STREAM_CHUNK)) > 0) {
        all += (uint64_t)n;
        if (keep && a->hashed)
            sha256_add(&a->hash, chunk, (size_t)n);
        int r = keep && a->sink.open ? sink_write(&a->sink, chunk, (size_t)n) : 0;
        if (r < 0) {
            store_failed(a, r);
            break;
        }
    }
    free(chunk);
    if (n < 0 && keep)
        http_failed(j, a, (int)n);
}

static void check_sum(struct job *j, struct answer *a)
{
    const char *wanted = j->spec.sha256;
    if (!a->hashed || a->failure.kind != FAILURE_NONE)
        return;
    sha256_hex(&a->hash, a->sha256);
    if (*wanted && strcmp(wanted, a->sha256) != 0)
        failed(a, FAILURE_CHECKSUM, 0, "the body's SHA-256 is %s", a->sha256);
}

static void store_end(struct job *j, struct answer *a)
{
    if (!a->sink.open)
        return;
    if (a->failure.kind != FAILURE_NONE) {
        sink_abort(&a->sink);
        return;
    }
    int r = sink_commit(&a->sink, j->run->o.fsync);
    if (r < 0)
        store_failed(a, r);
    a->stored = r == 0;
}

static void await_stream(struct job *j, struct answer *a)
{
    bool good = a->page->status < 400;
    if (good && j->run->dir >= 0 && store_begin(j, a) < 0)
        return;
    await_body(j, a, good);
}

static void judge_status(struct answer *a)
{
    if (a->failure.kind == FAILURE_NONE && a->page->status >= 400)
        failed(a, FAILURE_HTTP, 0, "HTTP status %d%s%s", a->page->status,
               *a->page->reason ? " " : "", a->page->reason);
}

void await_answer(struct job *j, struct answer *a)
{
    struct run *f = j->run;
    bool stream = f->dir >= 0 || f->o.body == BODY_NONE;
    struct async_http_opts opts;
    request_opts(j, a, &opts);
    const char **pairs = j->spec.header_count ? header_pairs(&j->spec) : NULL;
    if (j->spec.header_count && (!pairs || !pairs[2 * j->spec.header_count - 2])) {
        pairs_free(pairs);
        return failed(a, FAILURE_LOCAL, -ENOMEM, "out of memory");
    }
    opts.headers = pairs;
    a->hashed = f->o.checksum == CHECKSUM_SHA256 || j->spec.sha256[0];
    if (a->hashed && sha256_init(&a->hash) < 0) {
        pairs_free(pairs);
        return failed(a, FAILURE_LOCAL, -ENOMEM, "out of memory");
    }
    int r = stream ? await_http_open_opt(f->session, j->method, j->spec.url, &opts, &a->page)
                   : await_http_request_opt(f->session, j->method, j->spec.url, &opts, &a->page);
    pairs_free(pairs);
    if (r < 0)
        return http_failed(j, a, r);
    if (stream)
        await_stream(j, a);
    else if (a->hashed)
        sha256_add(&a->hash, a->page->body, a->page->size);
    if (a->failure.kind == FAILURE_NONE && !f->o.max_body && a->page->size)
        failed(a, FAILURE_TOO_LARGE, -ENOBUFS, "there is a body, and none is allowed");
    judge_status(a);
    check_sum(j, a);
    store_end(j, a);
}

void answer_drop(struct answer *a)
{
    sink_abort(&a->sink);
    sha256_drop(&a->hash);
    async_http_response_free(a->page);
    *a = (struct answer){ 0 };
}
