/* SPDX-License-Identifier: MIT */
/* request_headers.c - the headers of a request, as the list of lines that libcurl borrows. The list
 * is made in an arena. */
#include "request_headers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "call.h"
#include "content_decoding.h"

/* --- what is allowed --- */

static bool name_is_in(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

/* The headers of which it is known that they contain no secret and concern no single origin. All
 * others may be credentials under any name, such as X-API-Key. */
static bool is_for_any_origin(const char *name)
{
    return name_is_in(name, (const char *const[]){ "Accept",
                                                   "Accept-Charset",
                                                   "Accept-Encoding",
                                                   "Accept-Language",
                                                   "Cache-Control",
                                                   "Content-Encoding",
                                                   "Content-Language",
                                                   "Content-Type",
                                                   "DNT",
                                                   "If-Match",
                                                   "If-Modified-Since",
                                                   "If-None-Match",
                                                   "If-Range",
                                                   "If-Unmodified-Since",
                                                   "Pragma",
                                                   "Prefer",
                                                   "Priority",
                                                   "Range",
                                                   "User-Agent",
                                                   NULL });
}

/* May a header be sent to another origin than the first? */
static bool may_cross(const struct http_call *c, const char *name)
{
    return is_for_any_origin(name) || (c->location_trusted && strcasecmp(name, "Host") != 0);
}

static bool is_for_body(const char *name)
{
    return name_is_in(name, (const char *const[]){ "Content-Type", "Content-Encoding",
                                                   "Content-Language", "Content-Location", NULL });
}

/* libcurl writes the headers that announce how long the body is. Two different lengths would allow
 * request smuggling. */
static bool is_for_framing(const char *name)
{
    return name_is_in(name, (const char *const[]){ "Content-Length", "Transfer-Encoding", NULL });
}

bool http_is_token(const char *s)
{
    if (!s || !*s)
        return false;
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
            return false;
    }
    return true;
}

static bool is_header_value(const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

int http_headers_check(const char *const *pairs, struct http_error *e)
{
    for (const char *const *p = pairs; p && *p; p += 2) {
        if (!http_is_token(p[0]))
            return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "bad header name");
        if (!p[1])
            return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "header %.60s has no value", p[0]);
        if (!is_header_value(p[1]))
            return http_fail(e, ASYNC_HTTP_BAD_REQUEST,
                             "value of header %.60s contains a control character", p[0]);
        if (is_for_framing(p[0]))
            return http_fail(e, ASYNC_HTTP_BAD_REQUEST,
                             "header %s is set by the library and cannot be given", p[0]);
    }
    return 0;
}

/* --- lists of lines --- */

struct header_list {
    struct http_arena *arena;
    struct curl_slist *first, *last;
    bool failed; /* out of memory */
};

/* Append a line to the list. line is NULL if there was no memory for it, so that callers need not
 * check each line. */
static void add_line(struct header_list *l, char *line)
{
    struct curl_slist *node = line ? http_arena_alloc(l->arena, sizeof *node) : NULL;
    if (!node) {
        l->failed = true;
        return;
    }
    *node = (struct curl_slist){ .data = line };
    if (l->last)
        l->last->next = node;
    else
        l->first = node;
    l->last = node;
}

/* For libcurl a header without a value is spelled "Name;". */
static void append_header(struct header_list *l, const char *name, const char *value)
{
    size_t n = strlen(name), m = strlen(value);
    char *line = http_arena_alloc(l->arena, n + m + 3);
    if (line)
        snprintf(line, n + m + 3, *value ? "%s: %s" : "%s;", name, value);
    add_line(l, line);
}

/* The line "Name:" makes libcurl leave out a header that it would add by itself. */
static void suppress_header(struct header_list *l, const char *name)
{
    size_t n = strlen(name);
    char *line = http_arena_alloc(l->arena, n + 2);
    if (line)
        snprintf(line, n + 2, "%s:", name);
    add_line(l, line);
}

