/* SPDX-License-Identifier: MIT */
/* http_response.c - fuzz the headers of responses in the HTTP client, and the redirects that they
 * lead to. The input is what servers send: a status line, headers and an empty line, then the next
 * response. libcurl delivers headers line by line, and so does this target.
 *
 * Credentials that were given for the first origin must never be sent to another one, nor once
 * another one was visited. */
#include "fuzz.h"

#include <asyncio.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ext/http/call.h"
#include "ext/http/redirect.h"
#include "ext/http/request_headers.h"
#include "ext/http/response.h"
#include "ext/http/response_headers.h"
#include "ext/http/url.h"

enum { MAX_REDIRECTS = 5, MAX_HEADER_BYTES = 256 * 1024 };

/* --- what delivers the responses, in place of libcurl --- */

struct fake_server {
    struct http_source source; /* first */
    int status;                /* of the response that is delivered */
};

static int fake_status(struct http_source *s)
{
    return ((struct fake_server *)s)->status;
}

static const struct http_source_ops fake_ops = { .status = fake_status };

/* libcurl reads three digits behind the version. */
static int parse_status(const char *line, size_t n)
{
    const char *space = memchr(line, ' ', n);
    const char *digits = space ? space + 1 : line + n;
    int status = 0;
    for (int i = 0; i < 3 && digits + i < line + n; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return 0;
        status = status * 10 + digits[i] - '0';
    }
    return status;
}

/* --- the request --- */

static const char *const secrets[] = { "Authorization: Basic c2VjcmV0", "Cookie: secret", NULL };
static const char *const secret_pairs[] = { "Cookie", "secret", "X-Other", "value", NULL };

/* A session whose strings are constants. */
static void init_session(async_http_session *s)
{
    *s = (async_http_session){ 0 };
    s->o.user_agent = "fuzz";
    http_arena_init(&s->arena);
    fuzz_check(http_headers_prepare(s) == 0, "no memory");
}

static void init_call(struct http_call *c, async_http_session *s, struct fake_server *server)
{
    *c = (struct http_call){ .session = s, .method = "POST", .has_body = true, .body = "" };
    c->res = http_response_new();
    fuzz_check(c->res, "no memory");
    c->o.headers = secret_pairs;
    c->o.max_redirects = MAX_REDIRECTS;
    c->auth = http_arena_text(&c->res->arena, secrets[0], strlen(secrets[0]));
    c->res->source = &server->source;
    c->res->follow = true;
    c->res->max_body = 1000;
    c->res->pub.url = "https://first.example/path?query";
    fuzz_check(http_headers_build(c) == 0, "%s", c->res->error.text);
}

/* --- what must hold --- */

static bool sends(const struct http_call *c, const char *line)
{
    for (const struct curl_slist *h = c->headers; h; h = h->next)
        if (strcmp(h->data, line) == 0)
            return true;
    return false;
}

/* The first URL has no default port, nor do the URLs that libcurl writes, so origins are compared
 * byte by byte here. */
static bool is_first_origin(const char *url)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    bool same = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                strcasecmp(scheme, "https") == 0 && strcasecmp(host, "first.example") == 0 &&
                strcmp(port, "443") == 0;
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return same;
}

/* *left: whether another origin was visited. */
static void check_hop(const struct http_call *c, bool *left)
{
    const struct http_response *res = c->res;
    *left = *left || !is_first_origin(res->pub.url);
    for (size_t i = 0; secrets[i]; i++)
        fuzz_check(sends(c, secrets[i]) == !*left, "%s %s %s", res->pub.url,
                   *left ? "receives" : "does not receive", secrets[i]);
    fuzz_check(res->pub.redirect_count <= MAX_REDIRECTS, "%d", res->pub.redirect_count);
    for (const struct curl_slist *h = c->headers; h; h = h->next)
        fuzz_check(!strpbrk(h->data, "\r\n"), "%s", h->data);
    fuzz_check(c->has_body || !c->body, "%s", c->method);
}

