/* SPDX-License-Identifier: MIT */
/* redirect.c - follow redirects. libcurl could do it by itself. Here each hop is a request of its
 * own, so that all limits apply to it, and so that this file decides what it may carry along.
 * Credentials never leave the origin for which they were given, and are not sent again once they
 * were dropped, unless the caller trusts all targets. Any header of the caller's may be one. */
#include "redirect.h"

#include <string.h>

#include "call.h"
#include "request_headers.h"
#include "url.h"

/* Append the hop that has just ended to the list of redirects, which the caller can read. */
static int store_redirect(struct http_response *res)
{
    async_http_redirect *step = http_arena_alloc(&res->arena, sizeof *step);
    if (!step)
        return http_fail(&res->error, ASYNC_HTTP_RESOURCES, "out of memory for a redirect");
    *step = (async_http_redirect){ .status = res->pub.status, .url = res->pub.url };
    if (res->last_redirect)
        res->last_redirect->next = step;
    else
        res->pub.redirects = step;
    res->last_redirect = step;
    res->pub.redirect_count++;
    return 0;
}

/* 307 and 308 repeat the request as it was. The others lead to a page that is read with GET, by
 * definition after a 303, and by custom if a POST is answered with 301 or 302. */
static void change_method(struct http_call *c, int status)
{
    if (status == 307 || status == 308 || strcmp(c->method, "GET") == 0 ||
        strcmp(c->method, "HEAD") == 0)
        return;
    if (status != 303 && strcmp(c->method, "POST") != 0)
        return;
    c->method = "GET";
    c->body_dropped = c->has_body;
    c->has_body = false;
    c->body = NULL;
    c->body_size = 0;
}

int http_redirect_follow(struct http_call *c)
{
    struct http_response *res = c->res;
    const char *from = res->pub.url;
    if (res->pub.redirect_count >= c->o.max_redirects)
        return http_fail(&res->error, ASYNC_HTTP_REDIRECTS, "more than %d redirects",
                         c->o.max_redirects);
    int r = store_redirect(res);
    if (r == 0)
        r = http_url_resolve(&res->arena, from, res->location, c->session->o.allow_downgrade,
                             &res->error, &res->pub.url);
    if (r < 0)
        return r;
    if (!http_url_same_origin(from, res->pub.url))
        c->crossed = true;
    change_method(c, res->pub.status);
    http_response_next_hop(res);
    res->finished = false;
    async_event_clear(&res->ready);
    return http_headers_build(c);
}
