/* SPDX-License-Identifier: MIT */
/* A reverse proxy: passes each request on to one of several servers, and streams the response back.
 *
 *     reverse_proxy 8080 http://127.0.0.1:9001 http://127.0.0.1:9002    serve until Ctrl-C
 *     reverse_proxy                               start two servers behind it, and make requests
 *
 * The body of a request is passed on when it is complete; that of a response while it arrives, and
 * a client that reads slowly holds back the server behind. */
#include <asyncio.h>
#include <asyncio/http.h>
#include <asyncio/web.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADERS_MAX = 100 };

struct proxy {
    async_http_session *session;
    const char *const *servers; /* NULL at the end */
    size_t count, next;
};

/* Headers that belong to one connection, not to the request; RFC 9110 has the list. */
static bool is_of_connection(const char *name)
{
    static const char *const names[] = {
        "Connection", "Keep-Alive",        "Proxy-Connection", "TE",
        "Trailer",    "Transfer-Encoding", "Upgrade",          "Expect",
        "Host",       "Content-Length",    "X-Forwarded-For"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Collect the headers to pass on, with the address of the client, as pairs. */
static void collect_headers(async_web_request *rq, const char **pairs)
{
    const char *name, *value;
    size_t n = 0;
    for (size_t i = 0; async_web_header_at(rq, i, &name, &value) && n < 2 * HEADERS_MAX - 2; i++) {
        if (is_of_connection(name))
            continue;
        pairs[n++] = name;
        pairs[n++] = value;
    }
    pairs[n++] = "X-Forwarded-For";
    pairs[n++] = async_web_client(rq);
    pairs[n] = NULL;
}

/* Headers of the response that are worth keeping. */
static int copy_headers(async_web_request *rq, const async_http_response *page)
{
    static const char *const names[] = { "Cache-Control", "ETag", "Last-Modified",   "Location",
                                         "Set-Cookie",    "Vary", "WWW-Authenticate" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = async_http_header(page, names[i]);
        if (value)
            ASYNC_TRY(async_web_add_header(rq, names[i], value));
    }
    return 0;
}

ASYNC_DEF(copy_body, (async_web_request *)rq, (async_http_response *)page)
{
    char buf[16384];
    ssize_t n;
    ASYNC_TRY(copy_headers(rq, page));
    ASYNC_TRY(await_web_stream_begin(rq, page->status, async_http_header(page, "Content-Type")));
    while ((n = ASYNC_TRY(await_http_read(page, buf, sizeof buf))) > 0)
        ASYNC_TRY(await_web_write(rq, buf, (size_t)n));
    return 0;
}

/* Open the request at the next server; if that cannot be reached, at the one after it. */
ASYNC_DEF(open_anywhere, (struct proxy *)p, (async_web_request *)rq, (async_http_response **)ret)
{
    const char *pairs[2 * HEADERS_MAX + 3];
    size_t size;
    int r = -EHOSTUNREACH;
    const char *body = async_web_body(rq, &size);
    collect_headers(rq, pairs);
    for (size_t i = 0; i < p->count; i++) {
        char url[4096];
        const char *server = p->servers[p->next++ % p->count];
        snprintf(url, sizeof url, "%s%s", server, async_web_target(rq));
        r = await_http_open(p->session, async_web_method(rq), url, ret, .headers = pairs,
                            .body = size ? body : NULL, .body_size = size, .max_redirects = -1,
                            .connect_timeout = 2, .no_decompress = true);
        if (r != -ECONNREFUSED && r != -EHOSTUNREACH)
            break;
    }
    return r;
}

ASYNC_DEF(pass_on, (async_web_request *)rq)
{
    async_http_response_auto page = NULL;
    int r = await_open_anywhere(async_web_arg(rq), rq, &page);
    if (r == -ECANCELED)
        return r;
    if (r < 0)
        return async_web_text(rq, r == -ETIMEDOUT ? 504 : 502,
                              "The server behind does not respond.\n");
    return await_copy_body(rq, page);
}

static const async_web_route routes[] = { { "*", "/{path...}", pass_on }, { 0 } };

ASYNC_DEF(serve_proxy, (int)port, (const char *const *)servers, (int)count)
{
    async_http_session_auto session = NULL;
    ASYNC_TRY(async_http_session_open(&session, .limit = 1000, .proxy = ""));
    struct proxy p = { session, servers, (size_t)count, 0 };
    return await_web_serve(routes, .port = port, .arg = &p, .access_log = 2);
}

/* ---- servers behind it, and a client ---- */

ASYNC_DEF(show_request, (async_web_request *)rq)
{
    const char *from = async_web_header(rq, "X-Forwarded-For"),
               *key = async_web_header(rq, "X-Key");
    ASYNC_TRY(async_web_add_header(rq, "Cache-Control", "no-store"));
    return async_web_text(rq, 200, "server %s: %s %s for %s, key %s, body \"%s\"\n",
                          (const char *)async_web_arg(rq), async_web_method(rq),
                          async_web_target(rq), from, key, (const char *)async_web_body(rq, NULL));
}

static const async_web_route behind[] = { { "*", "/{path...}", show_request }, { 0 } };

ASYNC_DEF(try_proxy)
{
    char urls[3][100];
    const char *const servers[] = { urls[0], "http://127.0.0.1:1", urls[1] };
    async_http_session_auto session = NULL;
    await_web_server_auto a = NULL, b = NULL, front = NULL;
    ASYNC_TRY(async_http_session_open(&session, .proxy = ""));
    struct proxy p = { session, servers, 3, 0 };
    ASYNC_TRY(async_web_server_start(behind, &a, .arg = "A"));
    ASYNC_TRY(async_web_server_start(behind, &b, .arg = "B"));
    ASYNC_TRY(async_web_server_start(routes, &front, .arg = &p));
    snprintf(urls[0], sizeof urls[0], "http://127.0.0.1:%d", async_web_server_port(a));
    snprintf(urls[1], sizeof urls[1], "http://127.0.0.1:%d", async_web_server_port(b));
    snprintf(urls[2], sizeof urls[2], "http://127.0.0.1:%d/a%%20path?q=1",
             async_web_server_port(front));
    for (int i = 0; i < 3; i++) {
        async_http_response_auto page = NULL;
        int status = ASYNC_TRY(await_http_request(session, i == 2 ? "PUT" : "GET", urls[2], &page,
                                                  .headers = ASYNC_HTTP_PAIRS("X-Key", "7"),
                                                  .text = i == 2 ? "hello" : NULL));
        const char *cache = async_http_header(page, "Cache-Control");
        printf("%d %s: %s", status, cache ? cache : "-", page->body);
    }
    return 0;
}

int main(int argc, char *argv[])
{
    if (argc < 3)
        return async_main(try_proxy());
    return async_main(serve_proxy(atoi(argv[1]), (const char *const *)argv + 2, argc - 2));
}
