/* SPDX-License-Identifier: MIT */
/* cookie.c - cookies are read and written as they are: RFC 6265 has no encoding for their values.
 * */
#include "request.h"
#include "token.h"

#include <asyncio/error.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copy a value of size bytes without the quotation marks around it. */
static char *copy_cookie(struct web_arena *arena, const char *value, size_t size)
{
    while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t'))
        size--;
    if (size >= 2 && value[0] == '"' && value[size - 1] == '"') {
        value++;
        size -= 2;
    }
    return web_arena_copy(arena, value, size);
}

const char *async_web_cookie(async_web_request *rq, const char *name)
{
    size_t n = strlen(name);
    const char *p = async_web_header(rq, "Cookie");
    while (p && *p) {
        p += strspn(p, " \t;");
        size_t size = strcspn(p, ";");
        if (size > n && p[n] == '=' && memcmp(p, name, n) == 0)
            return copy_cookie(&rq->arena, p + n + 1, size - n - 1);
        p += size;
    }
    return NULL;
}

/* --- a cookie is set --- */

/* The characters that RFC 6265 allows in a value. */
static bool is_cookie_value(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f || strchr("\",;\\", *text))
            return false;
    return true;
}

static bool is_attribute(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f || *text == ';')
            return false;
    return true;
}

static bool is_same_site(const struct async_web_cookie_opts *o)
{
    if (!o->same_site || strcmp(o->same_site, "Lax") == 0 || strcmp(o->same_site, "Strict") == 0)
        return true;
    return strcmp(o->same_site, "None") == 0 && o->secure;
}

static bool is_valid_cookie(const char *name, const char *value,
                            const struct async_web_cookie_opts *o)
{
    return web_is_token(name) && is_cookie_value(value) && (!o->path || is_attribute(o->path)) &&
           (!o->domain || is_attribute(o->domain)) && is_same_site(o);
}

/* "Max-Age=0" deletes a cookie; without it the cookie lasts until the browser is closed. */
static void format_age(char *text, size_t size, double max_age)
{
    text[0] = '\0';
    if (max_age != 0)
        snprintf(text, size, "; Max-Age=%.0f", max_age < 0 ? 0 : max_age < 1 ? 1 : max_age);
}

int async_web_set_cookie_opt(async_web_request *rq, const char *name, const char *value,
                             const struct async_web_cookie_opts *opts)
{
    struct async_web_cookie_opts o = { .struct_size = 0 };
    char age[40], *text;
    memcpy(&o, opts, opts->struct_size < sizeof o ? opts->struct_size : sizeof o);
    if (!is_valid_cookie(name, value, &o))
        return async_fail(-EINVAL, "invalid name, value or option of the cookie %s", name);
    format_age(age, sizeof age, o.max_age);
    int n = asprintf(&text, "%s=%s; Path=%s%s%s%s; SameSite=%s%s%s", name, value,
                     o.path ? o.path : "/", o.domain ? "; Domain=" : "", o.domain ? o.domain : "",
                     age, o.same_site ? o.same_site : "Lax", o.secure ? "; Secure" : "",
                     o.scripts ? "" : "; HttpOnly");
    if (n < 0)
        return -ENOMEM;
    int r = async_web_add_header(rq, "Set-Cookie", text);
    free(text);
    return r;
}
