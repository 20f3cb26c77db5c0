/* SPDX-License-Identifier: MIT */
/* public_url.c - the functions of <asyncio/http_url.h>. */
#include <asyncio/error.h>
#include <asyncio/http_url.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "url.h"

struct url_record {
    async_http_url pub; /* first */
    struct http_url url;
    struct http_arena arena;
};

static struct url_record *record_new(void)
{
    struct url_record *r = calloc(1, sizeof *r);
    if (r)
        http_arena_init(&r->arena);
    return r;
}

/* --- the parts of a normal URL --- */

/* Copy the n bytes at s. Sets *failed if there is no memory. */
static const char *copy_part(struct url_record *r, const char *s, size_t n, bool *failed)
{
    const char *copy = http_arena_text(&r->arena, s, n);
    *failed = *failed || !copy;
    return copy;
}

/* Copy what follows the separator at s, up to n bytes; NULL if something else is there. */
static const char *copy_optional(struct url_record *r, char separator, const char *s, size_t n,
                                 bool *failed)
{
    return *s == separator ? copy_part(r, s + 1, n - 1, failed) : NULL;
}

/* The port follows the last colon of the origin, unless that is a part of an IPv6 address. */
static const char *find_port(const char *host, size_t n)
{
    const char *colon = memrchr(host, ':', n), *bracket = memrchr(host, ']', n);
    return colon && (!bracket || colon > bracket) ? colon : NULL;
}

/* Fill in the public members from the normal text. Returns 0; -ENOMEM. */
static int split_url(struct url_record *r)
{
    const char *text = r->url.text, *host = strstr(text, "://") + 3;
    bool failed = false;
    size_t origin = http_url_origin(text), scheme = (size_t)(host - text) - 3;
    const char *path = text + origin, *query = path + strcspn(path, "?#");
    const char *fragment = query + strcspn(query, "#"),
               *port = find_port(host, (size_t)(path - host));
    const char *host_end = port ? port : path;
    async_http_url *u = &r->pub;
    u->text = text;
    u->user = r->url.user;
    u->password = r->url.password;
    u->port = port ? atoi(port + 1) : http_url_is_https(text) ? 443 : 80;
    u->origin = copy_part(r, text, origin, &failed);
    u->scheme = copy_part(r, text, scheme, &failed);
    u->host = copy_part(r, host, (size_t)(host_end - host), &failed);
    u->path = copy_part(r, path, (size_t)(query - path), &failed);
    u->query = copy_optional(r, '?', query, (size_t)(fragment - query), &failed);
    u->fragment = copy_optional(r, '#', fragment, strlen(fragment), &failed);
    return failed ? -ENOMEM : 0;
}

/* --- the public functions --- */

/* Read a URL, or a reference relative to base unless that is NULL. */
static int read_record(const char *base, const char *url, async_http_url **ret)
{
    struct http_error e = { 0 };
    struct url_record *r = record_new();
    if (!r)
        return -ENOMEM;
    int code = http_url_read_relative(&r->arena, base, url, NULL, &e, &r->url);
    if (code < 0)
        async_ignore(async_fail(code, "%s", e.text));
    else
        code = split_url(r);
    if (code < 0)
        async_http_url_free(&r->pub);
    else
        *ret = &r->pub;
    return code;
}

int async_http_url_parse(const char *url, async_http_url **ret)
{
    return read_record(NULL, url, ret);
}

int async_http_url_join(const char *base, const char *reference, async_http_url **ret)
{
    async_http_url_auto from = NULL;
    int r = async_http_url_parse(base, &from);
    if (r == 0 && !reference)
        r = async_fail(-EINVAL, "bad URL: NULL");
    return r == 0 ? read_record(from->text, reference, ret) : r;
}

void async_http_url_free(async_http_url *url)
{
    struct url_record *r = (struct url_record *)url;
    if (!r)
        return;
    http_url_free_secrets(&r->url);
    http_arena_free(&r->arena);
    free(r);
}

void async_http_url_drop(async_http_url **url)
{
    async_http_url_free(*url);
    *url = NULL;
}

/* Return the length of "anything://" at the start, or 0. A "://" further behind, as in a query,
 * does not count, because a password could precede it. */
static size_t scheme_size(const char *url)
{
    size_t n = 0;
    while (isalnum((unsigned char)url[n]) || (url[n] && strchr("+-.", url[n])))
        n++;
    return strncmp(url + n, "://", 3) == 0 ? n + 3 : 0;
}

/* In a URL that can be parsed, user and password end at the last '@' before the path. */
char *async_http_url_redact(char *url)
{
    async_http_url_auto parsed = NULL;
    char *host = url + scheme_size(url);
    if (!strchr(host, '@'))
        return url;
    bool good = async_http_url_parse(url, &parsed) == 0;
    size_t n = good ? strcspn(host, "/?#") : strlen(host);
    char *at = memrchr(host, '@', n);
    if (at)
        memmove(host, at + 1, strlen(at + 1) + 1);
    return url;
}
