/* SPDX-License-Identifier: MIT */
/* http_url.h - parse, compare, resolve and print URLs as the HTTP client does.
 *
 *   async_http_url_parse   parse a URL, and make it normal
 *   async_http_url_join    resolve a reference, such as a link, against the URL of its page
 *   async_http_url_free    free a URL
 *   async_http_url_redact  remove user and password from a URL, before it is printed
 *
 *   async_http_url_auto url = NULL;
 *   ASYNC_TRY(async_http_url_parse("https://joe:secret@B\u00fccher.example:443/a/../b?c", &url));
 *   puts(url->text);   // https://xn--bcher-kva.example/b?c
 *   puts(url->origin); // https://xn--bcher-kva.example
 *
 * The client parses URLs by these functions, so a program that groups URLs by their origin groups
 * them as the client's limits do. URLs are parsed by libcurl, and names outside of ASCII converted
 * by libidn2 (IDNA 2008, not transitional), whatever the locale is. All functions can be called
 * from any thread, also without a loop. Common errors, each with a message (async_fail_text()):
 *   -EINVAL           the URL is malformed
 *   -EPROTONOSUPPORT  its scheme is neither http nor https
 *   -ENOMEM           there is no memory */
#ifndef ASYNCIO_HTTP_URL_H
#define ASYNCIO_HTTP_URL_H

#include <asyncio/base.h>

ASYNC_BEGIN_DECLS

/* A URL in normal form. Its members are for reading only, and valid until it is freed. */
typedef struct async_http_url {
    const char *text;     /* what is requested: all of it, without user and password */
    const char *origin;   /* scheme, host and port; a default port is left out */
    const char *scheme;   /* "http" or "https" */
    const char *host;     /* ASCII in lower case: "xn--bcher-kva.example", "127.0.0.1", "[::1]" */
    int port;             /* 1 to 65535, also if it is the default */
    const char *path;     /* percent-encoded, without "." and ".."; at least "/" */
    const char *query;    /* percent-encoded, without '?'; NULL if there is none */
    const char *fragment; /* percent-encoded, without '#'; NULL if there is none; never sent */
    const char *user, *password; /* decoded; NULL if there is none */
} async_http_url;

/* Parse a URL, and make it normal.
 *
 *   async_http_url_auto url = NULL;
 *   ASYNC_TRY(async_http_url_parse("HTTP://Example.ORG:80", &url));
 *   puts(url->text); // http://example.org/
 *
 * url        beginning with http:// or https://, in UTF-8. Spaces and other bytes that a URL cannot
 *            have are encoded.
 * ret        receives the URL, which the caller frees.
 * Returns    0; a common error. */
int async_http_url_parse(const char *url, async_http_url **ret) ASYNC_CHECK;

/* Resolve a reference against a URL, as a browser resolves the links of a page.
 *
 *   async_http_url_auto link = NULL;
 *   ASYNC_TRY(async_http_url_join("https://example.org/a/b", "../c?d", &link));
 *   puts(link->text); // https://example.org/c?d
 *
 * base       a URL as above.
 * reference  a URL, or a part of one such as "//host/x", "/x", "x", "?y" or "#z".
 * ret        receives the URL, which the caller frees. It has the user and the password of the
 *            reference, never those of base.
 * Returns    0; a common error. */
int async_http_url_join(const char *base, const char *reference, async_http_url **ret) ASYNC_CHECK;

/* Free a URL, and overwrite its password.
 *
 * url        the URL; may be NULL. */
void async_http_url_free(async_http_url *url);

/* Declare a URL that is freed where its block ends; several can be declared at once.
 *
 *   async_http_url_auto a = NULL, b = NULL; */
#define async_http_url_auto ASYNC_AUTO(async_http_url_drop) __typeof__(async_http_url *)
void async_http_url_drop(async_http_url **url);

/* Remove user and password from a URL, before it is printed.
 *
 *   char shown[] = "https://joe:secret@example.org/";
 *   puts(async_http_url_redact(shown)); // https://example.org/
 *
 * url        any text. It is changed in place, and only ever becomes shorter. If it cannot be
 *            parsed, everything up to its last '@' is removed, because the end of the password is
 *            unknown.
 * Returns    url. */
char *async_http_url_redact(char *url);

ASYNC_END_DECLS

#endif
