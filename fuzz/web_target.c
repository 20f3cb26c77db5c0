/* SPDX-License-Identifier: MIT */
/* web_target.c - fuzz the targets of requests in the web server: path, query string and routes. The
 * input is a target as it stands in a request line.
 *
 * What was decoded, encoded again and decoded again is the same; and a parameter of a route never
 * contains anything that was not in its segment. */
#include "fuzz.h"

#include "ext/web/query.h"
#include "ext/web/routes.h"
#include "ext/web/uri.h"

#include <asyncio.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- encoding --- */

/* Encode every byte of a text. Free the result with free(). */
static char *encode(const char *text)
{
    static const char hex[] = "0123456789abcdef";
    size_t n = strlen(text);
    char *encoded = malloc(3 * n + 1), *to = encoded;
    fuzz_check(encoded, "no memory");
    for (size_t i = 0; i < n; i++) {
        *to++ = '%';
        *to++ = hex[(unsigned char)text[i] >> 4];
        *to++ = hex[(unsigned char)text[i] & 15];
    }
    *to = '\0';
    return encoded;
}

/* --- path and query --- */

/* No byte of a target ends a line or a part of the request line, also not in the host of
 * "http://host/path". */
static void check_bytes(const char *target)
{
    for (const char *p = target; *p; p++)
        fuzz_check((unsigned char)*p > ' ' && *p != 0x7f, "byte %02x", (unsigned char)*p);
}

static void check_path(struct web_arena *arena, const struct web_uri *uri)
{
    size_t n = strlen(uri->path);
    struct web_uri again;
    fuzz_check(uri->raw[0] == '/' && uri->path[0] == '/', "%s", uri->raw);
    fuzz_check(n <= uri->path_size, "%zu bytes of %zu", n, uri->path_size);
    fuzz_check(!strpbrk(uri->raw, "# \t\r\n"), "%s", uri->raw);
    char *encoded = encode(uri->path);
    encoded[0] = '/'; /* the first slash cannot be encoded */
    memmove(encoded + 1, encoded + 3, strlen(encoded + 3) + 1);
    fuzz_check(web_uri_parse(&again, arena, encoded) == 0, "%s", encoded);
    fuzz_check(strcmp(uri->path, again.path) == 0, "%s became %s", uri->path, again.path);
    fuzz_check(again.query[0] == '\0', "%s", again.query);
    free(encoded);
    fuzz_check(web_uri_parse(&again, arena, uri->raw) == 0, "%s", uri->raw);
    fuzz_check(strcmp(uri->raw, again.raw) == 0, "%s became %s", uri->raw, again.raw);
}

/* An item encoded on its own is parsed to the same name and value. */
static void check_item(struct web_arena *arena, const struct web_query_item *item)
{
    struct web_query again = { 0 };
    char *name = encode(item->name), *value = encode(item->value);
    char *text = web_arena_alloc(arena, strlen(name) + strlen(value) + 2);
    fuzz_check(text, "no memory");
    stpcpy(stpcpy(stpcpy(text, name), "="), value);
    web_query_parse(&again, arena, text);
    fuzz_check(again.count == 1, "%zu items in %s", again.count, text);
    fuzz_check(strcmp(again.items[0].name, item->name) == 0, "%s became %s", item->name,
               again.items[0].name);
    fuzz_check(strcmp(again.items[0].value, item->value) == 0, "%s became %s", item->value,
               again.items[0].value);
    free(name);
    free(value);
}

static void check_query(struct web_arena *arena, const char *text)
{
    struct web_query q = { 0 };
    size_t most = *text != '\0', total = 0;
    for (const char *p = text; *p; p++)
        most += *p == '&';
    web_query_parse(&q, arena, text);
    fuzz_check(q.count <= most, "%zu items in %s", q.count, text);
    for (size_t i = 0; i < q.count; i++) {
        const char *found = web_query_find(&q, q.items[i].name);
        fuzz_check(found, "%s is not found", q.items[i].name);
        total += strlen(q.items[i].name) + strlen(q.items[i].value);
        check_item(arena, &q.items[i]);
    }
    fuzz_check(total <= strlen(text), "%zu bytes of %s", total, text);
}

