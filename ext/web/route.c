/* SPDX-License-Identifier: MIT */
/* route.c - which handler answers what: patterns against paths, segment by segment. The path is compared as it
 * came, and each segment decoded on its own, so that an encoded '/' never parts segments. The table is walked
 * from its start: O(routes), and a first byte or a length decides most of them. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_rest(const char *seg, size_t n)
{
    return n >= 5 && memcmp(seg + n - 4, "...}", 4) == 0;
}

/* One segment of a pattern: plain text, "{name}", or "{name...}" if it is the last. */
static int segment_check(const char *seg, size_t n, bool last, size_t *nparams)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    if (n == 0 || seg[0] != '{')
        return memchr(seg, '{', n) || memchr(seg, '}', n) ? -EINVAL : 0;
    size_t size = strspn(seg + 1, name), tail = is_rest(seg, n) ? 4 : 1;
    if (size == 0 || seg[n - 1] != '}' || n != 1 + size + tail || (tail == 4 && !last))
        return -EINVAL;
    return ++*nparams > WEB_PARAMS ? -EINVAL : 0;
}

static int route_check(const async_web_route *r)
{
    size_t nparams = 0;
    if (!r->path || r->path[0] != '/' || !r->handler || r->method[0] == '\0')
        return -EINVAL;
    for (const char *p = r->path; *p;) {
        size_t n = strcspn(++p, "/");
        if (segment_check(p, n, p[n] == '\0', &nparams) < 0)
            return -EINVAL;
        p += n;
    }
    return 0;
}

int web_routes_compile(async_web_server *s, const async_web_route *routes)
{
    size_t n = 0;
    for (; routes && routes[n].method; n++)
        if (route_check(&routes[n]) < 0)
            return async_fail(-EINVAL, "bad route: %s %s", routes[n].method,
                              routes[n].path ? routes[n].path : "(no path)");
    if (n == 0)
        return async_fail(-EINVAL, "no routes");
    s->routes = calloc(n, sizeof *s->routes);
    if (!s->routes)
        return -ENOMEM;
    for (; s->nroutes < n; s->nroutes++) {
        struct web_route *r = &s->routes[s->nroutes];
        r->user = &routes[s->nroutes];
        if (asprintf(&r->label, "%s %s", r->user->method, r->user->path) < 0)
            return -ENOMEM;
    }
    return 0;
}

void web_routes_free(async_web_server *s)
{
    for (size_t i = 0; i < s->nroutes; i++)
        free(s->routes[i].label);
    free(s->routes);
}

/* Whether raw, decoded, is the n bytes of text. */
static bool segment_is(const char *raw, size_t size, const char *text, size_t n)
{
    if (!memchr(raw, '%', size))
        return size == n && memcmp(raw, text, n) == 0;
    char c;
    size_t i = 0;
    for (size_t j = 0; j < size; i++) {
        size_t step = raw[j] == '%' ? 3 : 1;
        web_decode(&c, raw + j, step, false);
        if (i == n || c != text[i])
            return false;
        j += step;
    }
    return i == n;
}

struct capture {
    const char *name, *raw;
    size_t size;
};

/* Match the path against a pattern; its parameters in caps. -1: no; else their number. */
static int match(const char *pattern, const char *raw, const char *end, struct capture *caps)
{
    int ncaps = 0;
    while (*pattern == '/' && raw < end && *raw == '/') {
        pattern++, raw++;
        const char *slash = memchr(raw, '/', (size_t)(end - raw));
        size_t n = strcspn(pattern, "/"), size = (size_t)((slash ? slash : end) - raw);
        if (pattern[0] == '{') {
            if (is_rest(pattern, n))
                size = (size_t)(end - raw);
            else if (size == 0)
                return -1;
            caps[ncaps++] = (struct capture){ pattern + 1, raw, size };
        } else if (!segment_is(raw, size, pattern, n)) {
            return -1;
        }
        pattern += n;
        raw += size;
    }
    return *pattern == '\0' && raw == end ? ncaps : -1;
}

static int keep_params(async_web_request *rq, const struct capture *caps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *value = web_copy(rq, caps[i].raw, caps[i].size);
        if (!value)
            return -ENOMEM;
        value[web_decode(value, value, caps[i].size, false)] = '\0';
        rq->params[i] = (struct web_param){ caps[i].name, value };
    }
    rq->nparams = n;
    return 0;
}

static bool method_fits(const async_web_request *rq, const async_web_route *r)
{
    return strcmp(r->method, rq->method) == 0 || strcmp(r->method, "*") == 0 ||
           (rq->head && strcmp(r->method, "GET") == 0);
}

/* The next of the routes that fit the path, whatever the method. */
static const async_web_route *next_fit(const async_web_request *rq, size_t *i)
{
    struct capture caps[WEB_PARAMS];
    while (*i < rq->server->nroutes) {
        const async_web_route *r = rq->server->routes[(*i)++].user;
        if (match(r->path, rq->uri, rq->uri + rq->path_raw, caps) >= 0)
            return r;
    }
    return NULL;
}

static void list_method(char *list, const char *method)
{
    size_t used = strlen(list), n = strlen(method);
    for (const char *p = list; (p = strstr(p, method)); p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ',' || p[n] == '\0'))
            return; /* by another of the routes that fit */
    sprintf(list + used, "%s%s", used ? ", " : "", method);
}

/* "Allow: GET, HEAD, POST" for a path that has handlers, but none for this method. */
static int add_allow(async_web_request *rq)
{
    const async_web_route *r;
    size_t most = sizeof ", HEAD";
    for (size_t i = 0; (r = next_fit(rq, &i));)
        most += strlen(r->method) + strlen(", ");
    if (most == sizeof ", HEAD")
        return 404;
    char *allow = web_alloc(rq, most);
    if (!allow)
        return 503;
    *allow = '\0';
    for (size_t i = 0; (r = next_fit(rq, &i));) {
        list_method(allow, r->method);
        if (strcmp(r->method, "GET") == 0)
            list_method(allow, "HEAD");
    }
    return async_web_add_header(rq, "Allow", allow) < 0 ? 503 : 405;
}

/* Find the route: 0, or the status of the refusal. */
int web_route_find(async_web_request *rq)
{
    struct capture caps[WEB_PARAMS];
    for (size_t i = 0; i < rq->server->nroutes; i++) {
        const struct web_route *r = &rq->server->routes[i];
        int n;
        if (!method_fits(rq, r->user) ||
            (n = match(r->user->path, rq->uri, rq->uri + rq->path_raw, caps)) < 0)
            continue;
        rq->route = r;
        return keep_params(rq, caps, (size_t)n) < 0 ? 503 : 0;
    }
    return add_allow(rq);
}