/* Two numbers that differ would let two readers disagree about the end of the body. */
static void check_lengths(const struct http_response *res)
{
    long long length = -1;
    for (const async_http_field *f = res->pub.headers; f; f = f->next) {
        size_t digits = strspn(f->value, "0123456789");
        if (strcasecmp(f->name, "Content-Length") != 0 || !digits || f->value[digits] ||
            digits > 18)
            continue;
        fuzz_check(length == -1 || length == atoll(f->value), "lengths %lld and %s", length,
                   f->value);
        length = atoll(f->value);
    }
    fuzz_check(length == -1 || length == res->content_length, "length %lld, not %lld",
               (long long)res->content_length, length);
}

static void check_headers(const struct http_response *res)
{
    for (const async_http_field *f = res->pub.headers; f; f = f->next) {
        size_t n = strlen(f->value);
        fuzz_check(f->name[0] && !strpbrk(f->name, ":"), "name %s", f->name);
        fuzz_check(f->name[0] != ' ' && f->name[0] != '\t', "name %s", f->name);
        fuzz_check(!n || !strchr(" \t\r\n", f->value[n - 1]), "value %s", f->value);
        fuzz_check(f->value[0] != ' ' && f->value[0] != '\t', "value %s", f->value);
    }
    check_lengths(res);
    fuzz_check(async_http_retry_after(&res->pub) >= -1, "Retry-After");
}

/* The headers of a response are complete. Returns whether the next hop follows. */
static bool end_response(struct http_call *c, bool *left)
{
    struct http_response *res = c->res;
    check_headers(res);
    if (!res->redirect)
        return !res->headers_done;
    int before = res->pub.redirect_count;
    int r = http_redirect_follow(c);
    fuzz_check((r < 0) == (res->error.kind != ASYNC_HTTP_OK), "%d, %s", r, res->error.text);
    if (r < 0)
        return false;
    fuzz_check(res->pub.redirect_count == before + 1, "%d", res->pub.redirect_count);
    check_hop(c, left);
    return true;
}

/* --- the input --- */

/* libcurl itself ends a transfer at a line with a NUL, or at one behind the status line without a
 * colon. */
static bool libcurl_delivers(const struct http_response *res, const char *line, size_t n)
{
    bool is_end = n <= 2 && (*line == '\r' || *line == '\n');
    bool folded = *line == ' ' || *line == '\t';
    return !memchr(line, 0, n) && (is_end || folded || !res->headers_begun || memchr(line, ':', n));
}

/* Deliver one line. Returns false if the transfer ends. */
static bool deliver_line(struct http_call *c, struct fake_server *server, const char *line,
                         size_t n, bool *left)
{
    struct http_response *res = c->res;
    if (!libcurl_delivers(res, line, n))
        return false;
    if (!res->headers_begun)
        server->status = parse_status(line, n);
    char *copy = fuzz_copy(line, n);
    size_t taken = http_response_header(res, copy, n);
    free(copy);
    fuzz_check(taken == n || (taken == 0 && res->error.kind != ASYNC_HTTP_OK), "%zu of %zu, %s",
               taken, n, res->error.text);
    fuzz_check(res->header_bytes <= MAX_HEADER_BYTES || taken == 0, "%zu", res->header_bytes);
    bool ends = n <= 2 && (*line == '\r' || *line == '\n');
    return taken && (!ends || end_response(c, left));
}

static void deliver(struct http_call *c, struct fake_server *server, const char *text, size_t size)
{
    bool left = false;
    check_hop(c, &left);
    for (size_t at = 0, n; at < size; at += n) {
        const char *end = memchr(text + at, '\n', size - at);
        n = end ? (size_t)(end - text) - at + 1 : size - at;
        if (!deliver_line(c, server, text + at, n, &left))
            return;
    }
}

/* Waking a task, which no input does here, needs a loop. */
ASYNC_DEF(run_input, (const uint8_t *)data, (size_t)size)
{
    async_http_session session;
    struct fake_server server = { .source.ops = &fake_ops };
    struct http_call c;
    init_session(&session);
    init_call(&c, &session, &server);
    deliver(&c, &server, (const char *)data, size);
    c.res->source = NULL;
    async_http_response_free(&c.res->pub);
    http_arena_free(&session.arena);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static async_runner *runner;
    if (!runner)
        runner = async_runner_open(NULL);
    int r = async_runner_run(runner, run_input(data, size));
    fuzz_check(r == 0, "the run returned %d", r);
    return 0;
}
