/* SPDX-License-Identifier: MIT */
/* request_body.c - choose the body of a request from .text, .json, .form and .body. */
#include "request_body.h"

#include <string.h>

#include "call.h"
#include "url_encode.h"

/* Methods that announce an empty body if none is given. */
static bool method_takes_body(const char *m)
{
    return strcmp(m, "POST") == 0 || strcmp(m, "PUT") == 0 || strcmp(m, "PATCH") == 0;
}

static int check_pairs(struct http_error *e, const char *const *pairs, const char *option)
{
    for (; pairs && *pairs; pairs += 2)
        if (!pairs[1])
            return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "option .%s: %.60s has no value", option,
                             pairs[0]);
    return 0;
}

static void choose_body(struct http_call *c, const void *body, size_t size, const char *type)
{
    c->body = body;
    c->body_size = size;
    c->content_type = type;
    c->has_body = true;
}

static int encode_form(struct http_call *c)
{
    struct http_error *e = &c->res->error;
    int r = check_pairs(e, c->o.form, "form");
    if (r < 0)
        return r;
    char *text = http_encode_pairs(&c->res->arena, c->o.form, "");
    if (!text)
        return http_fail(e, ASYNC_HTTP_RESOURCES, "out of memory for the form");
    choose_body(c, text, strlen(text), "application/x-www-form-urlencoded");
    return 0;
}

/* Refuse options that contradict each other. */
static int check_body_options(struct http_call *c)
{
    const struct async_http_opts *o = &c->o;
    struct http_error *e = &c->res->error;
    int bodies = !!o->text + !!o->json + !!o->form + (o->body || o->body_size);
    if (bodies > 1)
        return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "more than one of .text, .json, .form, .body");
    if (bodies == 0 && o->content_type)
        return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "request has a .content_type but no body");
    if (o->body_size && !o->body)
        return http_fail(e, ASYNC_HTTP_BAD_REQUEST, ".body is NULL, but .body_size is %zu",
                         o->body_size);
    return check_pairs(e, o->query, "query");
}

int http_body_choose(struct http_call *c)
{
    const struct async_http_opts *o = &c->o;
    int r = check_body_options(c);
    if (r < 0)
        return r;
    if (o->form)
        r = encode_form(c);
    else if (o->text)
        choose_body(c, o->text, strlen(o->text), "text/plain; charset=utf-8");
    else if (o->json)
        choose_body(c, o->json, strlen(o->json), "application/json");
    else if (o->body)
        choose_body(c, o->body, o->body_size, "application/octet-stream");
    else if (method_takes_body(c->method))
        choose_body(c, "", 0, NULL);
    if (r == 0 && c->has_body && strcmp(c->method, "HEAD") == 0)
        return http_fail(&c->res->error, ASYNC_HTTP_BAD_REQUEST, "HEAD request cannot have a body");
    return r;
}
