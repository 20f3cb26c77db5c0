/* SPDX-License-Identifier: MIT */
/* job.c - one line of the input, from its start to its result line: waiting for its turn, attempts,
 * pauses between them. */
#include "fetch.h"

#include "retry.h"
#include "url.h"

#include <stdlib.h>
#include <time.h>

/* ---- the life of a job ---- */

struct job *job_new(struct run *f, struct request_spec *spec)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->run = f;
    j->spec = *spec;
    *spec = (struct request_spec){ 0 };
    j->start = async_time();
    bool body = j->spec.body || f->data;
    j->method = j->spec.method ? j->spec.method : f->o.method ? f->o.method : body ? "POST" : "GET";
    j->next = f->jobs;
    if (j->next)
        j->next->prev = j;
    f->jobs = j;
    return j;
}

static void job_free(struct job *j)
{
    if (j->prev)
        j->prev->next = j->next;
    else
        j->run->jobs = j->next;
    if (j->next)
        j->next->prev = j->prev;
    request_spec_free(&j->spec);
    free(j);
}

/* ---- the line ---- */

void put_ready_line(struct run *f, struct text *line)
{
    struct text *out = &f->out.lines;
    if (!out->len && line->len >= out->cap) { /* a large one is not copied */
        text_free(out);
        *out = *line;
        *line = (struct text){ 0 };
    }
    text_put(out, line->data, line->len);
    text_free(line);
    int error = out->error;
    out->error = 0; /* what was there before is still good, and so is what comes */
    if (error < 0)
        run_fail(f, error, "a result is lost");
    writer_added(&f->out);
}

static void put_in_order(struct run *f, struct text *line, uint64_t index)
{
    struct text next = { 0 };
    order_put(&f->order, index, line);
    while (order_take(&f->order, &next))
        put_ready_line(f, &next);
    async_event_set(&f->ordered);
}

/* A line for which there is no memory becomes one without a body: that one was asked for is said. */
static void put_line(struct run *f, struct result *r)
{
    struct text line = { 0 }, *to = f->o.keep_order ? &line : &f->out.lines;
    int error = result_line(r, to);
    if (error == -ENOMEM && (r->body || r->headers)) {
        text_free(&line);
        r->body = NULL;
        r->headers = NULL;
        if (r->failure.kind == FAILURE_NONE)
            r->failure = (struct failure){ .kind = FAILURE_LOCAL,
                                           .message = "out of memory",
                                           .code = "ENOMEM" };
        error = result_line(r, to);
    }
    if (error < 0) {
        text_free(&line);
        run_fail(f, error, "a result is lost");
    } else if (f->o.keep_order) {
        put_in_order(f, &line, r->spec->index);
    }
    writer_added(&f->out);
}

static bool ends_the_run(int error)
{
    return error == -ENOSPC || error == -EDQUOT || error == -EROFS || error == -EIO;
}

static void count(struct run *f, const struct result *r)
{
    enum failure_kind kind = r->failure.kind;
    double seconds = r->t.queued < 0 ? -1 : r->t.total - r->t.queued; /* our own limits are no latency */
    stats_add(&f->stats, kind, r->attempts, seconds, r->bytes, r->wire_bytes);
    f->bad_input |= kind == FAILURE_INPUT;
    f->local_error |= kind == FAILURE_LOCAL;
    if (kind == FAILURE_NONE || kind == FAILURE_CANCELLED)
        return;
    f->failures++;
    if (f->o.fail_fast || (f->o.max_failures && f->failures >= (uint64_t)f->o.max_failures))
        run_stop(f, STOP_FAILURES);
}

static void finish(struct job *j, struct result *r)
{
    r->t.total = async_time() - j->start;
    r->method = j->method;
    put_line(j->run, r);
    count(j->run, r);
    job_free(j);
}

void job_skip(struct job *j, enum failure_kind kind)
{
    struct result r;
    result_init(&r, &j->spec);
    if (kind != FAILURE_NONE && r.failure.kind == FAILURE_NONE)
        r.failure = (struct failure){ .kind = kind, .message = stop_text(j->run) };
    finish(j, &r);
}

/* ---- from an answer to a result ---- */

