/* SPDX-License-Identifier: MIT */
/* strict_http.c - a strict reader of requests and responses. Speed does not matter here. */
#include "strict_http.h"

#include "fuzz.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reader {
    const char *at, *end;
    enum strict_result failed; /* why a function has returned false */
};

static bool fail_read(struct reader *r, enum strict_result why)
{
    r->failed = why;
    return false;
}

/* --- characters --- */

static bool is_token(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z') && !(s[i] >= '0' && s[i] <= '9') &&
            (!s[i] || !strchr("!#$%&'*+-.^_`|~", s[i])))
            return false;
    return n > 0;
}

/* Text of a header: no control character but the tab. */
static bool is_text(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
            return false;
    return true;
}

static bool is_target(const char *s, size_t n)
{
    return n > 0 && is_text(s, n) && !memchr(s, ' ', n) && !memchr(s, '\t', n);
}

/* --- lines and headers --- */

struct line {
    const char *text;
    size_t size; /* without its end */
};

/* Read up to the next CR LF. A line feed alone is an error. */
static bool read_any_line(struct reader *r, struct line *ret)
{
    size_t left = (size_t)(r->end - r->at);
    const char *lf = memchr(r->at, '\n', left);
    if (!lf)
        return fail_read(r, STRICT_INCOMPLETE);
    if (lf == r->at || lf[-1] != '\r')
        return fail_read(r, STRICT_BAD_HEAD);
    *ret = (struct line){ r->at, (size_t)(lf - r->at) - 1 };
    r->at = lf + 1;
    return true;
}

/* The same, and a CR inside the line is an error. */
static bool read_line(struct reader *r, struct line *ret)
{
    if (!read_any_line(r, ret))
        return false;
    return !memchr(ret->text, '\r', ret->size) || fail_read(r, STRICT_BAD_HEAD);
}

struct header {
    struct line name, value;
};

static bool header_is(const struct header *h, const char *name)
{
    return h->name.size == strlen(name) && strncasecmp(h->name.text, name, h->name.size) == 0;
}

static bool value_is(const struct header *h, const char *value)
{
    return h->value.size == strlen(value) && strncasecmp(h->value.text, value, h->value.size) == 0;
}

/* Read one header. Returns false at the empty line behind the last one, too, with STRICT_COMPLETE
 * in failed. */
static bool read_header(struct reader *r, struct header *ret)
{
    struct line l;
    if (!read_line(r, &l))
        return false;
    if (l.size == 0)
        return fail_read(r, STRICT_COMPLETE);
    const char *colon = memchr(l.text, ':', l.size);
    if (!colon || !is_token(l.text, (size_t)(colon - l.text)) || !is_text(l.text, l.size))
        return fail_read(r, STRICT_BAD_HEAD);
    const char *value = colon + 1, *end = l.text + l.size;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *ret = (struct header){ { l.text, (size_t)(colon - l.text) },
                            { value, (size_t)(end - value) } };
    return true;
}

/* Read digits only, of a number that is not too large. */
static bool parse_number(const struct line *l, uint64_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < l->size; i++) {
        if (l->text[i] < '0' || l->text[i] > '9' || *ret > UINT32_MAX)
            return false;
        *ret = *ret * 10 + (uint64_t)(l->text[i] - '0');
    }
    return l->size > 0;
}

/* --- the head of a request --- */

struct framing {
    unsigned hosts, lengths, codings;
    uint64_t length;
    bool valid, http_1_0;
};

static void note_header(struct framing *f, const struct header *h)
{
    if (header_is(h, "Host"))
        f->hosts++;
    if (header_is(h, "Content-Length")) {
        f->lengths++;
        f->valid = f->valid && parse_number(&h->value, &f->length);
    }
    if (header_is(h, "Transfer-Encoding")) {
        f->codings++;
        f->valid = f->valid && value_is(h, "chunked");
    }
}

static bool is_framing_clear(const struct framing *f)
{
    return f->valid && f->lengths + f->codings <= 1 && (f->codings == 0 || !f->http_1_0) &&
           (f->hosts == 1 || (f->hosts == 0 && f->http_1_0));
}

static bool read_headers(struct reader *r, struct framing *f)
{
    struct header h;
    f->valid = true;
    while (read_header(r, &h))
        note_header(f, &h);
    if (r->failed != STRICT_COMPLETE)
        return false;
    return is_framing_clear(f) || fail_read(r, STRICT_BAD_HEAD);
}

/* The value of a hexadecimal digit, or -1. */
static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *digit = c ? strchr(digits, c | 0x20) : NULL;
    return digit ? (int)(digit - digits) : -1;
}

/* Decode the path of a target: what stands before '?' or '#', and in "http://host/path" behind the
 * host. */
static char *decode_path(const char *s, size_t n)
{
    char *path = fuzz_text(s, n), *from = path, *to = path;
    if (strncasecmp(path, "http://", 7) == 0)
        from += 7 + strcspn(path + 7, "/?#");
    from[strcspn(from, "?#")] = '\0';
    if (from > path && !*from)
        *to++ = '/';
    for (; *from; from++) {
        bool encoded = *from == '%' && hex_digit(from[1]) >= 0 && hex_digit(from[2]) >= 0;
        *to++ = encoded ? (char)(hex_digit(from[1]) << 4 | hex_digit(from[2])) : *from;
        from += encoded ? 2 : 0;
    }
    *to = '\0';
    return path;
}

