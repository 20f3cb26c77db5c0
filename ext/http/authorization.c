/* SPDX-License-Identifier: MIT */
/* authorization.c - write the Authorization header: Basic or Bearer. */
#include "authorization.h"

#include <stdio.h>
#include <string.h>

#include "call.h"

#define BASIC  "Authorization: Basic "
#define BEARER "Authorization: Bearer "

static void encode_base64(char *to, const unsigned char *s, size_t n)
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

/* Returns memory that is wiped when the response is freed; NULL with an error if there is none. */
static char *alloc_secret(struct http_call *c, size_t size)
{
    char *text = http_arena_alloc(&c->res->arena, size);
    if (!text) {
        http_fail(&c->res->error, ASYNC_HTTP_RESOURCES, "out of memory for the authorization");
        return NULL;
    }
    c->res->secret = text;
    c->res->secret_size = size;
    return text;
}

/* One piece of memory holds the header, and behind it "user:password", from which it is made. */
static int set_basic(struct http_call *c, const char *user, const char *password)
{
    size_t n = strlen(user) + 1 + strlen(password), size = sizeof BASIC + (n + 2) / 3 * 4;
    char *text = alloc_secret(c, size + n + 1);
    if (!text)
        return c->res->error.code;
    sprintf(text + size, "%s:%s", user, password);
    encode_base64(stpcpy(text, BASIC), (unsigned char *)text + size, n);
    c->auth = text;
    return 0;
}

/* Write the header for .bearer. A line break in the token would begin another header, so control
 * characters are refused. */
static int set_bearer(struct http_call *c, const char *token)
{
    for (const char *p = token; *p; p++)
        if (*p <= ' ' || *p == 0x7f)
            return http_fail(&c->res->error, ASYNC_HTTP_BAD_REQUEST,
                             "option .bearer contains a space or a control character");
    size_t size = sizeof BEARER + strlen(token);
    char *text = alloc_secret(c, size);
    if (!text)
        return c->res->error.code;
    snprintf(text, size, BEARER "%s", token);
    c->auth = text;
    return 0;
}

int http_auth_choose(struct http_call *c, const char *user, const char *password)
{
    struct http_error *e = &c->res->error;
    if (c->o.user || c->o.password) {
        user = c->o.user;
        password = c->o.password;
    }
    if (c->o.bearer && c->o.user)
        return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "request has both .user and .bearer");
    if (c->o.bearer)
        return set_bearer(c, c->o.bearer);
    if (!user && !password)
        return 0;
    if (user && strchr(user, ':'))
        return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "user name contains a colon");
    return set_basic(c, user ? user : "", password ? password : "");
}
