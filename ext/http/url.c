/* SPDX-License-Identifier: MIT */
/* url.c - what is done to URLs before libcurl reads them. An ordinary one is only looked at; one
 * with a user, spaces or other bytes that must be encoded, and a redirect's, go through libcurl's
 * own parser, so that there is one opinion on what the host is. */
#include "http_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define AFTER_SCHEME(url) (strstr((url), "://") + 3)

static bool has_scheme(const char *url, const char *scheme)
{
    size_t n = strlen(scheme);
    return strncasecmp(url, scheme, n) == 0 && strncmp(url + n, "://", 3) == 0;
}

bool http_url_is_https(const char *url)
{
    return has_scheme(url, "https");
}

/* "http://host:port" of a URL that http_url_first() or _next() has passed. */
size_t http_url_origin(const char *url)
{
    const char *host = AFTER_SCHEME(url), *end = host + strcspn(host, "/?#");
    size_t n = (size_t)(end - url);
    const char *standard = http_url_is_https(url) ? ":443" : ":80";
    size_t m = strlen(standard);
    return n > m && memcmp(end - m, standard, m) == 0 ? n - m : n;
}

bool http_url_same_origin(const char *a, const char *b)
{
    size_t n = http_url_origin(a);
    return n == http_url_origin(b) && strncasecmp(a, b, n) == 0;
}

/* --- percent-encoding --- */

static bool unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

static char *encode(char *to, const char *s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (unreserved(c)) {
            *to++ = *s;
        } else {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
    }
    return to;
}

/* before, then name=value&name=value; the number of strings is even. */
char *http_encode_pairs(struct http_arena *a, const char *const *pairs, const char *before)
{
    size_t size = strlen(before) + 1;
    for (const char *const *p = pairs; *p; p++)
        size += strlen(*p) * 3 + 1;
    char *text = http_arena_alloc(a, size), *to = text;
    if (!text)
        return NULL;
    to = stpcpy(to, before);
    for (const char *const *p = pairs; *p; p += 2) {
        if (p != pairs)
            *to++ = '&';
        to = encode(to, p[0]);
        *to++ = '=';
        to = encode(to, p[1]);
    }
    *to = '\0';
    return text;
}

static const char *with_query(struct http_arena *a, const char *url, const char *const *query)
{
    if (!query || !query[0])
        return url;
    size_t keep = strcspn(url, "#");
    char *before = http_arena_alloc(a, keep + 2);
    if (!before)
        return NULL;
    memcpy(before, url, keep);
    before[keep] = '\0';
    bool some = strchr(before, '?');
    bool open = keep && (before[keep - 1] == '?' || before[keep - 1] == '&');
    if (!open)
        strcpy(before + keep, some ? "&" : "?");
    return http_encode_pairs(a, query, before);
}

/* --- the caller's URL --- */

static int parse_failed(struct http_response *res, CURLUcode rc)
{
    if (rc == CURLUE_OUT_OF_MEMORY)
        return http_fail(res, ASYNC_HTTP_RESOURCES, "no memory for the URL");
    return http_fail(res, ASYNC_HTTP_BAD_URL, "bad URL: %s", curl_url_strerror(rc));
}

static CURLUcode part(CURLU *u, CURLUPart what, char **ret, unsigned flags)
{
    CURLUcode rc = curl_url_get(u, what, ret, flags);
    return rc == CURLUE_NO_USER || rc == CURLUE_NO_PASSWORD ? CURLUE_OK : rc;
}

static CURLUcode without_user(CURLU *u)
{
    CURLUcode rc = curl_url_set(u, CURLUPART_USER, NULL, 0);
    if (rc == CURLUE_OK)
        rc = curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
    if (rc == CURLUE_OK)
        rc = curl_url_set(u, CURLUPART_OPTIONS, NULL, 0);
    return rc;
}

static CURLUcode keep_url(struct http_response *res, CURLU *u)
{
    char *text = NULL;
    CURLUcode rc = curl_url_get(u, CURLUPART_URL, &text, 0);
    if (rc != CURLUE_OK)
        return rc;
    char *copy = http_arena_text(&res->arena, text, strlen(text));
    curl_free(text);
    if (!copy)
        return CURLUE_OUT_OF_MEMORY;
    res->pub.url = copy;
    return CURLUE_OK;
}

