/* SPDX-License-Identifier: MIT */
/* urls.c - the functions of <asyncio/http_url.h>: the normal form, one name for each origin, no
 * password in what is printed. */
#include "http_test.h"

#include <curl/curl.h>
#include <string.h>

const char *const http_suite = "http-urls";

#define BUECHER                                                                                    \
    "b\xc3\xbc"                                                                                    \
    "cher"

TEST(url_is_made_normal)
{
    static const char *const urls[][3] = {
        { "http://a.org", "http://a.org/", "http://a.org" },
        { "HTTP://A.Org:80/B?C#D", "http://a.org/B?C#D", "http://a.org" },
        { "https://a.org:443/", "https://a.org/", "https://a.org" },
        { "https://a.org:80/", "https://a.org:80/", "https://a.org:80" },
        { "http://a.org:08080/", "http://a.org:8080/", "http://a.org:8080" },
        { "http://a.org:/", "http://a.org/", "http://a.org" },
        { "http://a?b/c", "http://a/?b/c", "http://a" },
        { "http://a/b/./../c d?e f#g h", "http://a/c%20d?e+f#g%20h", "http://a" },
        { "http://a/\xc3\xbc", "http://a/%c3%bc", "http://a" },
        { "http://u:p@a/", "http://a/", "http://a" },
        { "http://" BUECHER ".example/", "http://xn--bcher-kva.example/",
          "http://xn--bcher-kva.example" },
        { "http://B\xc3\x9c"
          "CHER.example/",
          "http://xn--bcher-kva.example/", "http://xn--bcher-kva.example" },
        { "http://b%C3%BCcher.example/", "http://xn--bcher-kva.example/",
          "http://xn--bcher-kva.example" },
        { "http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/",
          "http://xn--bcher-kva.example" },
        { "http://127.1/", "http://127.0.0.1/", "http://127.0.0.1" },
        { "http://0x7f000001/", "http://127.0.0.1/", "http://127.0.0.1" },
        { "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.1/", "http://127.0.0.1/",
          "http://127.0.0.1" }, /* fullwidth digits */
        { "http://[::1]:8080/", "http://[::1]:8080/", "http://[::1]:8080" },
        { "http://[FE80::1%25Eth0]/", "http://[fe80::1%25Eth0]/", "http://[fe80::1%25Eth0]" },
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        async_http_url_auto u = NULL, again = NULL;
        expect_ok(async_http_url_parse(urls[i][0], &u));
        expect_text(u->text, urls[i][1]);
        expect_text(u->origin, urls[i][2]);
        expect_ok(async_http_url_parse(u->text, &again));
        expect_text(again->text, u->text);
    }
}

TEST(url_is_split_into_its_parts)
{
    async_http_url_auto u = NULL, bare = NULL, v6 = NULL;
    expect_ok(async_http_url_parse("https://j%6fe:s%20t@A.org:81/b/c?d=e#f", &u));
    expect_text(u->scheme, "https");
    expect_text(u->host, "a.org");
    expect_int(u->port, 81);
    expect_text(u->path, "/b/c");
    expect_text(u->query, "d=e");
    expect_text(u->fragment, "f");
    expect_text(u->user, "joe");
    expect_text(u->password, "s t");
    expect_ok(async_http_url_parse("https://a", &bare));
    expect_int(bare->port, 443);
    expect_text(bare->path, "/");
    expect_null(bare->query);
    expect_null(bare->fragment);
    expect_null(bare->user);
    expect_null(bare->password);
    expect_ok(async_http_url_parse("http://[::1]", &v6));
    expect_text(v6->host, "[::1]");
    expect_int(v6->port, 80);
}

