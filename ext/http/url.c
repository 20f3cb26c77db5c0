/* SPDX-License-Identifier: MIT */
/* url.c - what is done to URLs before libcurl reads them. An ordinary URL is only checked. One that
 * has a user, spaces or other bytes to encode, and every target of a redirect, go through libcurl's
 * own parser, so that the library and libcurl cannot disagree on what the host is. */
#include "url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define AFTER_SCHEME(url) (strstr((url), "://") + 3)

static bool url_has_scheme(const char *url, const char *scheme)
{
    size_t n = strlen(scheme);
    return strncasecmp(url, scheme, n) == 0 && strncmp(url + n, "://", 3) == 0;
}

bool http_url_is_https(const char *url)
{
    return url_has_scheme(url, "https");
}

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

/* The characters that RFC 3986 calls unreserved; all others are encoded. */
static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

/* Write s with percent-encoding. Returns the end of what was written. */
static char *encode_text(char *to, const char *s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (is_unreserved(c)) {
            *to++ = *s;
        } else {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
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

/* Append the pairs of query behind a query that the URL may have already, and before its fragment,
 * which is never sent. */
static const char *append_query(struct http_arena *a, const char *url, const char *const *query)
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
    bool separated = keep && (prefix[keep - 1] == '?' || prefix[keep - 1] == '&');
    if (!separated)
        strcpy(prefix + keep, has_query ? "&" : "?");
    return http_encode_pairs(a, query, prefix);
}

/* --- URLs from the caller --- */

static int fail_no_memory(struct http_error *e)
{
    return http_fail(e, ASYNC_HTTP_RESOURCES, "out of memory for the URL");
}

static CURLUcode get_optional_part(CURLU *u, CURLUPart what, char **ret)
{
    CURLUcode rc = curl_url_get(u, what, ret, CURLU_URLDECODE);
    return rc == CURLUE_NO_USER || rc == CURLUE_NO_PASSWORD ? CURLUE_OK : rc;
}

static CURLUcode remove_user(CURLU *u)
{
    CURLUcode rc = curl_url_set(u, CURLUPART_USER, NULL, 0);
    if (rc == CURLUE_OK)
        rc = curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
    if (rc == CURLUE_OK)
        rc = curl_url_set(u, CURLUPART_OPTIONS, NULL, 0);
    return rc;
}

static CURLUcode copy_url(struct http_arena *a, CURLU *u, const char **ret)
{
    char *text = NULL;
    CURLUcode rc = curl_url_get(u, CURLUPART_URL, &text, 0);
    if (rc != CURLUE_OK)
        return rc;
    char *copy = http_arena_text(a, text, strlen(text));
    curl_free(text);
    if (!copy)
        return CURLUE_OUT_OF_MEMORY;
    *ret = copy;
    return CURLUE_OK;
}

/* Let libcurl encode the URL, and take the user and the password out of it. */
static int encode_url(struct http_arena *a, const char *s, struct http_error *e, struct http_url *u)
{
    CURLU *p = curl_url();
    CURLUcode rc = p ? curl_url_set(p, CURLUPART_URL, s, CURLU_URLENCODE | CURLU_ALLOW_SPACE)
                     : CURLUE_OUT_OF_MEMORY;
    if (rc == CURLUE_OK)
        rc = get_optional_part(p, CURLUPART_USER, &u->user);
    if (rc == CURLUE_OK)
        rc = get_optional_part(p, CURLUPART_PASSWORD, &u->password);
    if (rc == CURLUE_OK)
        rc = remove_user(p);
    if (rc == CURLUE_OK)
        rc = copy_url(a, p, &u->text);
    curl_url_cleanup(p);
    if (rc == CURLUE_OUT_OF_MEMORY)
        return fail_no_memory(e);
    if (rc != CURLUE_OK)
        return http_fail(e, ASYNC_HTTP_BAD_URL, "bad URL: %s", curl_url_strerror(rc));
    return 0;
}

/* Returns 0 if url can be requested as it is, 1 if it must be parsed and encoded first; an
 * error. */
static int inspect_url(const char *url, struct http_error *e)
{
    bool encode = false;
    for (const char *p = url; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < ' ' || c == 0x7f)
            return http_fail(e, ASYNC_HTTP_BAD_URL, "bad URL: it contains a control character");
        encode = encode || c == ' ' || c > 0x7f;
    }
    if (!url_has_scheme(url, "http") && !url_has_scheme(url, "https"))
        return http_fail(e, strstr(url, "://") ? ASYNC_HTTP_SCHEME : ASYNC_HTTP_BAD_URL,
                         "bad URL: it must begin with http:// or https://");
    const char *host = AFTER_SCHEME(url);
    size_t n = strcspn(host, "/?#");
    if (n == 0)
        return http_fail(e, ASYNC_HTTP_BAD_URL, "bad URL: it has no host");
    bool has_user = memchr(host, '@', n);
    return encode || has_user;
}

