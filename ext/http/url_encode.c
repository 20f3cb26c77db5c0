/* SPDX-License-Identifier: MIT */
/* url_encode.c - percent-encoding. */
#include "url_encode.h"

#include <stdbool.h>
#include <string.h>

/* The characters that RFC 3986 calls unreserved. In a query string all others are encoded. */
static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

static char *put_encoded(char *to, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";
    *to++ = '%';
    *to++ = hex[c >> 4];
    *to++ = hex[c & 15];
    return to;
}

char *http_encode_invalid(char *to, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c <= ' ' || c >= 0x7f)
            to = put_encoded(to, c);
        else
            *to++ = *s;
    }
    return to;
}

static char *encode_text(char *to, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (is_unreserved(c))
            *to++ = *s;
        else
            to = put_encoded(to, c);
    }
    return to;
}

char *http_encode_pairs(struct http_arena *a, const char *const *pairs, const char *prefix)
{
    size_t size = strlen(prefix) + 1;
    for (const char *const *p = pairs; *p; p++)
        size += strlen(*p) * 3 + 1;
    char *text = http_arena_alloc(a, size), *to = text;
    if (!text)
        return NULL;
    to = stpcpy(to, prefix);
    for (const char *const *p = pairs; *p; p += 2) {
        if (p != pairs)
            *to++ = '&';
        to = encode_text(to, p[0]);
        *to++ = '=';
        to = encode_text(to, p[1]);
    }
    *to = '\0';
    return text;
}

const char *http_append_query(struct http_arena *a, const char *url, const char *const *query)
{
    if (!query || !query[0])
        return url;
    size_t keep = strcspn(url, "#");
    char *prefix = http_arena_alloc(a, keep + 2);
    if (!prefix)
        return NULL;
    memcpy(prefix, url, keep);
    prefix[keep] = '\0';
    bool has_query = strchr(prefix, '?');
    bool separated = has_query && (prefix[keep - 1] == '?' || prefix[keep - 1] == '&');
    if (!separated)
        strcpy(prefix + keep, has_query ? "&" : "?");
    return http_encode_pairs(a, query, prefix);
}