TEST(malformed_url_is_refused)
{
    static const char *const urls[] = {
        "",
        "a",
        "//a/",
        "http:/a/",
        "http:///a/",
        "http://",
        "http://?",
        "http://a:0/",
        "http://a:65536/",
        "http://a:8 0/",
        "http://a\\b/",
        "http://a\\@b/",
        "http://a b/",
        "http://a%2fb/",
        "http://a%00b/",
        "http://a/\n",
        "http://[::1/",
        "http://[::1%25a/b]/",
        "http://[zz]/",
        "http://\xff\xfe/",
        "http://a\xef\xbc\x8f"
        "b/", /* fullwidth solidus: would become "a/b" */
        "http://a.org\xe2\x84\x80"
        "/", /* U+2100, which would become "a/c" */
        "http://u:%00@a/",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        async_http_url *u = NULL;
        expect_that(async_http_url_parse(urls[i], &u) == -EINVAL, "accepted: %s", urls[i]);
        expect_null(u);
    }
    async_http_url *u = NULL;
    expect_int(async_http_url_parse(NULL, &u), -EINVAL);
    expect_int(async_http_url_parse("ftp://a/", &u), -EPROTONOSUPPORT);
    expect_int(async_http_url_join("http://a/", NULL, &u), -EINVAL);
    expect_int(async_http_url_join("a", "b", &u), -EINVAL);
}

TEST(reference_is_resolved_as_in_a_page)
{
    static const char *const links[][2] = {
        { "x", "http://a/b/x" },         { "../x", "http://a/x" },
        { "/x", "http://a/x" },          { "?x", "http://a/b/c?x" },
        { "//B:81/x", "http://b:81/x" }, { "https://u:p@B", "https://b/" },
        { "#x", "http://a/b/c?d#x" },    { "", "http://a/b/c?d" },
    };
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        async_http_url_auto u = NULL;
        expect_ok(async_http_url_join("http://joe:secret@a/b/c?d#e", links[i][0], &u));
        expect_text(u->text, links[i][1]);
        expect_true(i == 5 ? strcmp(u->user, "u") == 0 : !u->user);
    }
    async_http_url *u = NULL;
    expect_int(async_http_url_join("http://a/", "mailto:joe@a", &u), -EPROTONOSUPPORT);
}

TEST(redacted_url_has_no_password)
{
    static const char *const urls[][2] = {
        { "http://joe:secret@a/b@c", "http://a/b@c" },
        { "http://joe@a@b/", "http://b/" },
        { "http://a/b@c", "http://a/b@c" },
        { "HTTPS://joe:secret@A:1/?x#y", "HTTPS://A:1/?x#y" },
        { "ftp://joe:sec/ret@a/", "ftp://a/" },
        { "http://joe:sec/ret@a/", "http://a/" },
        { "joe:secret@a", "a" },
        { "http://a/", "http://a/" },
        { "", "" },
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char url[64];
        strcpy(url, urls[i][0]);
        expect_text(async_http_url_redact(url), urls[i][1]);
    }
}

/* --- random URLs, compared with libcurl --- */

/* Write a URL of random pieces, as hostile input has them. */
static void random_url(unsigned *seed, char *url)
{
    static const char *const piece[] = {
        "a",     "b.c",      "A", "@",   ":",   "80",      "443",       "/",  "?",      "#",
        "[::1]", "[",        "]", "%40", "%2f", "\\",      ".",         "..", "s3cret", "8080",
        "0",     "0x7f",     ";", "&",   "%",   "127.1",   "!",         "|",  "~",      "'",
        "%25lo", "\xc3\xbc", "-", "_",   "/.",  "1.2.3.4", "x:s3cret@",
    };
    strcpy(url, rand_r(seed) % 2 ? "http://" : "https://");
    for (int n = 1 + rand_r(seed) % 9; n > 0; n--)
        strcat(url, piece[(size_t)rand_r(seed) % (sizeof piece / sizeof *piece)]);
}

