/* SPDX-License-Identifier: MIT */
/* proxy.c - choose the proxies of a session. The environment is read here only, when the session is
 * opened, so that a request costs no look at it, and a later change of it has no effect. */
#include "proxy.h"

#include <asyncio/error.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- the parts of a proxy's URL --- */

static bool scheme_is_known(const char *scheme)
{
    static const char *const known[] = {
        "http", "https", "socks4", "socks5", "socks4a", "socks5h"
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(scheme, known[i]) == 0)
            return true;
    return false;
}

static CURLUcode check_scheme(CURLU *u)
{
    char *scheme = NULL;
    CURLUcode rc = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0);
    if (rc == CURLUE_OK && !scheme_is_known(scheme))
        rc = CURLUE_UNSUPPORTED_SCHEME;
    curl_free(scheme);
    return rc;
}

/* Copy a part to the arena. The copy of libcurl's is overwritten, because it may be a password. */
static CURLUcode copy_url_part(struct http_arena *a, CURLU *u, CURLUPart what, unsigned flags,
                               char **ret)
{
    char *text = NULL;
    CURLUcode rc = curl_url_get(u, what, &text, flags);
    *ret = NULL;
    if (rc == CURLUE_NO_USER || rc == CURLUE_NO_PASSWORD)
        return CURLUE_OK;
    if (rc != CURLUE_OK)
        return rc;
    *ret = http_arena_text(a, text, strlen(text));
    explicit_bzero(text, strlen(text));
    curl_free(text);
    return *ret ? CURLUE_OK : CURLUE_OUT_OF_MEMORY;
}

/* Take user and password out of u, and then its text. */
static CURLUcode split_proxy(struct http_arena *a, CURLU *u, struct http_proxy *p)
{
    char *url = NULL, *user = NULL;
    CURLUcode rc = check_scheme(u);
    if (rc == CURLUE_OK)
        rc = copy_url_part(a, u, CURLUPART_USER, CURLU_URLDECODE, &user);
    if (rc == CURLUE_OK)
        rc = copy_url_part(a, u, CURLUPART_PASSWORD, CURLU_URLDECODE, &p->password);
    if (rc == CURLUE_OK)
        rc = curl_url_set(u, CURLUPART_USER, NULL, 0);
    if (rc == CURLUE_OK)
        rc = curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
    if (rc == CURLUE_OK)
        rc = copy_url_part(a, u, CURLUPART_URL, 0, &url);
    p->url = url;
    p->user = user;
    return rc;
}

/* Read a proxy such as "host:3128" or "socks5h://user:password@host". The message must not contain
 * the text, because it is not known where a password ends in it. */
static int read_proxy(struct http_arena *a, const char *text, const char *source,
                      struct http_proxy **ret)
{
    *ret = NULL;
    if (!text || !*text)
        return 0;
    struct http_proxy *p = http_arena_alloc(a, sizeof *p);
    CURLU *u = p ? curl_url() : NULL;
    CURLUcode rc =
            u ? curl_url_set(u, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME)
              : CURLUE_OUT_OF_MEMORY;
    if (rc == CURLUE_OK)
        rc = split_proxy(a, u, p);
    curl_url_cleanup(u);
    if (rc == CURLUE_OUT_OF_MEMORY)
        return -ENOMEM;
    if (rc == CURLUE_UNSUPPORTED_SCHEME)
        return async_fail(-EINVAL,
                          "proxy in %s: scheme is not http, https, socks4, socks4a, "
                          "socks5 or socks5h",
                          source);
    if (rc != CURLUE_OK)
        return async_fail(-EINVAL, "proxy in %s: bad URL: %s", source, curl_url_strerror(rc));
    *ret = p;
    return 0;
}

/* --- options and environment --- */

/* Returns the first of two variables that is set and not empty; NULL if there is none. */
static const char *find_variable(const char *first, const char *second)
{
    const char *value = secure_getenv(first);
    if (value && *value)
        return first;
    value = secure_getenv(second);
    return value && *value ? second : NULL;
}

/* Read the proxy in one of two variables, or else in all_proxy. */
static int read_variable(struct http_arena *a, const char *first, const char *second,
                         struct http_proxy **ret)
{
    const char *name = find_variable(first, second);
    if (!name)
        name = find_variable("all_proxy", "ALL_PROXY");
    return read_proxy(a, name ? secure_getenv(name) : NULL, name, ret);
}

/* HTTP_PROXY in capitals is not read, because in a CGI program it is a header from the client. */
static int read_proxies(struct http_arena *a, const char *option, struct http_proxies *p)
{
    if (option) {
        int r = read_proxy(a, option, "option .proxy", &p->http);
        p->https = p->http;
        return r;
    }
    int r = read_variable(a, "http_proxy", "http_proxy", &p->http);
    return r == 0 ? read_variable(a, "https_proxy", "HTTPS_PROXY", &p->https) : r;
}

int http_proxies_choose(struct http_arena *a, const char *option, const char *no_proxy,
                        struct http_proxies *ret)
{
    const char *name = no_proxy ? NULL : find_variable("no_proxy", "NO_PROXY");
    const char *exceptions = no_proxy ? no_proxy : name ? secure_getenv(name) : "";
    *ret = (struct http_proxies){ 0 };
    int r = read_proxies(a, option, ret);
    if (r < 0)
        return r;
    ret->exceptions = http_arena_text(a, exceptions, strlen(exceptions));
    return ret->exceptions ? 0 : -ENOMEM;
}

static void wipe_proxy(struct http_proxy *p)
{
    if (p && p->password)
        explicit_bzero(p->password, strlen(p->password));
}

void http_proxies_wipe(struct http_proxies *p)
{
    wipe_proxy(p->http);
    if (p->https != p->http)
        wipe_proxy(p->https);
}
