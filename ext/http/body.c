/* SPDX-License-Identifier: MIT */
/* body.c - which of the options is the body of a request, and who asks. */
#include "http_internal.h"

#include <stdio.h>
#include <string.h>

static bool takes_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

static int pairs_check(struct http_error *e, const char *const *pairs, const char *what)
{
    for (; pairs && *pairs; pairs += 2)
        if (!pairs[1])
            return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "%s: %.60s without a value", what, pairs[0]);
    return 0;
}

static void choose(struct http_call *c, const void *body, size_t size, const char *type)
{
    c->body = body;
    c->body_size = size;
    c->content_type = type;
    c->has_body = true;
}

static int choose_form(struct http_call *c)
{
    int r = pairs_check(&c->res->error, c->o.form, "form");
    if (r < 0)
        return r;
    char *text = http_encode_pairs(&c->res->arena, c->o.form, "");
    if (!text)
        return http_fail(&c->res->error, ASYNC_HTTP_RESOURCES, "no memory for the form");
    choose(c, text, strlen(text), "application/x-www-form-urlencoded");
    return 0;
}

int http_body_choose(struct http_call *c)
{
    const struct async_http_opts *o = &c->o;
    int r = pairs_check(&c->res->error, o->query, "query");
    if (r < 0)
        return r;
    int bodies = !!o->text + !!o->json + !!o->form + (o->body || o->body_size);
    if (bodies > 1)
        return http_fail(&c->res->error, ASYNC_HTTP_BAD_REQUEST, "more than one body");
    if (bodies == 0 && o->content_type)
        return http_fail(&c->res->error, ASYNC_HTTP_BAD_REQUEST, "a content_type without a body");
    if (o->body_size && !o->body)
        return http_fail(&c->res->error, ASYNC_HTTP_BAD_REQUEST, "a body of %zu bytes at NULL", o->body_size);
    if (o->form)
        return choose_form(c);
    if (o->text)
        choose(c, o->text, strlen(o->text), "text/plain; charset=utf-8");
    else if (o->json)
        choose(c, o->json, strlen(o->json), "application/json");
    else if (o->body)
        choose(c, o->body, o->body_size, "application/octet-stream");
    else if (takes_body(c->method))
        choose(c, "", 0, NULL);
    if (c->has_body && strcmp(c->method, "HEAD") == 0)
        return http_fail(&c->res->error, ASYNC_HTTP_BAD_REQUEST, "HEAD with a body");
    return 0;
}

/* --- authorization --- */

static void base64(char *to, const unsigned char *s, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)s[i] << 16 | (i + 1 < n ? (unsigned)s[i + 1] << 8 : 0) |
                     (i + 2 < n ? s[i + 2] : 0);
        *to++ = digits[v >> 18];
        *to++ = digits[v >> 12 & 63];
        *to++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
        *to++ = i + 2 < n ? digits[v & 63] : '=';
    }
    *to = '\0';
}

#define BASIC  "Authorization: Basic "
#define BEARER "Authorization: Bearer "

/* One piece of memory for what must be wiped: the header, and while it is made user:password. */
static int basic(struct http_call *c, const char *user, const char *password)
{
    size_t n = strlen(user) + 1 + strlen(password), size = sizeof BASIC + (n + 2) / 3 * 4;
    char *text = http_arena_alloc(&c->res->arena, size + n + 1);
    if (!text)
        return http_fail(&c->res->error, ASYNC_HTTP_RESOURCES, "no memory for the authorization");
    c->res->secret = text;
    c->res->secret_size = size + n + 1;
    sprintf(text + size, "%s:%s", user, password);
    base64(stpcpy(text, BASIC), (unsigned char *)text + size, n);
    c->auth = text;
    return 0;
}

static int bearer(struct http_call *c, const char *token)
{
    size_t size = sizeof BEARER + strlen(token);
    char *text = http_arena_alloc(&c->res->arena, size);
    if (!text)
        return http_fail(&c->res->error, ASYNC_HTTP_RESOURCES, "no memory for the authorization");
    for (const char *p = token; *p; p++)
        if (*p <= ' ' || *p == 0x7f)
            return http_fail(&c->res->error, ASYNC_HTTP_BAD_REQUEST, "a control character in the bearer token");
    c->res->secret = text;
    c->res->secret_size = size;
    snprintf(text, size, BEARER "%s", token);
    c->auth = text;
    return 0;
}

/* user and password are the URL's; the options are stronger. */
int http_auth_choose(struct http_call *c, const char *user, const char *password)
{
    if (c->o.user || c->o.password) {
        user = c->o.user;
        password = c->o.password;
    }
    if (c->o.bearer && c->o.user)
        return http_fail(&c->res->error, ASYNC_HTTP_BAD_REQUEST, "both a user and a bearer token");
    if (c->o.bearer)
        return bearer(c, c->o.bearer);
    if (!user && !password)
        return 0;
    if (user && strchr(user, ':'))
        return http_fail(&c->res->error, ASYNC_HTTP_BAD_REQUEST, "a colon in the user's name");
    return basic(c, user ? user : "", password ? password : "");
}
