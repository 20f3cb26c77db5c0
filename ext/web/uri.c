/* SPDX-License-Identifier: MIT */
/* uri.c - the request's target: what is a URI, its path and its query, and percent-decoding. MHD would decode
 * too, but before it splits: then "%2F" would part segments and "%00" end strings. */
#include "internal.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 0, or -EINVAL: control characters, a '%' without two digits, an encoded NUL (nobody's strings can hold it). */
int web_uri_check(const char *uri)
{
    for (const char *p = uri; *p; p++) {
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return -EINVAL;
        if (*p != '%')
            continue;
        if (hex(p[1]) < 0 || hex(p[2]) < 0 || (p[1] == '0' && p[2] == '0'))
            return -EINVAL;
        p += 2;
    }
    return 0;
}

/* Decode what web_uri_check() passed; to may be from. The number of bytes; no '\0' is added. */
size_t web_decode(char *to, const char *from, size_t size, bool plus)
{
    char *out = to;
    for (size_t i = 0; i < size; i++) {
        if (from[i] == '%' && i + 2 < size) {
            *out++ = (char)(hex(from[i + 1]) << 4 | hex(from[i + 2]));
            i += 2;
        } else {
            *out++ = plus && from[i] == '+' ? ' ' : from[i];
        }
    }
    return (size_t)(out - to);
}

/* "http://host/path", which proxies and old clients send: the path in it. */
static const char *skip_origin(const char *uri)
{
    if (strncasecmp(uri, "http://", 7) != 0)
        return uri;
    uri += 7 + strcspn(uri + 7, "/?");
    return *uri == '/' ? uri : "/";
}

/* Keep uri in rq, find path and query in it, decode the path. 0; -EINVAL; -ENOMEM. */
int web_uri_split(async_web_request *rq, const char *uri)
{
    uri = skip_origin(uri);
    if (*uri != '/' || web_uri_check(uri) < 0)
        return -EINVAL;
    rq->uri = web_copy(rq, uri, strlen(uri));
    if (!rq->uri)
        return -ENOMEM;
    rq->path_raw = strcspn(rq->uri, "?#");
    rq->query = rq->uri[rq->path_raw] == '?' ? rq->uri + rq->path_raw + 1 : "";

    char *path = web_copy(rq, rq->uri, rq->path_raw);
    if (!path)
        return -ENOMEM;
    path[web_decode(path, path, rq->path_raw, false)] = '\0';
    rq->path = path;
    return 0;
}