/* --- routes --- */

ASYNC_DEF(handle, (async_web_request *)rq)
{
    (void)rq;
    return 0;
}

static const async_web_route table[] = { { "GET", "/", handle },
                                         { "POST", "/users/{id}", handle },
                                         { "GET", "/users/{id}/posts/{post}", handle },
                                         { "GET", "/a b/{x}", handle },
                                         { "*", "/files/{path...}", handle },
                                         { 0 } };

/* A parameter that is a single segment was one in the target, too: encoded again and put into the
 * pattern, it is found again. */
static void check_segment_param(struct web_arena *arena, const struct web_routes *routes,
                                const struct web_match *match)
{
    struct web_uri uri;
    struct web_match again = { 0 };
    const char *id = web_match_param(match, "id");
    if (match->route->user != &table[1] || !id)
        return;
    char *encoded = encode(id), *text = web_arena_alloc(arena, strlen(encoded) + 8);
    fuzz_check(text, "no memory");
    stpcpy(stpcpy(text, "/users/"), encoded);
    fuzz_check(web_uri_parse(&uri, arena, text) == 0, "%s", text);
    int status = web_routes_find(routes, "POST", &uri, arena, &again);
    const char *found = status == 0 ? web_match_param(&again, "id") : NULL;
    fuzz_check(found && strcmp(found, id) == 0, "%s became %s", id, found);
    free(encoded);
}

/* A handler that appends the value to the path of a folder reaches only files in it. */
static void check_stays_in_folder(const char *value)
{
    fuzz_check(strcmp(value, ".") != 0 && strcmp(value, "..") != 0, "%s", value);
    fuzz_check(strncmp(value, "../", 3) != 0 && !strstr(value, "/../"), "%s", value);
    size_t n = strlen(value);
    fuzz_check(n < 3 || strcmp(value + n - 3, "/..") != 0, "%s", value);
}

static void check_route(struct web_arena *arena, const struct web_routes *routes,
                        const struct web_uri *uri, const char *method)
{
    struct web_match match = { 0 };
    int status = web_routes_find(routes, method, uri, arena, &match);
    fuzz_check(status == 0 || status == 400 || status == 404 || status == 405, "%d", status);
    fuzz_check((status == 405) == (match.allow != NULL), "%d", status);
    if (status != 0)
        return;
    fuzz_check(match.route && match.count <= WEB_PARAMS_MAX, "%zu", match.count);
    size_t total = 0;
    for (size_t i = 0; i < match.count; i++) {
        const char *value = match.params[i].value;
        fuzz_check(*value || match.route->user == &table[4], "a parameter of %s is empty",
                   uri->raw);
        check_stays_in_folder(value);
        total += strlen(value);
    }
    fuzz_check(total <= strlen(uri->path), "%zu bytes of %s", total, uri->path);
    check_segment_param(arena, routes, &match);
}

static void check_routes(struct web_arena *arena, const struct web_uri *uri)
{
    static const char *const methods[] = { "GET", "POST", "HEAD", "PUT", "get", NULL };
    struct web_routes routes = { 0 };
    fuzz_check(web_routes_compile(&routes, table, NULL) == 0, "the table of routes is invalid");
    for (size_t i = 0; methods[i]; i++)
        check_route(arena, &routes, uri, methods[i]);
    web_routes_free(&routes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct web_arena arena;
    struct web_uri uri;
    char *target = fuzz_text(data, size);
    web_arena_init(&arena);
    int r = web_uri_parse(&uri, &arena, target);
    fuzz_check(r == 0 || r == -EINVAL, "%d", r);
    if (r == 0) {
        check_bytes(target);
        check_path(&arena, &uri);
        check_query(&arena, uri.query);
        check_routes(&arena, &uri);
    }
    web_arena_free(&arena);
    free(target);
    return 0;
}