int http_url_read(struct http_arena *a, const char *url, const char *const *query,
                  struct http_error *e, struct http_url *ret)
{
    *ret = (struct http_url){ .text = "" };
    if (!url)
        return http_fail(e, ASYNC_HTTP_BAD_URL, "bad URL: NULL");
    int r = inspect_url(url, e);
    if (r < 0)
        return r;
    url = append_query(a, url, query);
    if (!url)
        return fail_no_memory(e);
    if (r > 0)
        return encode_url(a, url, e, ret);
    const char *copy = http_arena_text(a, url, strlen(url));
    if (!copy)
        return fail_no_memory(e);
    ret->text = copy;
    return 0;
}

void http_url_free_secrets(struct http_url *u)
{
    if (!u->user && !u->password)
        return;
    if (u->password)
        explicit_bzero(u->password, strlen(u->password));
    curl_free(u->user);
    curl_free(u->password);
    u->user = u->password = NULL;
}

/* --- redirects --- */

/* Refuse a redirect to another protocol, and one that gives up TLS, unless the caller allows
 * that. */
static int check_redirect_scheme(CURLU *u, const char *base, bool downgrade, struct http_error *e)
{
    char *scheme = NULL;
    int r = 0;
    if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return fail_no_memory(e);
    bool https = strcasecmp(scheme, "https") == 0;
    if (!https && strcasecmp(scheme, "http") != 0)
        r = http_fail(e, ASYNC_HTTP_SCHEME, "redirect to unsupported scheme %.20s://", scheme);
    else if (!https && http_url_is_https(base) && !downgrade)
        r = http_fail(e, ASYNC_HTTP_FORBIDDEN, "redirect from https to http refused");
    curl_free(scheme);
    return r;
}

/* A user that the server put into the target is dropped, because it is not a credential of the
 * caller's. */
static CURLUcode set_redirect_url(CURLU *u, const char *base, const char *location)
{
    CURLUcode rc = curl_url_set(u, CURLUPART_URL, base, 0);
    if (rc == CURLUE_OK)
        rc = curl_url_set(u, CURLUPART_URL, location,
                          CURLU_URLENCODE | CURLU_ALLOW_SPACE | CURLU_NON_SUPPORT_SCHEME);
    return rc == CURLUE_OK ? remove_user(u) : rc;
}

int http_url_resolve(struct http_arena *a, const char *base, const char *location,
                     bool allow_downgrade, struct http_error *e, const char **ret)
{
    CURLU *u = curl_url();
    CURLUcode rc = u ? set_redirect_url(u, base, location) : CURLUE_OUT_OF_MEMORY;
    int r = 0;
    if (rc == CURLUE_OK)
        r = check_redirect_scheme(u, base, allow_downgrade, e);
    if (rc == CURLUE_OK && r == 0)
        rc = copy_url(a, u, ret);
    curl_url_cleanup(u);
    if (rc == CURLUE_OUT_OF_MEMORY)
        return fail_no_memory(e);
    if (rc != CURLUE_OK)
        return http_fail(e, ASYNC_HTTP_PROTOCOL, "bad redirect URL: %s", curl_url_strerror(rc));
    return r;
}
