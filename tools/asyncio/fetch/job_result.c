/* SPDX-License-Identifier: MIT */
/* job_result.c - make the result line of a job, print it, and count it. */
#include "job_result.h"

#include "stop.h"

#include <stdlib.h>

/* ---- from the last attempt to a result ---- */

static const char *http_version_text(int version)
{
    return version == 20 ? "2" : version == 11 ? "1.1" : version == 10 ? "1.0" : NULL;
}

static bool list_headers(const async_http_response *p, struct result *r, struct result_lists *l)
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

static bool list_redirects(const async_http_response *p, struct result *r, struct result_lists *l)
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

void result_lists_free(struct result_lists *l)
{
    free(l->redirects);
    free(l->headers);
}

static void copy_times(const async_http_times *t, struct result *r)
{
    r->t.dns = t->dns;
    r->t.connect = t->connect;
    r->t.tls = t->tls;
    r->t.ttfb = t->ttfb > 0 ? t->ttfb : -1;
}

static void refer_to_body(const struct run *f, const struct attempt *a, struct result *r)
{
    r->mode = (enum body_mode)f->o.body;
    if (a->stored)
        r->file = a->file.name;
    else if (f->dir < 0 && r->mode != BODY_NONE && a->response->error == ASYNC_HTTP_OK)
        r->body = a->response->body;
    r->body_len = a->response->size;
    r->sha256 = a->sha256[0] ? a->sha256 : NULL;
}

void result_from_attempt(const struct job *j, const struct attempt *a, struct result *r,
                         struct result_lists *l)
{
    const async_http_response *p = a->response;
    r->failure = a->failure;
    if (!p)
        return;
    r->final_url = p->url;
    r->status = a->complete ? 206 : p->status;
    r->http = p->status ? http_version_text(p->version) : NULL;
    r->remote_ip = *p->remote_ip ? p->remote_ip : NULL;
    r->bytes = a->stored ? a->file.written : p->size;
    r->wire_bytes = p->wire_size;
    copy_times(&p->times, r);
    refer_to_body(j->run, a, r);
    bool headers = j->run->o.response_headers && p->status;
    if (!list_redirects(p, r, l) || (headers && !list_headers(p, r, l)))
        r->failure = (struct failure){ .kind = FAILURE_LOCAL, .message = "out of memory" };
}

/* ---- printing ---- */

/* Move a line of --keep-order whose turn it is to the output. */
static void put_ready_line(struct run *f, struct text *line)
{
    struct text *out = &f->out.lines;
    if (!out->len && line->len >= out->cap) { /* a large line is moved, not copied */
        text_free(out);
        *out = *line;
        *line = (struct text){ 0 };
    }
    text_put(out, line->data, line->len);
    text_free(line);
    int error = out->error;
    out->error = 0; /* the lines before this one are complete, and more may follow */
    if (error < 0)
        run_fail(f, error, "a result is lost");
    output_added(&f->out);
}

/* Move all lines and their records whose turn it is to the output. */
static void put_ready_lines(struct run *f, bool (*take)(struct order *o, struct text *ret))
{
    struct text line = { 0 }, record = { 0 };
    while (take(&f->order, &line)) {
        put_ready_line(f, &line);
        if (f->journal.fd >= 0 && take(&f->order_records, &record))
            text_put(&f->out.records, record.data, record.len);
        text_free(&record);
    }
    async_event_set(&f->order_moved);
}

void put_remaining_lines(struct run *f)
{
    if (f->o.keep_order)
        put_ready_lines(f, order_take_rest);
}

void skip_result(struct run *f, uint64_t index)
{
    f->stats.skipped++;
    if (!f->o.keep_order)
        return;
    order_skip(&f->order, index);
    if (f->journal.fd >= 0)
        order_skip(&f->order_records, index);
    put_ready_lines(f, order_take);
}

/* Put the record of a result line. One that is cancelled is not final, and gets an empty line. */
static void put_record(struct run *f, const struct result *r)
{
    struct text record = { 0 }, *to = f->o.keep_order ? &record : &f->out.records;
    if (f->journal.fd < 0)
        return;
    if (r->failure.kind == FAILURE_CANCELLED)
        text_puts(to, "\n");
    else
        journal_put_done(to, r->request->index, r->method, r->request->url, r->failure.kind,
                         r->status);
    if (f->o.keep_order)
        order_put(&f->order_records, r->request->index, &record);
}

/* Make the result fit into little memory, and mark it as failed for lack of memory. */
static void drop_body(struct result *r)
{
    r->body = NULL;
    r->headers = NULL;
    if (r->failure.kind == FAILURE_NONE)
        r->failure = (struct failure){ .kind = FAILURE_LOCAL,
                                       .message = "out of memory",
                                       .code = "ENOMEM" };
}

/* Print the line. If there is no memory for it, it is printed without its body. */
static void put_line(struct run *f, struct result *r)
{
    struct text line = { 0 }, *to = f->o.keep_order ? &line : &f->out.lines;
    int error = result_line(r, to);
    if (error == -ENOMEM && (r->body || r->headers)) {
        text_free(&line);
        drop_body(r);
        error = result_line(r, to);
    }
    if (error < 0) {
        text_free(&line);
        run_fail(f, error, "a result is lost");
    } else {
        put_record(f, r);
    }
    if (error == 0 && f->o.keep_order) {
        order_put(&f->order, r->request->index, &line);
        put_ready_lines(f, order_take);
    }
    output_added(&f->out);
}

/* ---- counting ---- */

/* Count a result, and stop the run if there are too many failures. Cancelled requests are no
 * reason to stop, since they are an effect of stopping. */
static void count_result(struct run *f, const struct result *r)
{
    enum failure_kind kind = r->failure.kind;
    /* Waiting for our own limits is not part of the latency. */
    double seconds = r->t.queued < 0 ? -1 : r->t.total - r->t.queued;
    stats_add(&f->stats, kind, r->attempts, seconds, r->bytes, r->wire_bytes);
    f->bad_input |= kind == FAILURE_INPUT;
    f->local_error |= kind == FAILURE_LOCAL;
    if (kind == FAILURE_NONE || kind == FAILURE_CANCELLED)
        return;
    f->failures++;
    if (f->o.fail_fast || (f->o.max_failures && f->failures >= (uint64_t)f->o.max_failures))
        run_stop(f, STOP_FAILURES);
}

void put_result(struct job *j, struct result *r)
{
    if (r->t.total < 0)
        r->t.total = async_time() - j->start;
    r->method = j->method;
    r->fields = j->run->o.fields;
    put_line(j->run, r);
    count_result(j->run, r);
}
