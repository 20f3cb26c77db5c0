/* SPDX-License-Identifier: MIT */
/* url.c - make URLs normal. libcurl's own parser reads them, so that the library and libcurl cannot
 * disagree on what the host is, and libidn2 converts the host. A URL that is normal already, as
 * nearly all are, is recognised without both. */
#include "url.h"

#include <curl/curl.h>
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "url_encode.h"
#include "url_normal.h"

enum { PARSE_FLAGS = CURLU_URLENCODE | CURLU_ALLOW_SPACE | CURLU_NON_SUPPORT_SCHEME };

#define AFTER_SCHEME(url) (strstr((url), "://") + 3)

/* Why a URL is refused. The text is constant; kind is ASYNC_HTTP_OK if nothing is wrong. */
struct url_problem {
    enum async_http_error kind;
    const char *text;
};

#define PROBLEM(kind, text) ((struct url_problem){ (kind), (text) })
#define NO_PROBLEM          PROBLEM(ASYNC_HTTP_OK, NULL)
#define NO_MEMORY           PROBLEM(ASYNC_HTTP_RESOURCES, "out of memory for the URL")
#define UNSUPPORTED_SCHEME  "it must begin with http:// or https://"
#define BAD_URL(text)       PROBLEM(ASYNC_HTTP_BAD_URL, text)

static bool url_has_scheme(const char *url, const char *scheme)
{
    size_t n = strlen(scheme);
    return strncasecmp(url, scheme, n) == 0 && strncmp(url + n, "://", 3) == 0;
}

bool http_url_is_https(const char *url)
{
    return url_has_scheme(url, "https");
}

/* In a normal URL a path follows the origin. */
size_t http_url_origin(const char *url)
{
    const char *host = AFTER_SCHEME(url);
    return (size_t)(host + strcspn(host, "/") - url);
}

bool http_url_same_origin(const char *a, const char *b)
{
    size_t n = http_url_origin(a);
    return n == http_url_origin(b) && memcmp(a, b, n) == 0;
}

/* --- the host --- */

/* Only these may be in a name. In particular, libidn2 maps some characters to '/' or ':', which
 * would end the host early. */
static bool is_host_name(const char *s)
{
    return *s && strlen(s) <= HTTP_HOST_MAX &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~")] ==
                   '\0';
}

static bool is_ascii(const char *s)
{
    while (*s && !(*s & 0x80))
        s++;
    return !*s;
}

/* Convert a name from UTF-8 to ASCII. Fullwidth digits can become an IPv4 address, which libcurl
 * must see, so the result is set as the host of u and read again. */
static struct url_problem convert_host(CURLU *u, char **host)
{
    char *ascii = NULL, *url = NULL;
    int rc = idn2_lookup_u8((const uint8_t *)*host, (uint8_t **)&ascii,
                            IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK)
        return rc == IDN2_MALLOC ? NO_MEMORY : BAD_URL("host is not an internationalised name");
    struct url_problem p = NO_PROBLEM;
    curl_free(*host);
    *host = NULL;
    if (!is_host_name(ascii))
        p = BAD_URL("host contains a character that names cannot have");
    else if (asprintf(&url, "http://%s/", ascii) < 0)
        p = NO_MEMORY;
    else if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
             curl_url_get(u, CURLUPART_HOST, host, 0) != CURLUE_OK)
        p = NO_MEMORY;
    free(url);
    idn2_free(ascii);
    return p;
}

/* Normalise the host in place, except for its case. u is used up. */
static struct url_problem normalise_host(CURLU *u, char **host)
{
    if (**host == '[')
        return NO_PROBLEM;
    if (!is_ascii(*host)) {
        struct url_problem p = convert_host(u, host);
        if (p.kind != ASYNC_HTTP_OK)
            return p;
    }
    return is_host_name(*host) ? NO_PROBLEM
                               : BAD_URL("host contains a character that names cannot have");
}

/* --- all parts --- */

struct url_parts { /* allocated by libcurl; NULL if the URL does not have the part */
    char *scheme, *host, *zone, *port, *path, *query, *fragment, *user, *password;
};

static void free_parts(struct url_parts *p)
{
    curl_free(p->scheme);
    curl_free(p->host);
    curl_free(p->zone);
    curl_free(p->port);
    curl_free(p->path);
    curl_free(p->query);
    curl_free(p->fragment);
}

/* Read one part of u. A part that the URL does not have stays NULL. */
static void get_part(CURLU *u, CURLUPart what, unsigned flags, CURLUcode *rc, char **ret)
{
    if (*rc != CURLUE_OK)
        return;
    CURLUcode r = curl_url_get(u, what, ret, flags);
    bool missing = r == CURLUE_NO_USER || r == CURLUE_NO_PASSWORD || r == CURLUE_NO_PORT ||
                   r == CURLUE_NO_QUERY || r == CURLUE_NO_FRAGMENT || r == CURLUE_NO_ZONEID;
    *rc = missing ? CURLUE_OK : r;
}

