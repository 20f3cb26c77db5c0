/* SPDX-License-Identifier: MIT */
/* A client by ext/http and a server by ext/web in one loop, by the real clock. What both adapters
 * and libcurl get from malloc() can fail as well: the adapters' objects are linked in with malloc()
 * wrapped, and libcurl accepts an allocator. libmicrohttpd accepts none. The system calls of both
 * libraries are their own, so only those of the loop fail. */
#define SCENARIO_SEEDS 40
#include "site.h"

static int status_or_error(int r)
{
    return r < 0 ? r : -EREMOTEIO;
}

/* --- requests --- */

VISIT(get_with_query)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, "/hello"), &page,
                           .query = ASYNC_HTTP_PAIRS("to", "me"));
    /* Without memory on the server there is no query. */
    scenario_expect(r != 200 || strcmp(page->body, "hello, me") == 0 ||
                    strcmp(page->body, "hello, you") == 0);
    return r == 200 ? 0 : status_or_error(r);
}

VISIT(gets_and_head_on_one_connection)
{
    for (int i = 0; i < 3; i++)
        ASYNC_TRY(await_page(at, "/hello", 200));
    async_http_response_auto head = NULL;
    int r = await_http_head(at->session, url_of(at, "/hello"), &head);
    scenario_expect(r != 200 || head->size == 0);
    return r == 200 ? 0 : status_or_error(r);
}

VISIT(bodies_come_back)
{
    static char big[20000];
    memset(big, 'x', sizeof big);
    for (int i = 0; i < 2; i++) {
        async_http_response_auto page = NULL;
        int r = i ? await_http_put(at->session, url_of(at, "/echo"), &page, .text = "small")
                  : await_http_post(at->session, url_of(at, "/echo"), &page, .body = big,
                                    .body_size = sizeof big);
        scenario_expect(r != 200 || page->size == (i ? 5 : sizeof big));
        if (r != 200)
            return status_or_error(r);
    }
    return 0;
}

/* Each with a body that comes back, but for the last one. */
VISIT(methods_of_all_kinds)
{
    static const size_t sizes[] = { 2, 3, 2, 0 };
    for (int i = 0; i < 4; i++) {
        async_http_response_auto page = NULL;
        const char *url = url_of(at, "/echo");
        int r = i == 0   ? await_http_post(at->session, url, &page, .json = "{}")
                : i == 1 ? await_http_put(at->session, url, &page,
                                          .form = ASYNC_HTTP_PAIRS("a", "b"))
                : i == 2 ? await_http_request(at->session, "PATCH", url, &page, .text = "it")
                         : await_http_head(at->session, url, &page);
        scenario_expect(r != 200 || page->size == sizes[i]);
        if (r != 200)
            return status_or_error(r);
    }
    return 0;
}

VISIT(redirects)
{
    async_http_response_auto page = NULL;
    int r = await_http_request(at->session, "POST", url_of(at, "/moved"), &page, .text = "here",
                               .max_redirects = -1);
    if (r != 307)
        return status_or_error(r);
    ASYNC_TRY(await_page(at, "/moved", 200));
    return await_page(at, "/moved", 200);
}

VISIT(more_requests_than_the_limit_per_host)
{
    int r = await_gather(NULL, page(at, "/naps", 200), page(at, "/naps", 200),
                         page(at, "/naps", 200), page(at, "/naps", 200), page(at, "/hello", 200));
    scenario_expect(r < 0 || most_inside <= 2);
    return r;
}

/* --- bodies, files, events, middleware --- */

static int await_upload(struct site *at, size_t size)
{
    static char big[200000];
    async_http_response_auto page = NULL;
    char expected[20];
    snprintf(expected, sizeof expected, "%zu", size);
    int r = await_http_post(at->session, url_of(at, "/reads"), &page, .body = big,
                            .body_size = size);
    scenario_expect(r != 200 || strcmp(page->body, expected) == 0);
    return r == 200 ? 0 : status_or_error(r);
}

VISIT(body_is_read_while_it_arrives)
{
    ASYNC_TRY(await_upload(at, 200000));
    return await_upload(at, 5);
}

VISIT(uploads_together)
{
    int r, inner = 0;
    await_group (r, g) {
        async_spawn(g, page(at, "/hello", 200));
        inner = await_upload(at, 100000);
        r = inner;
    }
    return r;
}

VISIT(file_is_sent)
{
    async_http_response_auto part = NULL;
    ASYNC_TRY(await_page(at, "/sends_file", 200));
    int r = await_http_get(at->session, url_of(at, "/sends_file"), &part,
                           .headers = ASYNC_HTTP_PAIRS("Range", "bytes=0-3"));
    scenario_expect(r != 206 || part->size == 4);
    return r == 206 ? 0 : status_or_error(r);
}

VISIT(files_are_sent_together)
{
    return await_gather(NULL, page(at, "/sends_file", 200), page(at, "/sends_file", 200));
}

VISIT(events_are_received)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, "/sends_events"), &page);
    scenario_expect(r != 200 || page->size == 3 * strlen("id: 1\ndata: tick\n\n"));
    return r == 200 ? 0 : status_or_error(r);
}

VISIT(event_stream_is_left_early)
{
    char buf[10];
    async_http_response_auto page = NULL;
    int r = await_http_open(at->session, "GET", url_of(at, "/sends_events"), &page);
    if (r != 200)
        return status_or_error(r);
    ssize_t n = await_http_read(page, buf, sizeof buf);
    async_http_response_drop(&page);
    return n < 0 ? (int)n : await_page(at, "/layered", 200);
}

VISIT(middleware_sets_a_cookie)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, "/layered"), &page);
    scenario_expect(r != 200 || async_http_header(page, "Set-Cookie"));
    return r == 200 ? 0 : status_or_error(r);
}