static const char *version_text(int version)
{
    return version == 20 ? "2" : version == 11 ? "1.1" : version == 10 ? "1.0" : NULL;
}

struct lists {
    struct result_redirect *redirects;
    struct result_header *headers;
};

static bool list_headers(const async_http_response *p, struct result *r, struct lists *l)
{
    size_t n = 0;
    for (const async_http_field *f = p->headers; f; f = f->next)
        n++;
    l->headers = calloc(n + 1, sizeof *l->headers);
    if (!l->headers)
        return false;
    for (const async_http_field *f = p->headers; f; f = f->next)
        l->headers[r->header_count++] = (struct result_header){ f->name, f->value };
    r->headers = l->headers;
    return true;
}

static bool list_redirects(const async_http_response *p, struct result *r, struct lists *l)
{
    if (!p->redirect_count)
        return true;
    l->redirects = calloc((size_t)p->redirect_count, sizeof *l->redirects);
    if (!l->redirects)
        return false;
    for (const async_http_redirect *d = p->redirects; d; d = d->next)
        l->redirects[r->redirect_count++] = (struct result_redirect){ d->status, d->url };
    r->redirects = l->redirects;
    return true;
}

static void take_times(const async_http_times *t, struct result *r)
{
    r->t.dns = t->dns;
    r->t.connect = t->connect;
    r->t.tls = t->tls;
    r->t.ttfb = t->ttfb > 0 ? t->ttfb : -1;
}

static void take_body(const struct run *f, const struct answer *a, struct result *r)
{
    r->mode = (enum body_mode)f->o.body;
    if (a->stored)
        r->file = a->sink.name;
    else if (f->dir < 0 && r->mode != BODY_NONE && a->page->error == ASYNC_HTTP_OK)
        r->body = a->page->body;
    r->body_len = a->page->size;
    r->sha256 = a->sha256[0] ? a->sha256 : NULL;
}

static void take_answer(const struct job *j, const struct answer *a, struct result *r, struct lists *l)
{
    const async_http_response *p = a->page;
    r->failure = a->failure;
    if (!p)
        return;
    r->final_url = p->url;
    r->status = p->status;
    r->http = p->status ? version_text(p->version) : NULL;
    r->remote_ip = *p->remote_ip ? p->remote_ip : NULL;
    r->bytes = p->size;
    r->wire_bytes = p->wire_size;
    take_times(&p->times, r);
    take_body(j->run, a, r);
    if (!list_redirects(p, r, l) || (j->run->o.response_headers && p->status && !list_headers(p, r, l)))
        r->failure = (struct failure){ .kind = FAILURE_LOCAL, .message = "out of memory" };
}

/* ---- turns: the origin's pause, its limit, the rate ---- */

/* The queue of an origin lives as long as somebody holds the origin. */
static int hold_origin(struct job *j)
{
    struct run *f = j->run;
    char name[URL_ORIGIN_MAX];
    url_origin(j->spec.url, name);
    int r = origins_hold(&f->origins, name, &j->origin);
    if (r < 0 || !f->o.per_host || j->origin->user)
        return r;
    async_semaphore *places = malloc(sizeof *places);
    if (!places) {
        origins_release(&f->origins, j->origin, fetch_ns());
        j->origin = NULL;
        return -ENOMEM;
    }
    *places = (async_semaphore)ASYNC_SEMAPHORE((int)f->o.per_host);
    j->origin->user = places;
    return 0;
}

static void release_origin(struct job *j)
{
    if (!j->origin)
        return;
    if (j->origin->holds == 1) {
        free(j->origin->user);
        j->origin->user = NULL;
    }
    origins_release(&j->run->origins, j->origin, fetch_ns());
}

/* A pause may begin while we wait for the rate: then that was for nothing, and a new turn is taken, for
 * all who waited would otherwise start together. */
static int await_start(struct job *j)
{
    struct run *f = j->run;
    int64_t wait;
    do {
        while ((wait = origin_delay(j->origin, fetch_ns())) > 0)
            ASYNC_TRY(await_sleep((double)wait * 1e-9));
        if ((wait = rate_take(&f->rate, fetch_ns())) > 0)
            ASYNC_TRY(await_sleep((double)wait * 1e-9));
    } while (wait > 0 && origin_delay(j->origin, fetch_ns()) > 0);
    return 0;
}