/* Write the origin that libcurl connects to for a URL. Returns false if libcurl refuses the URL. */
static bool origin_of_libcurl(const char *url, char *origin, size_t size)
{
    char *scheme = NULL, *host = NULL, *zone = NULL, *port = NULL;
    CURLU *u = curl_url();
    bool good = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK;
    if (good) {
        expect_ok(curl_url_get(u, CURLUPART_SCHEME, &scheme, 0));
        expect_ok(curl_url_get(u, CURLUPART_HOST, &host, 0));
        curl_url_get(u, CURLUPART_ZONEID, &zone, 0);
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT);
        int n = (int)strlen(host) - (zone != NULL);
        snprintf(origin, size, "%s://%.*s%s%s%s%s%s", scheme, n, host, zone ? "%25" : "",
                 zone ? zone : "", zone ? "]" : "", port ? ":" : "", port ? port : "");
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(zone);
    curl_free(port);
    curl_url_cleanup(u);
    return good;
}

TEST(origin_is_where_libcurl_connects)
{
    unsigned seed = 1;
    int parsed = 0;
    for (int i = 0; i < 100000; i++) {
        char url[256], origin[256];
        async_http_url_auto u = NULL, again = NULL;
        random_url(&seed, url);
        if (async_http_url_parse(url, &u) < 0)
            continue;
        parsed++;
        expect_true(origin_of_libcurl(u->text, origin, sizeof origin));
        expect_text(u->origin, origin);
        expect_ok(async_http_url_parse(u->text, &again));
        expect_text(again->text, u->text);
        expect_null(again->user);
        async_http_url_auto shown = NULL;
        expect_ok(async_http_url_parse(async_http_url_redact(url), &shown));
        expect_text(shown->text, u->text);
        expect_true(!shown->user && !shown->password);
    }
    expect_greater(parsed, 10000);
}

/* A request names the same origin, in the limits and in the Host header. */
HTTP_TEST(request_sends_the_normal_host)
{
    async_http_session_auto own = NULL;
    async_http_response_auto r = NULL;
    char url[128], rule[128];
    snprintf(url, sizeof url, "http://" BUECHER ".EXAMPLE:%d/echo#a b", sv->port);
    snprintf(rule, sizeof rule, "xn--bcher-kva.example:%d:127.0.0.1", sv->port);
    expect_ok(async_http_session_open(&own, .resolve = (const char *const[]){ rule, NULL }));
    expect_int(await_http_get(own, url, &r), 200);
    expect_contains(r->body, "Host: xn--bcher-kva.example:");
    snprintf(url, sizeof url, "http://xn--bcher-kva.example:%d/echo#a%%20b", sv->port);
    expect_text(r->url, url);
    return 0;
}

ASYNC_DEF(get, (async_http_session *)s, (const char *)url)
{
    async_http_response_auto r = NULL;
    return await_http_get(s, url, &r) == 200 ? 0 : -EPROTO;
}

HTTP_TEST(limit_counts_all_spellings_of_an_origin)
{
    async_http_session_auto own = NULL;
    static const char *const spelling[] = { "127.0.0.1", "127.1", "0x7f.1", "u:p@127.0.0.1" };
    char urls[4][64];
    int r;
    expect_ok(async_http_session_open(&own, .limit_per_host = 1));
    {
        await_group (r, g) {
            for (int i = 0; i < 4; i++) {
                snprintf(urls[i], sizeof urls[i], "http://%s:%d/delay/20", spelling[i], sv->port);
                async_spawn(g, get(own, urls[i]));
            }
        }
    }
    expect_ok(r);
    expect_int(atomic_load(&sv->most_busy), 1);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, url_is_made_normal);
    tcase_add_test(tc, url_is_split_into_its_parts);
    tcase_add_test(tc, malformed_url_is_refused);
    tcase_add_test(tc, reference_is_resolved_as_in_a_page);
    tcase_add_test(tc, redacted_url_has_no_password);
    tcase_add_test(tc, origin_is_where_libcurl_connects);
    tcase_add_test(tc, request_sends_the_normal_host);
    tcase_add_test(tc, limit_counts_all_spellings_of_an_origin);
}
