/* SPDX-License-Identifier: MIT */
/* result.c - write the result line of a request. */
#include "result.h"

#include "common/utf8.h"
#include "json_writer.h"
#include "url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void result_init(struct result *r, const struct request *request)
{
    *r = (struct result){ .request = request, .t = { -1, -1, -1, -1, -1, -1 } };
    r->method = request->method;
    if (request->error[0])
        r->failure = (struct failure){ .kind = FAILURE_INPUT, .message = request->error };
}

static const char *const field_names[FIELD_COUNT] = {
    "index", "id",       "url",       "final_url", "method",    "ok",    "status",
    "error", "attempts", "redirects", "http",      "remote_ip", "bytes", "wire_bytes",
    "t",     "headers",  "body",      "skipped",   "sha256",
};

int result_fields_parse(const char *list, unsigned *ret)
{
    *ret = 0;
    for (const char *at = list;; at++) {
        size_t n = strcspn(at, ","), i = 0;
        while (i < FIELD_COUNT &&
               (strlen(field_names[i]) != n || memcmp(field_names[i], at, n) != 0))
            i++;
        if (i == FIELD_COUNT)
            return -EINVAL;
        *ret |= 1U << i;
        at += n;
        if (!*at)
            return 0;
    }
}

static bool is_wanted(const struct result *r, enum result_field field)
{
    return !r->fields || (r->fields >> field & 1);
}

/* Put the key of a member, unless it is not to be printed. */
static bool put_field(struct json_writer *j, const struct result *r, enum result_field field)
{
    if (!is_wanted(r, field))
        return false;
    json_put_key(j, field_names[field]);
    return true;
}

static void put_url(struct json_writer *j, const char *url)
{
    if (!url || !strchr(url, '@')) { /* without an '@' there is no password */
        json_put_string(j, url);
        return;
    }
    struct text shown = { 0 };
    url_redact(&shown, url, strlen(url));
    if (shown.error)
        j->text->error = shown.error;
    json_put_string_n(j, shown.data ? shown.data : "", shown.len);
    text_free(&shown);
}

/* Put the error, or null if the request has succeeded. */
static void put_error(struct json_writer *j, const struct failure *f)
{
    if (f->kind == FAILURE_NONE) {
        json_put_null(j);
        return;
    }
    json_put_open(j, '{');
    json_put_key(j, "kind");
    json_put_string(j, failure_name(f->kind));
    json_put_key(j, "message");
    json_put_string(j, f->message);
    json_put_key(j, "code");
    json_put_string(j, f->code);
    json_put_close(j, '}');
}

/* Put the redirects that were followed, in their order. */
static void put_redirects(struct json_writer *j, const struct result *r)
{
    json_put_open(j, '[');
    for (size_t i = 0; i < r->redirect_count; i++) {
        json_put_open(j, '{');
        json_put_key(j, "status");
        json_put_uint(j, (uint64_t)r->redirects[i].status);
        json_put_key(j, "url");
        put_url(j, r->redirects[i].url);
        json_put_close(j, '}');
    }
    json_put_close(j, ']');
}

/* Put the times in milliseconds; those that are not known become null. */
static void put_times(struct json_writer *j, const struct result_times *t)
{
    const struct {
        const char *name;
        double seconds;
    } all[] = { { "queued", t->queued }, { "dns", t->dns },   { "connect", t->connect },
                { "tls", t->tls },       { "ttfb", t->ttfb }, { "total", t->total } };
    json_put_open(j, '{');
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        json_put_key(j, all[i].name);
        json_put_ms(j, all[i].seconds);
    }
    json_put_close(j, '}');
}

/* Sort by name. Headers with equal names keep their order, which is that of their addresses. */
static int compare_headers(const void *a, const void *b)
{
    const struct result_header *const *x = a, *const *y = b;
    int order = strcasecmp((*x)->name, (*y)->name);
    return order ? order : (*x > *y) - (*x < *y);
}

/* Put the name of a header in lower case. */
static void put_header_name(struct json_writer *j, const char *name)
{
    struct text lower = { 0 };
    text_puts(&lower, name);
    for (size_t i = 0; i < lower.len; i++)
        if (lower.data[i] >= 'A' && lower.data[i] <= 'Z')
            lower.data[i] = (char)(lower.data[i] + 32);
    if (lower.error)
        j->text->error = lower.error;
    json_put_key_n(j, lower.data ? lower.data : "", lower.len);
    text_free(&lower);
}

/* Put the headers grouped by name. Sorting brings equal names together. */
static void put_headers(struct json_writer *j, const struct result *r)
{
    const struct result_header **sorted = calloc(r->header_count + 1, sizeof *sorted);
    if (!sorted) {
        j->text->error = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < r->header_count; i++)
        sorted[i] = &r->headers[i];
    qsort(sorted, r->header_count, sizeof *sorted, compare_headers);
    json_put_key(j, "headers");
    json_put_open(j, '{');
    for (size_t i = 0; i < r->header_count;) {
        const char *name = sorted[i]->name;
        put_header_name(j, name);
        json_put_open(j, '[');
        for (; i < r->header_count && strcasecmp(sorted[i]->name, name) == 0; i++)
            json_put_string(j, sorted[i]->value);
        json_put_close(j, ']');
    }
    json_put_close(j, '}');
    free(sorted);
}

