/* SPDX-License-Identifier: MIT */
/* A web server whose handlers are coroutines. Each request has a task of its own, so a handler that
 * waits does not delay the others.
 *
 *     web_server 8080      serve until Ctrl-C, and then finish the requests that have begun
 *     web_server           start a server, make four requests at once, and print the responses */
#include <asyncio.h>
#include <asyncio/http.h>
#include <asyncio/web.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the server ---- */

ASYNC_DEF(greet, (async_web_request *)rq)
{
    const char *mark = async_web_query(rq, "mark");
    ASYNC_TRY(await_sleep(0.2)); /* stands for a query to a database */
    return async_web_text(rq, 200, "Hello, %s%s\n", async_web_param(rq, "name"), mark ? mark : ".");
}

/* A streamed response: each number is sent when it is written. */
ASYNC_DEF(count, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, "text/plain"));
    for (int i = 1; i <= 4; i++) {
        ASYNC_TRY(await_web_printf(rq, "%d ", i));
        ASYNC_TRY(await_sleep(0.05));
    }
    return await_web_printf(rq, "and done\n");
}

ASYNC_DEF(measure, (async_web_request *)rq)
{
    char json[64];
    size_t size;
    async_web_body(rq, &size);
    snprintf(json, sizeof json, "{\"bytes\": %zu}\n", size);
    return async_web_json(rq, 201, json);
}

static const async_web_route routes[] = {
    { "GET", "/hello/{name}", greet },
    { "GET", "/count", count },
    { "POST", "/measure", measure },
    { 0 },
};

ASYNC_DEF(serve_pages, (int)port)
{
    printf("http://127.0.0.1:%d/hello/world\n", port);
    return await_web_serve(routes, .port = port);
}

/* ---- a client ---- */

ASYNC_DEF(make_request, (async_http_session *)session, (const char *)method, (const char *)url)
{
    async_http_response_auto page = NULL;
    ASYNC_TRY(await_http_request(session, method, url, &page, .body = "four", .body_size = 4));
    printf("%d %s", page->status, page->body);
    return page->status;
}

ASYNC_DEF(serve_own_requests)
{
    char hello[96], numbers[96], notes[96], nothing[96];
    await_web_server_auto server = NULL;
    async_http_session_auto session = NULL;
    ASYNC_TRY(async_web_server_start(routes, &server));
    ASYNC_TRY(async_http_session_open(&session, .proxy = ""));
    int port = async_web_server_port(server), status[4];
    snprintf(hello, sizeof hello, "http://127.0.0.1:%d/hello/you%%20all?mark=!", port);
    snprintf(numbers, sizeof numbers, "http://127.0.0.1:%d/count", port);
    snprintf(notes, sizeof notes, "http://127.0.0.1:%d/measure", port);
    snprintf(nothing, sizeof nothing, "http://127.0.0.1:%d/nothing", port);

    double start = async_time();
    ASYNC_TRY(await_gather(
            status, make_request(session, "GET", hello), make_request(session, "GET", numbers),
            make_request(session, "POST", notes), make_request(session, "GET", nothing)));
    printf("%.1f s\n", async_time() - start);
    bool expected = status[0] == 200 && status[1] == 200 && status[2] == 201 && status[3] == 404;
    return expected ? 0 : -EPROTO;
}

int main(int argc, char *argv[])
{
    return async_main(argc > 1 ? serve_pages(atoi(argv[1])) : serve_own_requests());
}
