/* SPDX-License-Identifier: MIT */
/* routes.c - paths are compared segment by segment in the form in which they were sent, and each
 * segment is decoded on its own, so that an encoded '/' never separates segments. The table is
 * searched from its start. That takes time in proportion to the number of routes, but the first
 * byte or the length of a segment rules out most of them. */
#include "routes.h"

#include <asyncio/error.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the table --- */

/* Is this segment of a pattern "{name...}", which matches the rest of the path? */
static bool matches_rest(const char *segment, size_t size)
{
    return size >= 5 && memcmp(segment + size - 4, "...}", 4) == 0;
}

/* Accept plain text, "{name}", and "{name...}" as the last segment. Counts parameters in
 * *params. */
static bool is_valid_segment(const char *segment, size_t size, bool last, size_t *params)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    if (size == 0 || segment[0] != '{')
        return !memchr(segment, '{', size) && !memchr(segment, '}', size);
    size_t name = strspn(segment + 1, letters), tail = matches_rest(segment, size) ? 4 : 1;
    if (name == 0 || segment[size - 1] != '}' || size != 1 + name + tail || (tail == 4 && !last))
        return false;
    return ++*params <= WEB_PARAMS_MAX;
}

static bool is_valid_route(const async_web_route *r)
{
    size_t params = 0;
    if (!r->path || r->path[0] != '/' || !r->handler || r->method[0] == '\0')
        return false;
    for (const char *p = r->path; *p;) {
        size_t n = strcspn(++p, "/");
        if (!is_valid_segment(p, n, p[n] == '\0', &params))
            return false;
        p += n;
    }
    return true;
}

/* Count the routes of a table. Returns -EINVAL and a message if one is invalid. */
static int count_routes(const async_web_route *table)
{
    int n = 0;
    for (; table && table[n].method; n++)
        if (!is_valid_route(&table[n]))
            return async_fail(-EINVAL, "invalid route: %s %s", table[n].method,
                              table[n].path ? table[n].path : "(path is NULL)");
    return n;
}

static int append_routes(struct web_routes *routes, const async_web_route *table, int n,
                         bool streamed)
{
    for (int i = 0; i < n; i++, routes->count++) {
        struct web_route *r = &routes->list[routes->count];
        r->user = &table[i];
        r->streamed = streamed;
        if (asprintf(&r->name, "%s %s", r->user->method, r->user->path) < 0)
            return -ENOMEM;
    }
    return 0;
}

int web_routes_compile(struct web_routes *routes, const async_web_route *table,
                       const async_web_route *streamed)
{
    int n = count_routes(table), more = count_routes(streamed);
    if (n < 0 || more < 0)
        return -EINVAL;
    if (n + more == 0)
        return async_fail(-EINVAL, "the table of routes is empty");
    routes->list = calloc((size_t)(n + more), sizeof *routes->list);
    if (!routes->list)
        return -ENOMEM;
    int r = append_routes(routes, table, n, false);
    return r < 0 ? r : append_routes(routes, streamed, more, true);
}

void web_routes_free(struct web_routes *routes)
{
    for (size_t i = 0; i < routes->count; i++)
        free(routes->list[i].name);
    free(routes->list);
    *routes = (struct web_routes){ NULL, 0 };
}

/* --- one route --- */

/* Does a segment as it was sent, once decoded, equal the size bytes of text? */
static bool segment_equals(const char *raw, size_t raw_size, const char *text, size_t size)
{
    if (!memchr(raw, '%', raw_size))
        return raw_size == size && memcmp(raw, text, size) == 0;
    char c;
    size_t i = 0;
    for (size_t j = 0; j < raw_size; i++) {
        size_t step = raw[j] == '%' ? 3 : 1;
        web_uri_decode(&c, raw + j, step, false);
        if (i == size || c != text[i])
            return false;
        j += step;
    }
    return i == size;
}

struct capture { /* the value of a parameter, not decoded yet */
    const char *name, *raw;
    size_t size;
};

/* Match a path against the pattern of a route. Writes the values of its parameters to captures and
 * returns their number, or -1 if the pattern does not match. */
static int match_path(const char *pattern, const struct web_uri *uri, struct capture *captures)
{
    int count = 0;
    const char *raw = uri->raw, *end = raw + uri->path_size;
    while (*pattern == '/' && raw < end && *raw == '/') {
        pattern++, raw++;
        const char *slash = memchr(raw, '/', (size_t)(end - raw));
        size_t n = strcspn(pattern, "/"), size = (size_t)((slash ? slash : end) - raw);
        if (pattern[0] == '{') {
            if (matches_rest(pattern, n))
                size = (size_t)(end - raw);
            else if (size == 0)
                return -1;
            captures[count++] = (struct capture){ pattern + 1, raw, size };
        } else if (!segment_equals(raw, size, pattern, n)) {
            return -1;
        }
        pattern += n;
        raw += size;
    }
    return *pattern == '\0' && raw == end ? count : -1;
}