static void put_base64_body(struct json_writer *j, const struct result *r)
{
    json_put_key(j, "body_base64");
    json_put_base64(j, r->body, r->body_len);
}

/* Put the body as a JSON value if it is one, otherwise as base64. */
static void put_json_body(struct json_writer *j, const struct result *r)
{
    size_t before = j->text->len;
    json_put_key(j, "body");
    if (json_put_document(j, r->body, r->body_len) == 0 || j->text->error)
        return;
    j->text->len = before; /* it is not JSON, so the key is removed, too */
    j->comma = true;
    put_base64_body(j, r);
}

/* Would control characters, of which most are escaped as six bytes, make the text more than a
 * third longer, which base64 does? Quotes and line ends do not count, because they occur in
 * plain text, and double it at most. */
static bool has_many_controls(const char *s, size_t n)
{
    size_t more = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        bool is_short = c >= '\b' && c <= '\r' && c != 11; /* escaped as two bytes */
        more += ((c < 0x20 && !is_short) || c == 0x7f) ? 5 : 0;
        more += c == 0xc2 && i + 1 < n && (unsigned char)s[i + 1] < 0xa0 ? 4 : 0;
    }
    return more > n / 3;
}

static bool is_plain_text(const char *s, size_t n)
{
    return !memchr(s, 0, n) && utf8_valid(s, n) && !has_many_controls(s, n);
}

static void put_body(struct json_writer *j, const struct result *r)
{
    bool text =
            r->mode == BODY_TEXT || (r->mode == BODY_AUTO && is_plain_text(r->body, r->body_len));
    if (r->mode == BODY_JSON) {
        put_json_body(j, r);
    } else if (text) {
        json_put_key(j, "body");
        json_put_string_n(j, r->body, r->body_len);
    } else {
        put_base64_body(j, r);
    }
}

static void put_request(struct json_writer *j, const struct result *r)
{
    if (put_field(j, r, FIELD_INDEX))
        json_put_uint(j, r->request->index);
    if (put_field(j, r, FIELD_ID))
        json_put_raw(j, r->request->id ? r->request->id : "null");
    if (put_field(j, r, FIELD_URL))
        put_url(j, r->request->url);
    if (put_field(j, r, FIELD_FINAL_URL))
        put_url(j, r->final_url);
    if (put_field(j, r, FIELD_METHOD))
        json_put_string(j, r->method);
}

static void put_status(struct json_writer *j, const struct result *r)
{
    if (put_field(j, r, FIELD_OK))
        json_put_bool(j, r->failure.kind == FAILURE_NONE);
    if (!put_field(j, r, FIELD_STATUS))
        return;
    if (r->status > 0)
        json_put_uint(j, (uint64_t)r->status);
    else
        json_put_null(j);
}

/* Put the members that every result has, whatever became of the request. */
static void put_response(struct json_writer *j, const struct result *r)
{
    put_status(j, r);
    if (put_field(j, r, FIELD_ERROR))
        put_error(j, &r->failure);
    if (put_field(j, r, FIELD_ATTEMPTS))
        json_put_uint(j, (uint64_t)r->attempts);
    if (put_field(j, r, FIELD_REDIRECTS))
        put_redirects(j, r);
    if (put_field(j, r, FIELD_HTTP))
        json_put_string(j, r->http);
    if (put_field(j, r, FIELD_REMOTE_IP))
        json_put_string(j, r->remote_ip);
    if (put_field(j, r, FIELD_BYTES))
        json_put_uint(j, r->bytes);
    if (put_field(j, r, FIELD_WIRE_BYTES))
        json_put_uint(j, r->wire_bytes);
    if (put_field(j, r, FIELD_T))
        put_times(j, &r->t);
}

/* Put the members that only some results have. */
static void put_content(struct json_writer *j, const struct result *r)
{
    if (r->headers && is_wanted(r, FIELD_HEADERS))
        put_headers(j, r);
    if (r->file && is_wanted(r, FIELD_BODY)) {
        json_put_key(j, "file");
        json_put_string(j, r->file);
    } else if (r->body && r->mode != BODY_NONE && is_wanted(r, FIELD_BODY)) {
        put_body(j, r);
    }
    if (r->skipped && put_field(j, r, FIELD_SKIPPED))
        json_put_bool(j, true);
    if (r->sha256 && put_field(j, r, FIELD_SHA256))
        json_put_string(j, r->sha256);
}

int result_line(const struct result *r, struct text *ret)
{
    size_t before = ret->len;
    struct json_writer j = { .text = ret };
    json_put_open(&j, '{');
    put_request(&j, r);
    put_response(&j, r);
    put_content(&j, r);
    json_put_close(&j, '}');
    text_put(ret, "\n", 1);
    if (!ret->error)
        return 0;
    int error = ret->error;
    ret->len = before;
    if (ret->data)
        ret->data[before] = 0;
    ret->error = 0; /* the lines before this one are complete */
    return error;
}
