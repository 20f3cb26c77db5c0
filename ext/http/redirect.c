/* SPDX-License-Identifier: MIT */
/* redirect.c - from one hop to the next. libcurl could follow by itself; here each hop is a request
 * of its own, so that every one is subject to our limits, and what it may carry along is decided in
 * one place: credentials never leave the origin that they were given for, and do not come back once
 * they were dropped. */
#include "http_internal.h"

static int remember(struct http_response *res)
{
    async_http_redirect *step = http_arena_alloc(&res->arena, sizeof *step);
    if (!step)
        return http_fail(&res->error, ASYNC_HTTP_RESOURCES, "no memory for a redirect");
    *step = (async_http_redirect){ .status = res->pub.status, .url = res->pub.url };
    if (res->last_redirect)
        res->last_redirect->next = step;
    else
        res->pub.redirects = step;
    res->last_redirect = step;
    res->pub.redirect_count++;
    return 0;
}

/* 307 and 308 repeat the request as it was. The others are answers to a POST that say "now look
 * there", by custom for 301 and 302, by definition for 303. */
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
        return http_fail(&res->error, ASYNC_HTTP_REDIRECTS, "more than %d redirects", c->o.max_redirects);
    int r = remember(res);
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
    return http_fields_build(c);
}
