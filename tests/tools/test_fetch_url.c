/* SPDX-License-Identifier: MIT */
/* test_fetch_url.c - which URLs are accepted, and what is printed of them. */
#include "tool_check.h"

#include "fetch/url.h"

TEST(valid_url_is_accepted)
{
    static const char *const good[] = {
        "http://a",
        "https://example.com/",
        "HTTPS://EXAMPLE.com:8443/x?y=a:b@c#d",
        "http://u:p@h/",
        "http://[::1]:80/",
        "http://[fe80::1%25eth0]/",
        "http://\xc3\xbc.example/",
        "http://h:/",
        "http://1.2.3.4/a\\b",
        "http://h?q",
        "http://a@b@c/",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *bad = url_check(good[i], strlen(good[i]));
        expect_that(!bad, "%s %s", good[i], bad);
    }
}

TEST(invalid_url_is_rejected_with_reason)
{
    static const char *const bad[][2] = {
        { "", "is empty" },
        { "example.com", "does not begin" },
        { "ftp://h/", "does not begin" },
        { "file:///etc/passwd", "does not begin" },
        { "http:/h", "does not begin" },
        { "http:///x", "no host" },
        { "http://", "no host" },
        { "http://u:p@/", "no host" },
        { "http://:80/", "no host" },
        { "http://h/a b", "space" },
        { "http://h/a\tb", "control" },
        { "http://h/\r\nHost: x", "control" },
        { "http://h/\x7f", "control" },
        { "http://h/\xff", "UTF-8" },
        { "http://evil\\@good/", "backslash" },
        { "http://h:99999/", "not 1 to 65535" },
        { "http://h:0/", "not 1 to 65535" },
        { "http://h:8o/", "not 1 to 65535" },
        { "http://h:80:80/", "not 1 to 65535" },
        { "http://a<b/", "malformed host" },
        { "http://[::1/", "malformed host" },
        { "http://[]/", "malformed host" },
        { "http://user:p/w@h/", "not 1 to 65535" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *why = url_check(bad[i][0], strlen(bad[i][0]));
        expect_that(why && strstr(why, bad[i][1]), "%s: %s", bad[i][0], why ? why : "accepted");
    }
    expect_not_null(url_check("http://h/\0x", 11));
    char host[400] = "http://";
    memset(host + 7, 'a', 256);
    expect_not_null(url_check(host, strlen(host)));
    host[7 + 255] = 0;
    expect_null(url_check(host, strlen(host)));
    char origin[URL_ORIGIN_MAX];
    expect_int(url_origin(host, origin), 7 + 255 + 3);
}

TEST(equal_origins_have_equal_names)
{
    static const char *const cases[][2] = {
        { "http://Example.COM/x", "http://example.com:80" },
        { "HTTPS://u:p@h:/?a@b", "https://h:443" },
        { "https://h:08443", "https://h:8443" },
        { "http://[::1]:8080/", "http://[::1]:8080" },
        { "http://[::A]#x", "http://[::a]:80" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char origin[URL_ORIGIN_MAX];
        expect_int(url_origin(cases[i][0], origin), strlen(cases[i][1]));
        expect_text(origin, cases[i][1]);
    }
}

TEST(redacted_url_has_no_password)
{
    static const char *const cases[][2] = {
        { "http://user:secret@h/p?q=a@b", "http://h/p?q=a@b" },
        { "http://h/a@b", "http://h/a@b" },
        { "http://a@b:secret@h/", "http://h/" },
        { "ftp://user:secret@h/", "ftp://h/" },
        { "http://user:sec/ret@h/", "http://h/" },
        { "user:secret@h", "h" },
        { "user:secret@h/?u=http://x", "h/?u=http://x" },
        { "http:/user:secret@h/?u=http://x", "h/?u=http://x" },
        { "ftp://user:secret@h/?u=http://x", "ftp://h/?u=http://x" },
        { "http://user:sec ret@h/", "http://h/" },
        { "", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text t = { 0 };
        url_redact(&t, cases[i][0], strlen(cases[i][0]));
        expect_built_text(&t, cases[i][1]);
    }
}

SUITE("fetch url", valid_url_is_accepted, invalid_url_is_rejected_with_reason,
      equal_origins_have_equal_names, redacted_url_has_no_password)
