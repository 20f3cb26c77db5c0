/* SPDX-License-Identifier: MIT */
/* fields.c - the headers of a request: the session's, the call's, and those that the body and the
 * authorization bring. libcurl borrows a list of lines, which is made in an arena. Nothing that
 * could end a line early gets into one. */
#include "http_internal.h"

#include <stdio.h>
#include <strings.h>

static bool any_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

static bool is_secret(const char *name) /* or belongs to the first origin alone */
{
    return any_of(name, (const char *const[]){ "Authorization", "Cookie", "Proxy-Authorization",
                                               "Host", NULL });
}

static bool is_of_body(const char *name)
{
    return any_of(name, (const char *const[]){ "Content-Type", "Content-Encoding",
                                               "Content-Language", "Content-Location", NULL });
}

static bool is_ours(const char *name) /* a second opinion on the length is how requests are smuggled */
{
    return any_of(name, (const char *const[]){ "Content-Length", "Transfer-Encoding", NULL });
}

bool http_token(const char *s)
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

static bool is_value(const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

int http_fields_check(struct http_error *e, const char *const *pairs)
{
    for (const char *const *p = pairs; p && *p; p += 2) {
        if (!http_token(p[0]))
            return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "a bad header name");
        if (!p[1])
            return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "header %.60s without a value", p[0]);
        if (!is_value(p[1]))
            return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "a control character in header %.60s", p[0]);
        if (is_ours(p[0]))
            return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "header %s is the library's", p[0]);
    }
    return 0;
}

/* --- lists --- */

struct list {
    struct http_arena *arena;
    struct curl_slist *first, *last;
    bool failed;
};

static void add_line(struct list *l, char *line)
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

/* libcurl spells a header without a value "Name;". */
static void add(struct list *l, const char *name, const char *value)
{
    size_t n = strlen(name), m = strlen(value);
    char *line = http_arena_alloc(l->arena, n + m + 3);
    if (line)
        snprintf(line, n + m + 3, *value ? "%s: %s" : "%s;", name, value);
    add_line(l, line);
}

static void add_without(struct list *l, const char *name) /* libcurl would send one of its own */
{
    size_t n = strlen(name);
    char *line = http_arena_alloc(l->arena, n + 2);
    if (line)
        snprintf(line, n + 2, "%s:", name);
    add_line(l, line);
}

static const char *value_of(const char *const *pairs, const char *name)
{
    for (; pairs && *pairs; pairs += 2)
        if (strcasecmp(pairs[0], name) == 0)
            return pairs[1];
    return NULL;
}

/* libcurl has options for these two. It would format each of them twice. */
static void add_ours(struct list *l, const async_http_session *s, const char *encodings,
                     const char *const *stronger)
{
    const char *const *own = s->o.headers;
    if (*s->o.user_agent && !value_of(stronger, "User-Agent") && !value_of(own, "User-Agent"))
        add(l, "User-Agent", s->o.user_agent);
    if (encodings && !value_of(stronger, "Accept-Encoding") && !value_of(own, "Accept-Encoding"))
        add(l, "Accept-Encoding", encodings);
}

int http_fields_plain(async_http_session *s)
{
    struct list l = { .arena = &s->arena };
    add_ours(&l, s, s->encodings, NULL);
    for (const char *const *p = s->o.headers; p && *p; p += 2)
        add(&l, p[0], p[1]);
    s->plain_headers = l.first;
    return l.failed ? -ENOMEM : 0;
}

static bool wanted(const struct http_call *c, const char *name)
{
    if (c->crossed && is_secret(name))
        return false;
    if (c->auth && strcasecmp(name, "Authorization") == 0)
        return false;
    if (c->o.content_type && c->has_body && strcasecmp(name, "Content-Type") == 0)
        return false;
    if (c->body_dropped && is_of_body(name))
        return false;
    return true;
}

static void add_pairs(struct list *l, const struct http_call *c, const char *const *pairs,
                      const char *const *stronger)
{
    for (const char *const *p = pairs; p && *p; p += 2)
        if (wanted(c, p[0]) && !value_of(stronger, p[0]))
            add(l, p[0], p[1]);
}

/* Empty is a body too: a POST without one says so by its length 0, and has no type. */
static void add_for_body(struct list *l, const struct http_call *c)
{
    const char *own = value_of(c->o.headers, "Content-Type");
    if (!own)
        own = value_of(c->session->o.headers, "Content-Type");
    if (c->o.content_type)
        add(l, "Content-Type", c->o.content_type);
    else if (!own && c->content_type)
        add(l, "Content-Type", c->content_type);
    else if (!own)
        add_without(l, "Content-Type");
    add_without(l, "Expect"); /* a round trip for nothing */
}

/* What one piece of these two can unpack to is bounded, see stream.c. */
static const char *encodings(const struct http_call *c)
{
    return c->o.no_decompress ? NULL : c->stream ? "gzip, deflate" : c->session->encodings;
}

/* c->headers for the next hop. Without anything special it is the session's list, made once. */
int http_fields_build(struct http_call *c)
{
    struct list l = { .arena = &c->res->arena };
    c->headers = c->session->plain_headers;
    bool special = c->o.headers || c->o.no_decompress || c->stream || c->body_dropped;
    if (!special && !c->auth && !c->has_body && !c->crossed)
        return 0;
    add_ours(&l, c->session, encodings(c), c->o.headers);
    add_pairs(&l, c, c->session->o.headers, c->o.headers);
    add_pairs(&l, c, c->o.headers, NULL);
    if (c->auth && !c->crossed)
        add_line(&l, c->auth); /* no copy: it will be wiped */
    if (c->has_body)
        add_for_body(&l, c);
    c->headers = l.first;
    return l.failed ? http_fail(&c->res->error, ASYNC_HTTP_RESOURCES, "no memory for the headers") : 0;
}