/* --- streams --- */

VISIT(stream_read_to_its_end)
{
    static char buf[3000];
    size_t size = 0;
    async_http_response_auto page = NULL;
    int r = await_http_open(at->session, "GET", url_of(at, "/streams"), &page);
    if (r != 200)
        return status_or_error(r);
    for (;;) {
        ssize_t n = await_http_read(page, buf, sizeof buf);
        if (n <= 0) {
            scenario_expect(n < 0 || size == (size_t)PIECE * PIECES);
            return (int)n;
        }
        size += (size_t)n;
    }
}

VISIT(stream_read_in_chunks)
{
    int r;
    async_http_response_auto page = NULL;
    r = await_http_open(at->session, "GET", url_of(at, "/prints"), &page);
    if (r != 200)
        return status_or_error(r);
    size_t size = 0;
    await_for_each (r, chunk, async_http_chunks(page))
        size += chunk.size;
    scenario_expect(r < 0 || size == 3);
    return r;
}

VISIT(stream_left_early)
{
    char buf[100];
    async_http_response_auto page = NULL;
    int r = await_http_open(at->session, "GET", url_of(at, "/streams"), &page);
    if (r != 200)
        return status_or_error(r);
    ssize_t n = await_http_read(page, buf, sizeof buf);
    async_http_response_drop(&page);
    return n < 0 ? (int)n : await_page(at, "/hello", 200);
}

VISIT(stream_that_breaks_off)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, "/breaks_off"), &page);
    scenario_expect(r != 200);
    return r == -ENODATA ? 0 : status_or_error(r);
}

/* --- ends --- */

VISIT(request_timeout)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, "/sleeps"), &page, .timeout = 0.002);
    scenario_expect(r < 0 || r >= 500);
    return r == -ETIMEDOUT ? await_page(at, "/hello", 200) : status_or_error(r);
}

VISIT(handler_fails)
{
    await_web_server_auto idle = NULL;
    ASYNC_TRY(async_web_server_start(routes, &idle));
    ASYNC_TRY(await_page(at, "/fails_by_itself", 500));
    return await_page(at, "/nowhere", 404);
}

/* The server notices a little later that the client has gone. */
VISIT(client_leaves)
{
    await_task_auto t = async_create_task(page(at, "/sleeps", 200));
    if (!t)
        return -ENOMEM;
    ASYNC_TRY(await_handler_inside(t));
    async_task_cancel(t);
    int r = await_task(t);
    scenario_expect(r < 0);
    ASYNC_TRY(await_event_wait(&nobody_inside));
    return r == -ECANCELED ? 0 : r;
}

VISIT(stop_lets_handlers_end)
{
    await_task_auto t = async_create_task(page(at, "/naps", 200));
    if (!t)
        return -ENOMEM;
    ASYNC_TRY(await_handler_inside(t));
    int stopped = await_web_server_stop(&at->server, TIME_LIMIT / 2);
    at->server = NULL;
    ASYNC_TRY(stopped);
    return await_task(t);
}

/* The third request waits for a connection when the session closes. If all transfers have been
 * cancelled by an injected fault before, the result is 0. */
VISIT(session_closes_with_transfers)
{
    int r, waited = 0;
    await_group (r, g) {
        async_task *a = async_group_create_task(g, page(at, "/sleeps", 200));
        async_task *b = async_group_create_task(g, page(at, "/sleeps", 200));
        async_task *c = async_group_create_task(g, page(at, "/hello", 200));
        while (waited == 0 && inside < 2 && !async_task_done(a) && !async_task_done(b) &&
               !async_task_done(c))
            waited = await_sleep(0.0002);
        async_http_session_drop(&at->session);
        r = waited;
    }
    return r == -EPIPE ? 0 : r;
}

ASYNC_DEF(serve_site, (int *)port, (async_event *)serving)
{
    return await_web_serve(routes, .ret_port = port, .serving = serving, .grace = -1);
}

static void move_to(struct site *at, int port)
{
    snprintf(at->url, sizeof at->url, "http://127.0.0.1:%d", port);
}

/* A second server, which serves until it is cancelled. */
VISIT(serve_until_cancelled)
{
    int r, inner = 0, port = 0;
    async_event serving = { 0 };
    await_group (r, g) {
        async_task *server = async_group_create_task(g, serve_site(&port, &serving));
        while (inner == 0 && !async_event_is_set(&serving) && !async_task_done(server))
            inner = await_sleep(0.0002);
        if (inner == 0 && !async_task_done(server)) {
            move_to(at, port);
            inner = await_page(at, "/prints", 200);
        }
        r = inner;
        async_group_cancel(g);
    }
    return r;
}

/* One server ends with its block while a handler runs, the other is cancelled before it has served.
 * In between, the client may have its response before the handler has returned. */
VISIT(servers_end_early)
{
    int r, port = 0;
    async_event serving = { 0 };
    await_web_server_auto server = NULL;
    ASYNC_TRY(async_web_server_start(routes, &server));
    await_group (r, g) {
        async_spawn(g, serve_site(&port, &serving));
        move_to(at, async_web_server_port(server));
        r = await_page(at, "/streams", 200);
        async_group_cancel(g);
    }
    ASYNC_TRY(r);
    ASYNC_TRY(await_event_wait(&nobody_inside));
    await_task_auto t = async_create_task(page(at, "/sleeps", 200));
    if (t)
        ASYNC_TRY(await_handler_inside(t));
    await_web_server_drop(&server);
    r = await_task(t); /* a response of 503, or the end of the connection */
    scenario_expect(r < 0);
    return r == -EREMOTEIO || r == -ENODATA || r == -ECONNRESET ? 0 : r;
}
