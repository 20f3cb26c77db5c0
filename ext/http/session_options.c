/* SPDX-License-Identifier: MIT */
/* session_options.c - check the options of a session, and copy their strings. */
#include "session_options.h"

#include <asyncio/error.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "request_headers.h"
#include "session.h"
#include "url.h"

enum { DEFAULT_LIMIT = 100 };

/* --- copies of strings --- */

static bool copy_string(struct http_arena *a, const char **s)
{
    if (*s)
        *s = http_arena_text(a, *s, strlen(*s));
    return *s;
}

/* An option that is NULL stays NULL. Returns false if there is no memory. */
static bool copy_strings(async_http_session *s)
{
    const char **strings[] = { &s->o.user_agent, &s->o.ca_file, &s->o.cert_file, &s->o.key_file,
                               &s->o.unix_socket };
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        if (*strings[i] && !copy_string(&s->arena, strings[i]))
            return false;
    return true;
}

/* Copy the list of headers and their strings. Returns false if there is no memory. */
static bool copy_headers(async_http_session *s)
{
    size_t n = 0;
    while (s->o.headers && s->o.headers[n])
        n++;
    const char **copy = http_arena_alloc(&s->arena, (n + 1) * sizeof *copy);
    if (!copy)
        return false;
    for (size_t i = 0; i < n; i++) {
        copy[i] = s->o.headers[i];
        if (!copy_string(&s->arena, &copy[i]))
            return false;
    }
    copy[n] = NULL;
    s->o.headers = copy;
    return true;
}

static bool copy_resolve(async_http_session *s)
{
    for (const char *const *p = s->o.resolve; p && *p; p++) {
        struct curl_slist *list = curl_slist_append(s->resolve, *p);
        if (!list)
            return false;
        s->resolve = list;
    }
    s->o.resolve = NULL;
    return true;
}

/* --- all options --- */

static int check_options(const struct async_http_session_opts *o)
{
    struct http_error e = { 0 };
    if (o->struct_size == 0)
        return async_fail(-EINVAL, "session options have no struct_size: use the macros");
    const char *agent = o->user_agent ? o->user_agent : "";
    if (http_headers_check(o->headers, &e) < 0 ||
        http_headers_check(ASYNC_HTTP_PAIRS("User-Agent", agent), &e) < 0)
        return async_fail(-EINVAL, "%s", e.text);
    if (o->ip != 0 && o->ip != 4 && o->ip != 6)
        return async_fail(-EINVAL, "session option .ip is %d: it must be 4, 6 or 0", o->ip);
    return 0;
}

/* Make the base URL normal. It may have no user, which would have to be sent with some requests and
 * not with others. */
static int copy_base_url(async_http_session *s)
{
    struct http_error e = { 0 };
    struct http_url u;
    if (!s->o.base_url)
        return 0;
    int r = http_url_read(&s->arena, s->o.base_url, NULL, &e, &u);
    bool has_user = u.user || u.password;
    http_url_free_secrets(&u);
    s->o.base_url = u.text;
    if (r < 0)
        return async_fail(r, "session option .base_url: %s", e.text);
    return has_user ? async_fail(-EINVAL, "session option .base_url contains a user") : 0;
}

int http_session_configure(async_http_session *s, const struct async_http_session_opts *opts)
{
    s->o.struct_size = sizeof s->o;
    if (opts)
        memcpy(&s->o, opts, http_opts_size(opts->struct_size, sizeof s->o));
    int r = check_options(&s->o);
    if (r < 0)
        return r;
    if (!s->o.user_agent)
        s->o.user_agent = "asyncio/" ASYNC_VERSION;
    http_limits_init(&s->limits, s->o.limit ? s->o.limit : DEFAULT_LIMIT, s->o.limit_per_host);
    r = http_proxies_choose(&s->arena, s->o.proxy, s->o.no_proxy, &s->proxies);
    if (r < 0)
        return r;
    s->o.proxy = s->o.no_proxy = NULL;
    r = copy_base_url(s);
    if (r < 0)
        return r;
    bool copied = copy_strings(s) && copy_headers(s) && copy_resolve(s);
    return copied ? http_headers_prepare(s) : -ENOMEM;
}