/* A route for GET serves HEAD as well: MHD leaves the body out. */
static bool serves_method(const async_web_route *r, const char *method)
{
    return strcmp(r->method, method) == 0 || strcmp(r->method, "*") == 0 ||
           (strcmp(r->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* Could the value of a parameter lead out of a folder when it is used as a path? It could if one of
 * its parts is "." or "..", also if the '/' beside it was encoded. */
static bool leads_elsewhere(const char *value)
{
    for (;; value++) {
        size_t n = strcspn(value, "/");
        if ((n == 1 && value[0] == '.') || (n == 2 && value[0] == '.' && value[1] == '.'))
            return true;
        value += n;
        if (*value == '\0')
            return false;
    }
}

/* Does text, in the form in which it was sent, have an encoded '/'? */
static bool has_encoded_slash(const char *raw, size_t size)
{
    for (size_t i = 0; i + 2 < size; i++)
        if (raw[i] == '%' && raw[i + 1] == '2' && (raw[i + 2] | 0x20) == 'f')
            return true;
    return false;
}

/* In the rest of a path, the application cannot tell an encoded '/' from one that separates
 * segments. In one segment it is clear that it does not. A rest that begins with '/', after two of
 * them, would be an absolute path. */
static bool is_safe_param(const struct capture *c, const char *value)
{
    size_t name = strcspn(c->name, "}") + 1;
    bool rest = name > 4 && c->name[name - 2] == '.';
    bool absolute = rest && *value == '/';
    return !absolute && !leads_elsewhere(value) && !(rest && has_encoded_slash(c->raw, c->size));
}

/* Returns 0, or a status: 400 for a value that is not safe, 503 without memory. */
static int decode_params(struct web_match *match, struct web_arena *arena,
                         const struct capture *captures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *value = web_arena_copy(arena, captures[i].raw, captures[i].size);
        if (!value)
            return 503;
        value[web_uri_decode(value, value, captures[i].size, false)] = '\0';
        if (!is_safe_param(&captures[i], value))
            return 400;
        match->params[i] = (struct web_param){ captures[i].name, value };
    }
    match->count = count;
    return 0;
}

/* --- the search --- */

/* Return the next route from *i on that has the path, whatever its method, or NULL. */
static const async_web_route *next_with_path(const struct web_routes *routes,
                                             const struct web_uri *uri, size_t *i)
{
    struct capture captures[WEB_PARAMS_MAX];
    while (*i < routes->count) {
        const async_web_route *r = routes->list[(*i)++].user;
        if (match_path(r->path, uri, captures) >= 0)
            return r;
    }
    return NULL;
}

/* Append a method to a list that has room for it, unless an earlier route has put it there. */
static void append_method(char *list, const char *method)
{
    size_t used = strlen(list), n = strlen(method);
    for (const char *p = list; (p = strstr(p, method)); p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ',' || p[n] == '\0'))
            return;
    sprintf(list + used, "%s%s", used ? ", " : "", method);
}

/* Set ret->allow to "GET, HEAD, POST" for a path that has routes, but none for the method. */
static int list_methods(const struct web_routes *routes, const struct web_uri *uri,
                        struct web_arena *arena, struct web_match *ret)
{
    const async_web_route *r;
    const size_t none = sizeof ", HEAD";
    size_t most = none;
    for (size_t i = 0; (r = next_with_path(routes, uri, &i));)
        most += strlen(r->method) + strlen(", ");
    if (most == none)
        return 404;
    char *list = web_arena_alloc(arena, most);
    if (!list)
        return 503;
    *list = '\0';
    for (size_t i = 0; (r = next_with_path(routes, uri, &i));) {
        append_method(list, r->method);
        if (strcmp(r->method, "GET") == 0)
            append_method(list, "HEAD");
    }
    ret->allow = list;
    return 405;
}

int web_routes_find(const struct web_routes *routes, const char *method, const struct web_uri *uri,
                    struct web_arena *arena, struct web_match *ret)
{
    struct capture captures[WEB_PARAMS_MAX];
    for (size_t i = 0; i < routes->count; i++) {
        const struct web_route *r = &routes->list[i];
        int n;
        if (!serves_method(r->user, method) || (n = match_path(r->user->path, uri, captures)) < 0)
            continue;
        ret->route = r;
        return decode_params(ret, arena, captures, (size_t)n);
    }
    return list_methods(routes, uri, arena, ret);
}

const char *web_match_param(const struct web_match *match, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < match->count; i++) {
        const char *end = match->params[i].name + n;
        if (strncmp(match->params[i].name, name, n) == 0 &&
            (*end == '}' || strcmp(end, "...}") == 0))
            return match->params[i].value;
    }
    return NULL;
}
