/* SPDX-License-Identifier: MIT */
/* fetch_url.c - fuzz the URLs that users of `asyncio fetch` give: which ones are accepted, the
 * origin by which requests are counted and held back, what is printed of a URL with a password, and
 * the file name that is made of it. */
#include "fuzz.h"

#include "fetch/file_name.h"
#include "fetch/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- the origin --- */

/* Write the origin of a URL as libcurl sees it, which connects to it. Returns false if libcurl
 * rejects the URL. */
static bool libcurl_origin(const char *url, char *ret, size_t size)
{
    char *scheme = NULL, *host = NULL, *port = NULL;
    CURLU *u = curl_url();
    bool accepted = curl_url_set(u, CURLUPART_URL, url, CURLU_URLENCODE) == CURLUE_OK &&
                    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (accepted)
        snprintf(ret, size, "%s://%s:%s", scheme, host, port);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return accepted;
}

/* libcurl connects to the same server for a URL and for its origin, so two URLs that lead to
 * different servers cannot have the same origin. */
static void check_against_libcurl(const char *url, const char *origin)
{
    char server[1024], other[1024];
    if (!libcurl_origin(url, server, sizeof server))
        return;
    fuzz_check(libcurl_origin(origin, other, sizeof other), "libcurl rejects origin %s", origin);
    fuzz_check(strcasecmp(server, other) == 0, "origin %s leads to %s instead of %s", origin, other,
               server);
}

/* The origin is a URL itself, which has the same origin. */
static void check_origin(const char *url)
{
    char origin[URL_ORIGIN_MAX], again[URL_ORIGIN_MAX];
    size_t n = url_origin(url, origin);
    fuzz_check(n == strlen(origin), "returned %zu for %s", n, origin);
    const char *bad = url_check(origin, n);
    fuzz_check(!bad, "origin %s %s", origin, bad);
    url_origin(origin, again);
    fuzz_check(strcmp(origin, again) == 0, "origin %s of origin %s", again, origin);
    fuzz_check(!strpbrk(origin, "@ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "origin %s", origin);
    check_against_libcurl(url, origin);
}

/* --- what is printed --- */

static bool has_user(const char *url)
{
    const char *host = strstr(url, "://") + 3;
    return memchr(host, '@', strcspn(host, "/?#"));
}

/* A valid URL loses its user and stays valid. From another text everything is cut that could be the
 * end of a password. */
static void check_redacted(const char *exact, size_t n, const char *url, bool valid)
{
    struct text once = { 0 }, twice = { 0 };
    url_redact(&once, exact, n);
    const char *shown = once.data ? once.data : "";
    fuzz_check(once.len <= n, "%zu bytes of %zu", once.len, n);
    if (valid) {
        char before[URL_ORIGIN_MAX], after[URL_ORIGIN_MAX];
        fuzz_check(!url_check(shown, once.len), "redacted URL %s is not valid", shown);
        fuzz_check(!has_user(shown), "redacted URL %s has a user", shown);
        url_origin(url, before);
        url_origin(shown, after);
        fuzz_check(strcmp(before, after) == 0, "origin %s became %s", before, after);
    } else {
        fuzz_check(!memchr(shown, '@', once.len), "redacted text %s has a user", shown);
    }
    url_redact(&twice, shown, once.len);
    fuzz_check(once.len == twice.len && memcmp(shown, twice.data ? twice.data : "", once.len) == 0,
               "redacted again, %s becomes %s", shown, twice.data);
    text_free(&once);
    text_free(&twice);
}

/* --- file names --- */

static void check_file_name(const char *name)
{
    char again[FILE_NAME_MAX + 1];
    size_t n = strlen(name);
    fuzz_check(n > 0 && n <= FILE_NAME_MAX, "%zu bytes", n);
    fuzz_check(name[0] != '.' && name[0] != '-', "%s", name);
    fuzz_check(n < 5 || strcasecmp(name + n - 5, ".part") != 0, "%s", name);
    fuzz_check(!name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-")],
               "%s", name);
    file_name_clean(again, name, n);
    fuzz_check(n == FILE_NAME_MAX || strcmp(name, again) == 0, "cleaned again, %s becomes %s", name,
               again);
}

static void check_file_names(const char *url, size_t n)
{
    char name[FILE_NAME_MAX + 1];
    file_name_clean(name, url, n);
    check_file_name(name);
    file_name_from_url(name, n, url);
    check_file_name(name);
}

static void check_parts(const char *url)
{
    struct url_parts p = url_split(url);
    const char *end = url + strlen(url);
    fuzz_check(p.host > url && p.host + p.host_len <= end, "%s", url);
    fuzz_check(p.base > url && p.base + p.base_len <= end, "%s", url);
    fuzz_check(!memchr(p.base, '/', p.base_len), "%s", url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = fuzz_copy(data, size), *url = fuzz_text(data, size);
    bool valid = !url_check(exact, size);
    if (valid) {
        check_origin(url);
        check_parts(url);
    }
    check_redacted(exact, size, url, valid);
    check_file_names(url, size);
    free(exact);
    free(url);
    return 0;
}