static struct url_problem get_parts(CURLU *u, struct url_parts *p)
{
    CURLUcode rc = CURLUE_OK;
    get_part(u, CURLUPART_SCHEME, 0, &rc, &p->scheme);
    get_part(u, CURLUPART_HOST, 0, &rc, &p->host);
    get_part(u, CURLUPART_ZONEID, 0, &rc, &p->zone);
    get_part(u, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT, &rc, &p->port);
    get_part(u, CURLUPART_PATH, 0, &rc, &p->path);
    get_part(u, CURLUPART_QUERY, 0, &rc, &p->query);
    get_part(u, CURLUPART_FRAGMENT, 0, &rc, &p->fragment);
    get_part(u, CURLUPART_USER, CURLU_URLDECODE, &rc, &p->user);
    get_part(u, CURLUPART_PASSWORD, CURLU_URLDECODE, &rc, &p->password);
    return rc == CURLUE_OK              ? NO_PROBLEM
           : rc == CURLUE_OUT_OF_MEMORY ? NO_MEMORY
                                        : BAD_URL(curl_url_strerror(rc));
}

/* Write a part behind its separator, if there is one and it is not empty. */
static char *put_part(char *to, const char *before, const char *part)
{
    return part && *part ? http_encode_invalid(stpcpy(to, before), part) : to;
}

static void lower_case(char *s)
{
    for (; *s; s++)
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s + ('a' - 'A'));
}

/* Write the normal text. The zone of an IPv6 address, as in "[fe80::1%25eth0]", is a part of the
 * host, in which case matters. Returns NULL if there is no memory. */
static const char *join_parts(struct http_arena *a, const struct url_parts *p)
{
    const char *all[] = { p->scheme, p->host, p->zone, p->port, p->path, p->query, p->fragment };
    size_t size = sizeof "://%25:?#";
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        size += all[i] ? strlen(all[i]) * 3 : 0;
    char *text = http_arena_alloc(a, size), *to = text;
    if (!text)
        return NULL;
    to = stpcpy(stpcpy(stpcpy(to, p->scheme), "://"), p->host);
    lower_case(text);
    if (p->zone) {
        to = put_part(to - 1, "%25", p->zone);
        *to++ = ']';
    }
    to = put_part(to, ":", p->port);
    to = put_part(to, "", p->path);
    to = put_part(to, "?", p->query);
    to = put_part(to, "#", p->fragment);
    *to = '\0';
    return text;
}

static struct url_problem check_parts(const struct url_parts *p)
{
    if (strcasecmp(p->scheme, "http") != 0 && strcasecmp(p->scheme, "https") != 0)
        return PROBLEM(ASYNC_HTTP_SCHEME, UNSUPPORTED_SCHEME);
    if (p->port && strcmp(p->port, "0") == 0)
        return BAD_URL("port is not a number from 1 to 65535");
    if (p->zone && strspn(p->zone, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   ".-_~") < strlen(p->zone))
        return BAD_URL("zone of the IPv6 address contains a character that it cannot have");
    return NO_PROBLEM;
}

/* Make the URL in u normal. u is used up. ret is written only if nothing is wrong. */
static struct url_problem normalise_url(struct http_arena *a, CURLU *u, struct http_url *ret)
{
    struct url_parts parts = { 0 };
    struct url_problem p = get_parts(u, &parts);
    if (p.kind == ASYNC_HTTP_OK)
        p = check_parts(&parts);
    if (p.kind == ASYNC_HTTP_OK)
        p = normalise_host(u, &parts.host);
    const char *text = p.kind == ASYNC_HTTP_OK ? join_parts(a, &parts) : "";
    free_parts(&parts);
    struct http_url done = { text, parts.user, parts.password };
    if (!text)
        p = NO_MEMORY;
    if (p.kind == ASYNC_HTTP_OK)
        *ret = done;
    else
        http_url_free_secrets(&done);
    return p;
}

/* A link such as "mailto:joe@example.org" has a scheme, but libcurl takes it for a path. */
static bool has_other_scheme(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    if (n == 0 || s[n] != ':')
        return false;
    return !(n == 4 && strncasecmp(s, "http", n) == 0) &&
           !(n == 5 && strncasecmp(s, "https", n) == 0);
}

/* libcurl 7.88 takes a reference without a path for one with an empty path. So put base, without
 * its fragment, before a reference that is only a fragment, or nothing. Returns NULL if there is no
 * memory. */
static const char *complete_reference(struct http_arena *a, const char *base, const char *s)
{
    if (!base || (*s && *s != '#'))
        return s;
    size_t n = strcspn(base, "#"), m = strlen(s);
    char *url = http_arena_alloc(a, n + m + 1);
    if (!url)
        return NULL;
    memcpy(url, base, n);
    memcpy(url + n, s, m + 1);
    return url;
}