static int parse(struct http_response *res, const char *url, char **ret_user, char **ret_password)
{
    CURLU *u = curl_url();
    CURLUcode rc = u ? curl_url_set(u, CURLUPART_URL, url, CURLU_URLENCODE | CURLU_ALLOW_SPACE)
                     : CURLUE_OUT_OF_MEMORY;
    if (rc == CURLUE_OK)
        rc = part(u, CURLUPART_USER, ret_user, CURLU_URLDECODE);
    if (rc == CURLUE_OK)
        rc = part(u, CURLUPART_PASSWORD, ret_password, CURLU_URLDECODE);
    if (rc == CURLUE_OK)
        rc = without_user(u);
    if (rc == CURLUE_OK)
        rc = keep_url(res, u);
    curl_url_cleanup(u);
    return rc == CURLUE_OK ? 0 : parse_failed(res, rc);
}

/* -EINVAL and the like; 0; 1: the parser's help is needed. */
static int look(struct http_response *res, const char *url)
{
    bool odd = false;
    for (const char *p = url; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < ' ' || c == 0x7f)
            return http_fail(res, ASYNC_HTTP_BAD_URL, "bad URL: a control character in it");
        odd = odd || c == ' ' || c > 0x7f;
    }
    if (!has_scheme(url, "http") && !has_scheme(url, "https"))
        return http_fail(res, strstr(url, "://") ? ASYNC_HTTP_SCHEME : ASYNC_HTTP_BAD_URL,
                         "bad URL: it must begin with http:// or https://");
    const char *host = AFTER_SCHEME(url);
    size_t n = strcspn(host, "/?#");
    if (n == 0)
        return http_fail(res, ASYNC_HTTP_BAD_URL, "bad URL: no host");
    return odd || memchr(host, '@', n);
}

int http_url_first(struct http_response *res, const char *url, const char *const *query,
                   char **ret_user, char **ret_password)
{
    if (!url)
        return http_fail(res, ASYNC_HTTP_BAD_URL, "bad URL: NULL");
    int r = look(res, url);
    if (r < 0)
        return r;
    url = with_query(&res->arena, url, query);
    if (!url)
        return http_fail(res, ASYNC_HTTP_RESOURCES, "no memory for the URL");
    if (r > 0)
        return parse(res, url, ret_user, ret_password);
    res->pub.url = http_arena_text(&res->arena, url, strlen(url));
    if (res->pub.url)
        return 0;
    res->pub.url = "";
    return http_fail(res, ASYNC_HTTP_RESOURCES, "no memory for the URL");
}

/* --- a redirect's --- */

static int scheme_of_next(struct http_response *res, CURLU *u, bool allow_downgrade)
{
    char *scheme = NULL;
    int r = 0;
    if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return http_fail(res, ASYNC_HTTP_RESOURCES, "no memory for the URL");
    if (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0)
        r = http_fail(res, ASYNC_HTTP_SCHEME, "a redirect to %.20s://", scheme);
    else if (http_url_is_https(res->pub.url) && strcasecmp(scheme, "https") != 0 && !allow_downgrade)
        r = http_fail(res, ASYNC_HTTP_FORBIDDEN, "a redirect from https to http");
    curl_free(scheme);
    return r;
}

static CURLUcode resolve(CURLU *u, const char *base, const char *location)
{
    CURLUcode rc = curl_url_set(u, CURLUPART_URL, base, 0);
    if (rc == CURLUE_OK)
        rc = curl_url_set(u, CURLUPART_URL, location,
                          CURLU_URLENCODE | CURLU_ALLOW_SPACE | CURLU_NON_SUPPORT_SCHEME);
    return rc == CURLUE_OK ? without_user(u) : rc;
}

/* pub.url becomes what location means from there, without a user that the server may have put in. */
int http_url_next(struct http_response *res, const char *location, bool allow_downgrade)
{
    CURLU *u = curl_url();
    CURLUcode rc = u ? resolve(u, res->pub.url, location) : CURLUE_OUT_OF_MEMORY;
    int r = 0;
    if (rc == CURLUE_OK)
        r = scheme_of_next(res, u, allow_downgrade);
    if (rc == CURLUE_OK && r == 0)
        rc = keep_url(res, u);
    curl_url_cleanup(u);
    if (rc == CURLUE_OUT_OF_MEMORY)
        return http_fail(res, ASYNC_HTTP_RESOURCES, "no memory for the URL");
    if (rc != CURLUE_OK)
        return http_fail(res, ASYNC_HTTP_PROTOCOL, "a redirect to a bad URL: %s",
                         curl_url_strerror(rc));
    return r;
}
