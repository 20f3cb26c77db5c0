/* SPDX-License-Identifier: MIT */
/* response_headers.c - read the headers of a response. All of this runs inside libcurl, so an error
 * is stored, and the return value makes libcurl end the transfer. */
#include "response_headers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "response.h"

enum { MAX_HEADERS = 256 * 1024 }; /* bytes, over all redirects of a request */

#define REFUSE(...) (http_fail(__VA_ARGS__), false)

struct header_line { /* name: value, without the blanks around the value */
    const char *name, *value;
    size_t name_size, value_size;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Returns false if the line has no colon or no name, or continues a folded header, which HTTP/1.1
 * has abolished. Such lines are skipped. */
static bool split_header(const char *s, size_t n, struct header_line *ret)
{
    const char *colon = memchr(s, ':', n), *value, *end = s + n;
    if (!colon || colon == s || *s == ' ' || *s == '\t')
        return false;
    for (value = colon + 1; value < end && (*value == ' ' || *value == '\t'); value++)
        ;
    while (end > value && is_blank(end[-1]))
        end--;
    *ret = (struct header_line){ s, value, (size_t)(colon - s), (size_t)(end - value) };
    return true;
}

static bool header_is(const struct header_line *l, const char *name)
{
    return l->name_size == strlen(name) && strncasecmp(l->name, name, l->name_size) == 0;
}

/* The record and both strings are one allocation. */
static bool store_header(struct http_response *res, const struct header_line *l)
{
    size_t strings = l->name_size + 1 + l->value_size + 1;
    async_http_field *f = http_arena_alloc(&res->arena, sizeof *f + strings);
    if (!f)
        return REFUSE(&res->error, ASYNC_HTTP_RESOURCES, "out of memory for the headers");
    char *name = (char *)(f + 1), *value = name + l->name_size + 1;
    memcpy(name, l->name, l->name_size);
    name[l->name_size] = '\0';
    memcpy(value, l->value, l->value_size);
    value[l->value_size] = '\0';
    *f = (async_http_field){ .name = name, .value = value };
    if (res->last_field)
        res->last_field->next = f;
    else
        res->pub.headers = f;
    res->last_field = f;
    return true;
}

/* Read a Content-Length, which is nothing but digits. A proxy may have joined several headers to a
 * list, as in "5, 5"; a list of equal lengths is allowed. Returns -1 if the value is something
 * else. A length that is too large for the type becomes the largest number. */
static int64_t read_length(const char *value)
{
    size_t digits = strspn(value, "0123456789");
    const char *more = value + digits + strspn(value + digits, " \t");
    if (digits == 0)
        return -1;
    int64_t n = strtoll(value, NULL, 10), other = n;
    if (*more == ',') {
        more++;
        other = read_length(more + strspn(more, " \t"));
    } else if (*more) {
        other = -1;
    }
    return n == other ? n : -1;
}

/* Two different lengths may be an attack, because a proxy on the way may use the other one. libcurl
 * would use the last, and take "0x5" for 0 and "+5" for 5. */
static bool use_content_length(struct http_response *res, const char *value)
{
    int64_t n = read_length(value);
    if (n < 0)
        return REFUSE(&res->error, ASYNC_HTTP_PROTOCOL, "malformed Content-Length header: %.60s",
                      value);
    if (n == INT64_MAX)
        return REFUSE(&res->error, ASYNC_HTTP_TOO_LARGE,
                      "Content-Length is larger than any file: %.60s", value);
    if (res->content_length >= 0 && res->content_length != n)
        return REFUSE(&res->error, ASYNC_HTTP_PROTOCOL,
                      "two different Content-Length headers: %lld and %lld",
                      (long long)res->content_length, (long long)n);
    res->content_length = n;
    return true;
}

/* Transfer-Encoding matters although the request allows none but chunked, because libcurl undoes it
 * in any case. So the limits for compressed bodies apply. */
static bool use_header(struct http_response *res, const struct header_line *l)
{
    const char *value = res->last_field->value;
    if (header_is(l, "Content-Length"))
        return use_content_length(res, value);
    if (header_is(l, "Content-Encoding")) {
        res->coded = res->decompress;
        res->encoded |= res->coded && strcasecmp(value, "identity") != 0;
    } else if (header_is(l, "Transfer-Encoding")) {
        res->encoded |= strcasecmp(value, "chunked") != 0;
    } else if (header_is(l, "Location") && !res->location && *value) {
        res->location = value;
    }
    return true;
}

/* "HTTP/1.1 200 OK" begins a response, the first one or the one after an interim response. */
static bool use_status_line(struct http_response *res, const char *s, size_t n)
{
    const char *space = memchr(s, ' ', n), *end = s + n;
    http_response_next_hop(res);
    res->headers_begun = true;
    while (end > s && is_blank(end[-1]))
        end--;
    if (!space || end - space < 4)
        return true;
    const char *reason = space + 4 < end ? space + 5 : end;
    char *copy = http_arena_text(&res->arena, reason, (size_t)(end - reason));
    res->pub.reason = copy ? copy : "";
    return true;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* The headers are complete. After an interim response (1xx) those of the next response follow. A
 * body that is announced as too large is refused before it is read. */
static bool end_headers(struct http_response *res)
{
    int status = res->source->ops->status(res->source);
    if (status == 101)
        return REFUSE(&res->error, ASYNC_HTTP_PROTOCOL,
                      "status 101: server switched protocols unasked");
    if (status < 200) {
        res->headers_begun = false;
        return true;
    }
    res->pub.status = status;
    res->headers_done = true;
    res->redirect = res->follow && is_redirect(status) && res->location;
    if (res->redirect)
        return true;
    if (!res->head && !res->encoded && res->content_length > 0 &&
        (uint64_t)res->content_length > res->max_body)
        return REFUSE(&res->error, ASYNC_HTTP_TOO_LARGE,
                      "body of %lld bytes is larger than the limit of %zu bytes",
                      (long long)res->content_length, res->max_body);
    if (res->stream) {
        res->opened = true;
        async_event_set(&res->ready);
    }
    return true;
}

/* Process one line: the status line, a header, or the empty line at the end. Returns false if the
 * transfer must end. */
static bool take_line(struct http_response *res, const char *data, size_t n)
{
    struct header_line l;
    res->header_bytes += n;
    if (res->header_bytes > MAX_HEADERS)
        return REFUSE(&res->error, ASYNC_HTTP_TOO_LARGE,
                      "response headers are larger than the limit of %d bytes", MAX_HEADERS);
    if (!res->headers_begun && n > 5 && memcmp(data, "HTTP/", 5) == 0)
        return use_status_line(res, data, n);
    if (res->headers_done) /* a trailer behind the body */
        return true;
    if (n <= 2 && (data[0] == '\r' || data[0] == '\n'))
        return end_headers(res);
    if (split_header(data, n, &l))
        return store_header(res, &l) && use_header(res, &l);
    return true;
}

size_t http_response_header(struct http_response *res, const char *data, size_t n)
{
    return take_line(res, data, n) ? n : 0;
}
