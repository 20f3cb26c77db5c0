/* SPDX-License-Identifier: MIT */
/* A client by ext/http and a server by ext/web in one loop, by the real clock. What our two adapters and libcurl take
 * by malloc() fails as well: the former are linked in with malloc() wrapped, libcurl has a door for it. libmicrohttpd
 * has none, and its system calls are its own, as libcurl's are: of those two only what passes through our loop fails.
 *
 * Whatever it is: no connection is left, no handler hangs, and libcurl gets all its memory back. */
#define SCENARIO_SEEDS 40
#include "site.h"

VISIT(a_get)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, "/hello"), &page,
                           .query = ASYNC_HTTP_PAIRS("to", "me"));
    must(r != 200 || strcmp(page->body, "hello, me") == 0 ||
         strcmp(page->body, "hello, you") == 0); /* without memory there is no query */
    return r < 0 ? r : r == 200 ? 0 : -EREMOTEIO;
}

VISIT(gets_on_one_connection)
{
    for (int i = 0; i < 3; i++)
        ASYNC_TRY(await_page(at, "/hello", 200));
    async_http_response_auto head = NULL;
    int r = await_http_head(at->session, url_of(at, "/hello"), &head);
    must(r != 200 || head->size == 0);
    return r < 0 ? r : r == 200 ? 0 : -EREMOTEIO;
}

VISIT(bodies_that_are_sent)
{
    static char big[20000];
    memset(big, 'x', sizeof big);
    for (int i = 0; i < 2; i++) {
        async_http_response_auto page = NULL;
        int r = i ? await_http_put(at->session, url_of(at, "/echo"), &page, .text = "small")
                  : await_http_post(at->session, url_of(at, "/echo"), &page, .body = big,
                                    .body_size = sizeof big);
        must(r != 200 || page->size == (i ? 5 : sizeof big));
        if (r != 200)
            return r < 0 ? r : -EREMOTEIO;
    }
    return 0;
}

/* At a limit, and what is left of the transfer when its reader goes. */
VISIT(a_stream_that_is_read)
{
    static char buf[3000];
    size_t size = 0;
    async_http_response_auto page = NULL;
    int r = await_http_open(at->session, "GET", url_of(at, "/streams"), &page);
    if (r != 200)
        return r < 0 ? r : -EREMOTEIO;
    for (;;) {
        ssize_t n = await_http_read(page, buf, sizeof buf);
        if (n <= 0) {
            must(n < 0 || size == (size_t)PIECE * PIECES);
            return (int)n;
        }
        size += (size_t)n;
    }
}

VISIT(a_stream_by_chunks)
{
    int r;
    async_http_response_auto page = NULL;
    r = await_http_open(at->session, "GET", url_of(at, "/prints"), &page);
    if (r != 200)
        return r < 0 ? r : -EREMOTEIO;
    size_t size = 0;
    await_for_each (r, chunk, async_http_chunks(page))
        size += chunk.size;
    must(r < 0 || size == 3);
    return r;
}

VISIT(a_stream_left_early)
{
    char buf[100];
    async_http_response_auto page = NULL;
    int r = await_http_open(at->session, "GET", url_of(at, "/streams"), &page);
    if (r != 200)
        return r < 0 ? r : -EREMOTEIO;
    ssize_t n = await_http_read(page, buf, sizeof buf);
    async_http_response_drop(&page);
    return n < 0 ? (int)n : await_page(at, "/hello", 200);
}

VISIT(a_stream_that_breaks_off)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, "/breaks_off"), &page);
    must(r != 200);
    return r == -ENODATA ? 0 : r < 0 ? r : -EREMOTEIO;
}

VISIT(a_redirect)
{
    async_http_response_auto page = NULL;
    int r = await_http_request(at->session, "POST", url_of(at, "/moved"), &page, .text = "here",
                               .max_redirects = -1);
    if (r != 307)
        return r < 0 ? r : -EREMOTEIO;
    ASYNC_TRY(await_page(at, "/moved", 200));
    return await_page(at, "/moved", 200);
}

VISIT(a_timeout)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, "/sleeps"), &page, .timeout = 0.005);
    must(r < 0 || r >= 500);
    return r == -ETIMEDOUT ? await_page(at, "/hello", 200) : r < 0 ? r : -EREMOTEIO;
}

VISIT(more_than_the_limit_per_host)
{
    int r = await_gather(NULL, page(at, "/naps", 200), page(at, "/naps", 200),
                         page(at, "/naps", 200), page(at, "/naps", 200), page(at, "/hello", 200));
    must(r < 0 || most_inside <= 2);
    return r;
}

