/* SPDX-License-Identifier: MIT */
/* http_url.c - fuzz the URLs of the HTTP client. The first line of the input is a URL that a caller
 * gives; each further line is the Location header of a redirect.
 *
 * What is accepted has no user any more, is read again unchanged, and has the origin to which
 * libcurl connects. Credentials are sent by origin, so a difference there would leak them. */
#include "fuzz.h"

#include "ext/http/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ORIGIN_SIZE = 4096, REDIRECTS_MAX = 20 };

/* Write the origin of a URL as libcurl sees it, without a default port. Returns false if libcurl
 * rejects the URL. */
static bool libcurl_origin(const char *url, char *ret)
{
    char *scheme = NULL, *host = NULL, *zone = NULL, *port = NULL, *user = NULL;
    CURLU *u = curl_url();
    bool accepted = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    if (accepted) {
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT);
        curl_url_get(u, CURLUPART_USER, &user, 0);
        curl_url_get(u, CURLUPART_ZONEID, &zone, 0);
        fuzz_check(!user, "%s has the user %s", url, user);
        size_t n = strlen(host) - (zone != NULL); /* the zone stands before the last bracket */
        snprintf(ret, ORIGIN_SIZE, "%s://%.*s%s%s%s%s%s", scheme, (int)n, host, zone ? "%25" : "",
                 zone ? zone : "", zone ? "]" : "", port ? ":" : "", port ? port : "");
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(zone);
    curl_free(port);
    curl_free(user);
    curl_url_cleanup(u);
    return accepted;
}

static void check_origin(const char *url)
{
    char theirs[ORIGIN_SIZE];
    size_t n = http_url_origin(url);
    fuzz_check(n <= strlen(url), "%zu bytes of %s", n, url);
    fuzz_check(http_url_same_origin(url, url), "%s", url);
    if (strlen(url) < ORIGIN_SIZE / 2 && libcurl_origin(url, theirs))
        fuzz_check(n == strlen(theirs) && strncmp(url, theirs, n) == 0,
                   "origin %.*s, but libcurl connects to %s", (int)n, url, theirs);
}

/* --- URLs from the caller --- */

static void check_characters(const char *url)
{
    const char *path = url + http_url_origin(url);
    for (const char *p = url; *p; p++)
        fuzz_check((unsigned char)*p > ' ' && *p != 0x7f, "byte %02x in %s", (unsigned char)*p,
                   url);
    for (const char *p = path; *p; p++)
        fuzz_check((unsigned char)*p < 0x7f, "byte %02x in %s", (unsigned char)*p, url);
}

static void check_read_again(struct http_arena *a, const char *url)
{
    struct http_error e = { 0 };
    struct http_url again;
    int r = http_url_read(a, url, NULL, &e, &again);
    fuzz_check(r == 0, "%s: %s", url, e.text);
    fuzz_check(strcmp(url, again.text) == 0, "%s became %s", url, again.text);
    fuzz_check(!again.user && !again.password, "%s has a user", url);
}

/* A URL with a user is always parsed, so what was recognised as normal without that is normal. */
static void check_parsed(struct http_arena *a, const char *url)
{
    struct http_error e = { 0 };
    struct http_url parsed;
    const char *host = strstr(url, "://") + 3;
    char *with_user = http_arena_alloc(a, strlen(url) + 5);
    fuzz_check(with_user, "no memory");
    memcpy(with_user, url, (size_t)(host - url));
    stpcpy(stpcpy(with_user + (host - url), "u:p@"), host);
    int r = http_url_read(a, with_user, NULL, &e, &parsed);
    fuzz_check(r == 0, "%s: %s", with_user, e.text);
    fuzz_check(strcmp(url, parsed.text) == 0, "%s became %s", url, parsed.text);
    fuzz_check(parsed.user && strcmp(parsed.user, "u") == 0, "%s", with_user);
    http_url_free_secrets(&parsed);
}

static void check_accepted(struct http_arena *a, const char *url)
{
    fuzz_check(strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0, "%s", url);
    check_characters(url);
    check_read_again(a, url);
    check_parsed(a, url);
    check_origin(url);
}

/* Returns the URL in the arena, or NULL if it is refused. */
static const char *read_url(struct http_arena *a, const char *url)
{
    struct http_error e = { 0 };
    struct http_url u;
    int r = http_url_read(a, url, NULL, &e, &u);
    fuzz_check(r == (e.kind ? e.code : 0) && (r < 0) == (e.text[0] != 0), "%d, %s", r, e.text);
    http_url_free_secrets(&u);
    if (r < 0)
        return NULL;
    check_accepted(a, u.text);
    return u.text;
}

/* Pairs that are appended to the URL belong to its query, and change nothing before it. */
static void check_query(struct http_arena *a, const char *url, const char *value)
{
    static const char name[] = "a&=#";
    const char *pairs[] = { name, value, NULL };
    struct http_error e = { 0 };
    struct http_url u;
    int r = http_url_read(a, url, pairs, &e, &u);
    fuzz_check(r == 0, "%s: %s", url, e.text);
    size_t before = strcspn(url, "?#");
    fuzz_check(strncmp(url, u.text, before) == 0 && u.text[before] == '?', "%s became %s", url,
               u.text);
    fuzz_check(strstr(u.text + before, "a%26%3D%23="), "%s", u.text);
    fuzz_check(!strchr(u.text, '#'), "%s has a fragment", u.text);
    check_characters(u.text);
}

/* --- redirects --- */

/* Returns the new URL, or the old one if the redirect is refused. */
static const char *follow(struct http_arena *a, const char *url, const char *location)
{
    struct http_error e = { 0 };
    const char *to = NULL, *allowed = NULL;
    int r = http_url_resolve(a, url, location, false, &e, &to);
    fuzz_check(r == (e.kind ? e.code : 0), "%d, %s", r, e.text);
    if (r < 0) {
        e = (struct http_error){ 0 };
        r = http_url_resolve(a, url, location, true, &e, &allowed);
        fuzz_check(r < 0 || (http_url_is_https(url) && !http_url_is_https(allowed)),
                   "%s leads to %s only if a downgrade is allowed", url, allowed);
        return url;
    }
    fuzz_check(http_url_is_https(to) || !http_url_is_https(url), "%s leads to %s", url, to);
    check_accepted(a, to);
    fuzz_check(http_url_same_origin(url, to) == http_url_same_origin(to, url), "%s and %s", url,
               to);
    return to;
}

/* Returns the next line as a text, and in *at where the one after it begins. */
static char *next_line(const char **at, const char *end)
{
    const char *line = *at, *stop = memchr(line, '\n', (size_t)(end - line));
    size_t n = (size_t)((stop ? stop : end) - line);
    *at = stop ? stop + 1 : end;
    return fuzz_text(line, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_arena a;
    const char *at = (const char *)data, *end = at + size;
    http_arena_init(&a);
    char *line = next_line(&at, end);
    const char *url = read_url(&a, line);
    free(line);
    for (int n = 0; url && at < end && n < REDIRECTS_MAX; n++) {
        line = next_line(&at, end);
        check_query(&a, url, line);
        url = follow(&a, url, line);
        free(line);
    }
    http_arena_free(&a);
    return 0;
}