static const char *find_value(const char *const *pairs, const char *name)
{
    for (; pairs && *pairs; pairs += 2)
        if (strcasecmp(pairs[0], name) == 0)
            return pairs[1];
    return NULL;
}

/* --- the list of a session --- */

/* libcurl has options for these two headers, with which it would format each of them twice. Pairs
 * in call or of the session replace them. */
static void add_standard(struct header_list *l, const async_http_session *s, const char *encodings,
                         const char *const *call)
{
    const char *const *own = s->o.headers;
    if (*s->o.user_agent && !find_value(call, "User-Agent") && !find_value(own, "User-Agent"))
        append_header(l, "User-Agent", s->o.user_agent);
    if (encodings && !find_value(call, "Accept-Encoding") && !find_value(own, "Accept-Encoding"))
        append_header(l, "Accept-Encoding", encodings);
}

int http_headers_prepare(async_http_session *s)
{
    struct header_list l = { .arena = &s->arena };
    add_standard(&l, s, http_supported_encodings, NULL);
    for (const char *const *p = s->o.headers; p && *p; p += 2)
        append_header(&l, p[0], p[1]);
    s->plain_headers = l.first;
    return l.failed ? -ENOMEM : 0;
}

/* --- the list of a hop --- */

static bool is_sent(const struct http_call *c, const char *name)
{
    if (c->crossed && !may_cross(c, name))
        return false;
    if (c->auth && strcasecmp(name, "Authorization") == 0)
        return false;
    if (c->o.content_type && c->has_body && strcasecmp(name, "Content-Type") == 0)
        return false;
    if (c->body_dropped && is_for_body(name))
        return false;
    return true;
}

static void add_pairs(struct header_list *l, const struct http_call *c, const char *const *pairs,
                      const char *const *replaced_by)
{
    for (const char *const *p = pairs; p && *p; p += 2)
        if (is_sent(c, p[0]) && !find_value(replaced_by, p[0]))
            append_header(l, p[0], p[1]);
}

/* A POST without a body announces a body of 0 bytes, which has no type. "Expect: 100-continue" is
 * suppressed because it would cost a round trip before the body is sent. */
static void add_for_body(struct header_list *l, const struct http_call *c)
{
    const char *given = find_value(c->o.headers, "Content-Type");
    if (!given)
        given = find_value(c->session->o.headers, "Content-Type");
    if (c->o.content_type)
        append_header(l, "Content-Type", c->o.content_type);
    else if (!given && c->content_type)
        append_header(l, "Content-Type", c->content_type);
    else if (!given)
        suppress_header(l, "Content-Type");
    suppress_header(l, "Expect");
}

/* A stream accepts only those two of which one read unpacks to a bounded size, see stream.c. */
static const char *accepted_encodings(const struct http_call *c)
{
    return c->o.no_decompress ? NULL : c->stream ? "gzip, deflate" : http_supported_encodings;
}

/* A request that adds nothing uses the session's list. The line with the authorization is not
 * copied, because it will be wiped. */
int http_headers_build(struct http_call *c)
{
    struct header_list l = { .arena = &c->res->arena };
    c->headers = c->session->plain_headers;
    bool special = c->o.headers || c->o.no_decompress || c->stream || c->body_dropped;
    if (!special && !c->auth && !c->has_body && !c->crossed)
        return 0;
    add_standard(&l, c->session, accepted_encodings(c), c->o.headers);
    add_pairs(&l, c, c->session->o.headers, c->o.headers);
    add_pairs(&l, c, c->o.headers, NULL);
    if (c->auth && (!c->crossed || c->location_trusted))
        add_line(&l, c->auth);
    if (c->has_body)
        add_for_body(&l, c);
    c->headers = l.first;
    if (l.failed)
        return http_fail(&c->res->error, ASYNC_HTTP_RESOURCES, "out of memory for the headers");
    return 0;
}