VISIT(a_handler_that_fails)
{
    await_web_server_auto idle = NULL;
    ASYNC_TRY(async_web_server_start(routes, &idle));
    ASYNC_TRY(await_page(at, "/fails_by_itself", 500));
    return await_page(at, "/nowhere", 404);
}

VISIT(a_client_that_goes)
{
    await_task_auto t = async_create_task(page(at, "/sleeps", 200));
    if (!t)
        return -ENOMEM;
    while (inside == 0 && !async_task_done(t))
        ASYNC_TRY(await_sleep(0.0005));
    async_task_cancel(t);
    int r = await_task(t);
    must(r < 0);
    ASYNC_TRY(await_event_wait(&nobody_inside)); /* the server hears of it a little later */
    return r == -ECANCELED ? 0 : r;
}

/* Who is served already is served to the end. */
VISIT(a_graceful_stop)
{
    await_task_auto t = async_create_task(page(at, "/naps", 200));
    if (!t)
        return -ENOMEM;
    while (inside == 0 && !async_task_done(t))
        ASYNC_TRY(await_sleep(0.0005));
    int stopped = await_web_server_stop(at->server, LIMIT / 2);
    at->server = NULL;
    ASYNC_TRY(stopped);
    return await_task(t);
}

VISIT(a_session_that_is_closed_with_transfers)
{
    int r, asked = 0;
    await_group (r, g) {
        async_task *a = async_group_create_task(g, page(at, "/sleeps", 200));
        async_task *b = async_group_create_task(g, page(at, "/sleeps", 200));
        async_task *c = async_group_create_task(g, page(at, "/hello", 200)); /* waits for a place */
        while (asked == 0 && inside < 2 && !async_task_done(a) && !async_task_done(b) &&
               !async_task_done(c))
            asked = await_sleep(0.0005);
        async_http_session_drop(&at->session);
        r = asked;
    }
    return r == -EPIPE ? 0 : r; /* 0: all of them were cancelled before */
}

/* Each with a body that it sends back, but for the last one. */
VISIT(methods_of_all_kinds)
{
    static const size_t sizes[] = { 2, 3, 2, 0 };
    for (int i = 0; i < 4; i++) {
        async_http_response_auto page = NULL;
        const char *url = url_of(at, "/echo");
        int r = i == 0   ? await_http_post(at->session, url, &page, .json = "{}")
                : i == 1 ? await_http_put(at->session, url, &page, .form = ASYNC_HTTP_PAIRS("a", "b"))
                : i == 2 ? await_http_request(at->session, "PATCH", url, &page, .text = "it")
                         : await_http_head(at->session, url, &page);
        must(r != 200 || page->size == sizes[i]);
        if (r != 200)
            return r < 0 ? r : -EREMOTEIO;
    }
    return 0;
}

ASYNC_DEF(serves, (int *)port, (async_event *)serving)
{
    return await_web_serve(routes, .ret_port = port, .serving = serving, .grace = -1);
}

static void move(struct site *at, int port)
{
    snprintf(at->url, sizeof at->url, "http://127.0.0.1:%d", port);
}

/* A second server, until it is cancelled. */
VISIT(serving_until_cancelled)
{
    int r, inner = 0, port = 0;
    async_event serving = { 0 };
    await_group (r, g) {
        async_task *server = async_group_create_task(g, serves(&port, &serving));
        while (inner == 0 && !async_event_is_set(&serving) && !async_task_done(server))
            inner = await_sleep(0.0005);
        if (inner == 0 && !async_task_done(server)) {
            move(at, port);
            inner = await_page(at, "/prints", 200);
        }
        r = inner;
        async_group_cancel(g);
    }
    return r;
}

/* One that goes with its block, in the middle of an answer; and one that nobody asks. */
VISIT(servers_that_go)
{
    int r, port = 0;
    async_event serving = { 0 };
    await_web_server_auto server = NULL;
    ASYNC_TRY(async_web_server_start(routes, &server));
    await_group (r, g) {
        async_spawn(g, serves(&port, &serving));
        move(at, async_web_server_port(server));
        r = await_page(at, "/streams", 200);
        async_group_cancel(g);
    }
    ASYNC_TRY(r);
    ASYNC_TRY(await_event_wait(&nobody_inside)); /* the client may have its answer, and the handler not know yet */
    await_task_auto t = async_create_task(page(at, "/sleeps", 200));
    while (inside == 0 && t && !async_task_done(t))
        ASYNC_TRY(await_sleep(0.0005));
    await_web_server_drop(&server);
    r = await_task(t); /* 503, but it may come too late */
    must(r < 0);
    return r == -EREMOTEIO || r == -ENODATA || r == -ECONNRESET ? 0 : r;
}