/* Wait for our turn, make the request, give the origin's place to the next. */
static int await_attempt(struct job *j, struct result *r, struct answer *a)
{
    struct run *f = j->run;
    if (j->origin->user)
        ASYNC_TRY(await_semaphore_acquire(j->origin->user));
    int e = await_start(j);
    if (e == 0) {
        if (!r->attempts++)
            r->t.queued = async_time() - j->start;
        f->meter.active++;
        await_answer(j, a);
        f->meter.active--;
    }
    if (j->origin->user)
        async_semaphore_release(j->origin->user);
    return e;
}

/* ---- again ---- */

static uint64_t next_random(void *ctx) /* splitmix64 */
{
    uint64_t *state = ctx, z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* What asked to be left alone is who answered, which after redirects is another than who was asked. */
static double note_pause(struct job *j, const struct answer *a)
{
    struct run *f = j->run;
    double seconds = a->page && retry_status(a->page->status) ? async_http_retry_after(a->page) : -1;
    char name[URL_ORIGIN_MAX];
    struct origin *o;
    if (seconds < 0)
        return 0;
    if (seconds > f->o.retry_after_max)
        seconds = f->o.retry_after_max;
    url_origin(a->page->url, name);
    if (origins_hold(&f->origins, name, &o) == 0) {
        origin_pause(o, fetch_ns(), (int64_t)(seconds * 1e9));
        origins_release(&f->origins, o, fetch_ns());
    }
    return seconds;
}

static bool again(struct job *j, const struct result *r, const struct answer *a)
{
    struct options *o = &j->run->o;
    struct retry_policy policy = { o->retries, o->retry_unsafe };
    struct attempt t = {
        .method = j->method,
        .idempotency_key = header_find(j->spec.headers, j->spec.header_count, "Idempotency-Key") ||
                           header_find(o->headers, o->header_count, "Idempotency-Key"),
        .status = a->page ? a->page->status : 0,
        .failure = a->failure.kind,
        .temporary = a->failure.temporary,
        .number = r->attempts,
    };
    return retry_wanted(&policy, &t) && j->run->stop == STOP_NONE;
}

static int await_pause(struct job *j, const struct result *r, const struct answer *a, double asked)
{
    struct run *f = j->run;
    double seconds = retry_backoff(r->attempts, next_random, &f->random);
    seconds = seconds > asked ? seconds : asked;
    if (f->o.verbose)
        meter_say(f, "request %llu: attempt %ld: %s; again in %.2f s",
                  (unsigned long long)j->spec.index, r->attempts, a->failure.message, seconds);
    f->meter.retrying++;
    int e = await_sleep(seconds);
    f->meter.retrying--;
    return e;
}

static void await_attempts(struct job *j, struct result *r, struct answer *a)
{
    for (;;) {
        int e = await_attempt(j, r, a);
        double asked = e == 0 && a->failure.kind != FAILURE_NONE ? note_pause(j, a) : 0;
        if (e == 0 && !again(j, r, a))
            return;
        if (e == 0)
            e = await_pause(j, r, a, asked);
        if (e < 0) {
            a->failure = (struct failure){ .kind = FAILURE_CANCELLED, .message = stop_text(j->run) };
            return;
        }
        answer_drop(a);
    }
}

ASYNC_DEF(work, (struct job *)j)
{
    struct run *f = j->run;
    struct result r;
    struct answer a = { 0 };
    struct lists lists = { 0 };
    result_init(&r, &j->spec);
    if (hold_origin(j) == 0)
        await_attempts(j, &r, &a);
    else
        a.failure = (struct failure){ .kind = FAILURE_LOCAL, .message = "out of memory" };
    take_answer(j, &a, &r, &lists);
    int error = a.failure.kind == FAILURE_LOCAL ? a.error : 0;
    release_origin(j);
    finish(j, &r);
    if (ends_the_run(error))
        run_fail(f, error, "a body cannot be written");
    free(lists.redirects);
    free(lists.headers);
    answer_drop(&a);
    async_ignore(await_writer_room(&f->out)); /* cancelled: the line is there all the same */
    async_semaphore_release(&f->places);
    return 0;
}

async_co job(struct job *j)
{
    return work(j);
}