/* Read "GET /path HTTP/1.1". Whatever stands between the first and the last blank is the target. */
static bool read_request_line(struct reader *r, struct framing *f, struct strict_request *rq)
{
    struct line l;
    if (!read_any_line(r, &l))
        return false;
    const char *end = l.text + l.size, *target = memchr(l.text, ' ', l.size);
    const char *version = memrchr(l.text, ' ', l.size);
    if (!target || target == version || end - version != 9 || memcmp(version, " HTTP/1.", 8) != 0 ||
        version[8] < '0' || version[8] > '9')
        return fail_read(r, STRICT_BAD_HEAD);
    f->http_1_0 = version[8] == '0';
    size_t method = (size_t)(target - l.text), path = (size_t)(version - target) - 1;
    if (!is_token(l.text, method))
        return fail_read(r, STRICT_BAD_HEAD);
    rq->method = fuzz_text(l.text, method);
    rq->path = decode_path(target + 1, path);
    rq->bad_target = !is_target(target + 1, path);
    return true;
}

/* --- the body of a request --- */

static bool read_bytes(struct reader *r, struct strict_request *rq, size_t n)
{
    if (n > (size_t)(r->end - r->at))
        return fail_read(r, STRICT_INCOMPLETE);
    char *grown = realloc(rq->body, rq->body_size + n + 1);
    fuzz_check(grown, "no memory");
    rq->body = grown;
    memcpy(rq->body + rq->body_size, r->at, n);
    rq->body_size += n;
    rq->body[rq->body_size] = '\0';
    r->at += n;
    return true;
}

/* "1f" or "1f;name=value". */
static bool parse_chunk_size(const struct line *l, size_t *ret)
{
    size_t i = 0, n = 0;
    for (; i < l->size && hex_digit(l->text[i]) >= 0; i++) {
        if (n > UINT32_MAX)
            return false;
        n = n * 16 + (size_t)hex_digit(l->text[i]);
    }
    *ret = n;
    return i > 0 && (i == l->size || l->text[i] == ';') && is_text(l->text, l->size);
}

static bool read_chunks(struct reader *r, struct strict_request *rq)
{
    struct line l;
    struct header h;
    size_t n;
    do {
        if (!read_line(r, &l))
            return false;
        if (!parse_chunk_size(&l, &n))
            return fail_read(r, STRICT_BAD_CHUNKS);
        if (n > 0 && (!read_bytes(r, rq, n) || !read_line(r, &l)))
            return false;
        if (n > 0 && l.size > 0)
            return fail_read(r, STRICT_BAD_CHUNKS);
    } while (n > 0);
    while (read_header(r, &h))
        ;
    return r->failed == STRICT_COMPLETE;
}

static bool read_body(struct reader *r, const struct framing *f, struct strict_request *rq)
{
    rq->body = fuzz_text(NULL, 0);
    if (!f->codings)
        return read_bytes(r, rq, f->length);
    if (read_chunks(r, rq))
        return true;
    return fail_read(r, r->failed == STRICT_INCOMPLETE ? STRICT_INCOMPLETE : STRICT_BAD_CHUNKS);
}

/* Empty lines before a request are allowed, and end nothing. So they may lack the CR. */
static void skip_empty_lines(struct reader *r)
{
    for (;;) {
        size_t left = (size_t)(r->end - r->at);
        if (left >= 2 && memcmp(r->at, "\r\n", 2) == 0)
            r->at += 2;
        else if (left >= 1 && *r->at == '\n')
            r->at++;
        else
            return;
    }
}

enum strict_result strict_request_read(const char *s, size_t n, struct strict_request *ret)
{
    struct reader r = { s, s + n, STRICT_COMPLETE };
    struct framing f = { 0 };
    *ret = (struct strict_request){ 0 };
    skip_empty_lines(&r);
    if (!read_request_line(&r, &f, ret) || !read_headers(&r, &f) || !read_body(&r, &f, ret))
        return r.failed;
    ret->size = (size_t)(r.at - s);
    return STRICT_COMPLETE;
}

void strict_request_free(struct strict_request *rq)
{
    free(rq->method);
    free(rq->path);
    free(rq->body);
}

/* --- responses --- */

static bool read_status_line(struct reader *r, struct strict_response *ret)
{
    struct line l;
    if (!read_line(r, &l))
        return false;
    if (l.size < 12 || memcmp(l.text, "HTTP/1.", 7) != 0 || l.text[8] != ' ' ||
        (l.size > 12 && l.text[12] != ' ') || !is_text(l.text, l.size))
        return fail_read(r, STRICT_BAD_HEAD);
    uint64_t status;
    if (!parse_number(&(struct line){ l.text + 9, 3 }, &status))
        return fail_read(r, STRICT_BAD_HEAD);
    ret->status = (int)status;
    return status >= 100 || fail_read(r, STRICT_BAD_HEAD);
}

enum strict_result strict_response_read(const char *s, size_t n, bool bodiless,
                                        struct strict_response *ret)
{
    struct reader r = { s, s + n, STRICT_COMPLETE };
    struct framing f = { .valid = true };
    struct header h;
    *ret = (struct strict_response){ 0 };
    if (!read_status_line(&r, ret))
        return r.failed;
    while (read_header(&r, &h)) {
        note_header(&f, &h);
        ret->closes |= header_is(&h, "Connection") && value_is(&h, "close");
    }
    if (r.failed != STRICT_COMPLETE)
        return r.failed;
    bool has_body = !bodiless && ret->status >= 200 && ret->status != 204 && ret->status != 304;
    if (!f.valid || f.codings || (has_body && f.lengths != 1))
        return STRICT_BAD_HEAD;
    if (has_body && f.length > (size_t)(r.end - r.at))
        return STRICT_INCOMPLETE;
    ret->size = (size_t)(r.at - s) + (has_body ? f.length : 0);
    return STRICT_COMPLETE;
}