/* Let libcurl parse a URL, or a reference relative to base unless that is NULL. */
static struct url_problem parse_url(struct http_arena *a, const char *base, const char *s,
                                    struct http_url *ret)
{
    if (base && has_other_scheme(s))
        return PROBLEM(ASYNC_HTTP_SCHEME, UNSUPPORTED_SCHEME);
    s = complete_reference(a, base, s);
    if (!s)
        return NO_MEMORY;
    CURLU *u = curl_url();
    CURLUcode rc = u ? CURLUE_OK : CURLUE_OUT_OF_MEMORY;
    if (rc == CURLUE_OK && base)
        rc = curl_url_set(u, CURLUPART_URL, base, 0);
    if (rc == CURLUE_OK)
        rc = curl_url_set(u, CURLUPART_URL, s, PARSE_FLAGS);
    struct url_problem p = rc == CURLUE_OK              ? normalise_url(a, u, ret)
                           : rc == CURLUE_OUT_OF_MEMORY ? NO_MEMORY
                                                        : BAD_URL(curl_url_strerror(rc));
    curl_url_cleanup(u);
    return p;
}

/* --- URLs from the caller --- */

/* Refuse what libcurl's parser would accept although programs disagree about it: one slash or three
 * behind the scheme, and a backslash, which some take for a slash that ends the host. */
static struct url_problem inspect_url(const char *url)
{
    for (const char *p = url; *p; p++)
        if ((*p > 0 && *p < ' ') || *p == 0x7f)
            return BAD_URL("it contains a control character");
    if (!url_has_scheme(url, "http") && !url_has_scheme(url, "https"))
        return PROBLEM(strstr(url, "://") ? ASYNC_HTTP_SCHEME : ASYNC_HTTP_BAD_URL,
                       UNSUPPORTED_SCHEME);
    const char *host = AFTER_SCHEME(url);
    size_t n = strcspn(host, "/?#");
    if (n == 0)
        return BAD_URL("it has no host");
    if (memchr(host, '\\', n))
        return BAD_URL("it has a backslash before its path");
    return NO_PROBLEM;
}

static int fail_url(struct http_error *e, struct url_problem p)
{
    if (p.kind == ASYNC_HTTP_OK)
        return 0;
    return http_fail(e, p.kind, p.kind == ASYNC_HTTP_RESOURCES ? "%s" : "bad URL: %s", p.text);
}

int http_url_read(struct http_arena *a, const char *url, const char *const *query,
                  struct http_error *e, struct http_url *ret)
{
    return http_url_read_relative(a, NULL, url, query, e, ret);
}

int http_url_read_relative(struct http_arena *a, const char *base, const char *url,
                           const char *const *query, struct http_error *e, struct http_url *ret)
{
    *ret = (struct http_url){ .text = "" };
    if (!url)
        return http_fail(e, ASYNC_HTTP_BAD_URL, "bad URL: NULL");
    url = http_append_query(a, url, query);
    const char *copy = !url                      ? NULL
                       : http_url_is_normal(url) ? http_arena_text(a, url, strlen(url))
                                                 : "";
    if (!copy)
        return fail_url(e, NO_MEMORY);
    if (*copy) {
        ret->text = copy;
        return 0;
    }
    bool relative = base && strncasecmp(url, "http:", 5) != 0 && strncasecmp(url, "https:", 6) != 0;
    struct url_problem p = relative ? NO_PROBLEM : inspect_url(url);
    if (p.kind == ASYNC_HTTP_OK)
        p = parse_url(a, base, url, ret);
    return fail_url(e, p);
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

/* A user that the server put into the target is dropped, because it is not a credential of the
 * caller's. */
int http_url_resolve(struct http_arena *a, const char *base, const char *location,
                     bool allow_downgrade, struct http_error *e, const char **ret)
{
    struct http_url target = { .text = "" };
    struct url_problem p = parse_url(a, base, location, &target);
    http_url_free_secrets(&target);
    if (p.kind == ASYNC_HTTP_SCHEME)
        return http_fail(e, p.kind, "redirect to unsupported scheme %.*s://",
                         (int)strcspn(location, ":") > 20 ? 20 : (int)strcspn(location, ":"),
                         location);
    if (p.kind == ASYNC_HTTP_BAD_URL)
        return http_fail(e, ASYNC_HTTP_PROTOCOL, "bad redirect URL: %s", p.text);
    if (p.kind != ASYNC_HTTP_OK)
        return fail_url(e, p);
    if (http_url_is_https(base) && !http_url_is_https(target.text) && !allow_downgrade)
        return http_fail(e, ASYNC_HTTP_FORBIDDEN, "redirect from https to http refused");
    *ret = target.text;
    return 0;
}
