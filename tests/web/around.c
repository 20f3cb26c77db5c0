/* SPDX-License-Identifier: MIT */
/* What is around handlers: middleware, timeouts, error pages, the access log, events, proxies. */
#include "harness.h"

#include "fake_clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- handlers --- */

static atomic_int begun, cancelled;

ASYNC_DEF(hello, (async_web_request *)rq)
{
    expect_int(await_web_next(rq), -EINVAL); /* a handler is no middleware */
    return async_web_text(rq, 200, "hello");
}

ASYNC_DEF(fail_always, (async_web_request *)rq)
{
    (void)rq;
    return -EIO;
}

ASYNC_DEF(hang, (async_web_request *)rq)
{
    begun++;
    int r = await_sleep(1e6);
    cancelled += r == -ECANCELED;
    return r < 0 ? r : async_web_text(rq, 200, "at last");
}

ASYNC_DEF(stream, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, "text/plain"));
    ASYNC_TRY(await_web_printf(rq, "begin "));
    begun++;
    ASYNC_TRY(await_sleep(100));
    return await_web_printf(rq, "end");
}

ASYNC_DEF(send_events, (async_web_request *)rq)
{
    const char *last = async_web_header(rq, "Last-Event-ID");
    ASYNC_TRY(await_web_events_begin(rq));
    ASYNC_TRY(await_web_event(rq, "one"));
    ASYNC_TRY(await_web_event(rq, "two\nthree\r\nfour\rfive\n", .event = "lines", .id = "7"));
    ASYNC_TRY(await_web_event(rq, "", .retry = 2.5));
    ASYNC_TRY(await_web_event(rq, NULL, .comment = last ? last : "none"));
    expect_int(await_web_event(rq, "x", .event = "a\nb"), -EINVAL);
    expect_int(await_web_event(rq, "x", .id = "a\rb"), -EINVAL);
    expect_int(await_web_event(rq, "x", .comment = "a\nb"), -EINVAL);
    return 0;
}

ASYNC_DEF(event_without_stream, (async_web_request *)rq)
{
    expect_int(await_web_event(rq, "x"), -EINVAL);
    return async_web_text(rq, 200, "none");
}

ASYNC_DEF(show_client, (async_web_request *)rq)
{
    return async_web_text(rq, 200, "%s", async_web_client(rq));
}

ASYNC_DEF(list_headers, (async_web_request *)rq)
{
    char text[1000] = "";
    const char *name, *value;
    for (size_t i = 0; async_web_header_at(rq, i, &name, &value); i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s=%s;", name, value);
    return async_web_text(rq, 200, "%s", text);
}

static const async_web_route routes[] = { { "GET", "/hello", hello },
                                          { "GET", "/fail", fail_always },
                                          { "GET", "/hang", hang },
                                          { "GET", "/stream", stream },
                                          { "GET", "/events", send_events },
                                          { "GET", "/none", event_without_stream },
                                          { "GET", "/client", show_client },
                                          { "GET", "/headers", list_headers },
                                          { 0 } };

/* --- middleware --- */

ASYNC_DEF(add_status, (async_web_request *)rq)
{
    char text[50];
    expect_int(async_web_status(rq), 0);
    int r = await_web_next(rq);
    snprintf(text, sizeof text, "%d %d", r, async_web_status(rq));
    ASYNC_TRY(async_web_add_header(rq, "X-Outer", text));
    if (r < 0 && async_web_status(rq) == 0)
        return async_web_text(rq, 502, "failed");
    return r;
}

ASYNC_DEF(require_key, (async_web_request *)rq)
{
    if (!async_web_header(rq, "X-Key"))
        return async_web_text(rq, 401, "who are you?");
    int r = await_web_next(rq);
    ASYNC_TRY(async_web_add_header(rq, "X-Inner", "yes"));
    return r;
}

static const async_web_handler middleware[] = { add_status, require_key, NULL };

static void expect_layers(int port, const char *line, int status, const char *outer,
                          const char *inner)
{
    struct response r = request(port, "%s", line);
    expect_int(r.status, status);
    const char *found = response_header(&r, "X-Outer");
    expect_text(found ? found : "none", outer);
    found = response_header(&r, "X-Inner");
    expect_text(found ? found : "none", inner);
    free(r.body);
}

static void pass_middleware(int port, void *arg)
{
    (void)arg;
    expect_layers(port, "GET /hello HTTP/1.1\r\nX-Key: 1", 200, "0 200", "yes");
    expect_layers(port, "GET /hello HTTP/1.1", 401, "0 401", "none");
    expect_layers(port, "GET /fail HTTP/1.1\r\nX-Key: 1", 502, "-5 0", "yes");
    expect_layers(port, "GET /nowhere HTTP/1.1", 404, "none", "none");
}

TEST(middleware_runs_around_the_handler)
{
    serve(routes, (struct async_web_opts){ .middleware = middleware }, pass_middleware, NULL);
}

/* --- timeouts --- */

static void wait_for_timeout(int port, void *arg)
{
    (void)arg;
    fake_clock_stop();
    int fd = connect_to(port);
    send_text(fd, "GET /hang HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_until(&begun, 1);
    skip_seconds(4);
    expect_int(cancelled, 0);
    skip_seconds(2);
    expect_status(fd, 503);
    expect_int(cancelled, 1);
    send_text(fd, "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_status(fd, 200);
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_until(&begun, 2);
    for (int i = 0; i < 11; i++)
        skip_seconds(10);
    struct response r = read_response(fd);
    expect_text(r.body, "begin end"); /* a stream that has begun has no timeout */
    free(r.body);
    close(fd);
}

TEST(handler_beyond_its_timeout_is_cancelled_and_gets_503)
{
    char *text = serve_and_capture_stderr(routes, (struct async_web_opts){ .handler_timeout = 5 },
                                          wait_for_timeout, NULL);
    expect_text(text, "asyncio-web: GET /hang: handler failed: Connection timed out: "
                      "it took longer than .handler_timeout\n");
    free(text);
}

/* --- error pages --- */

static void show_error(async_web_request *rq, int status)
{
    char text[100];
    if (status == 405)
        return; /* the server's own */
    expect_not_null(async_web_path(rq));
    expect_null(async_web_param(rq, "x"));
    expect_null(async_web_query(rq, "x"));
    snprintf(text, sizeof text, "<h1>%d %s</h1>", status, async_web_method(rq));
    expect_ok(async_web_add_header(rq, "X-Error", "yes"));
    expect_ok(async_web_respond(rq, status, "text/html", text, strlen(text)));
}

static void cause_errors(int port, void *arg)
{
    (void)arg;
    expect_response(port, 404, "<h1>404 GET</h1>", "GET /nowhere HTTP/1.1");
    expect_response(port, 500, "<h1>500 GET</h1>", "GET /fail HTTP/1.1");
    expect_response(port, 400, "<h1>400 GET</h1>", "GET /a%zz HTTP/1.1");
    expect_response(port, 400, "<h1>400 GET</h1>", "GET /hello HTTP/1.1\r\nX-A: \x01");
    expect_response(port, 413, "<h1>413 GET</h1>",
                    "GET /hello HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue");
    expect_response(port, 405, "405 Method Not Allowed\n", "PUT /hello HTTP/1.1");
    expect_response(port, 200, "hello", "GET /hello HTTP/1.1");
}

TEST(error_page_replaces_the_response_of_the_server)
{
    char *text = serve_and_capture_stderr(
            routes, (struct async_web_opts){ .error_page = show_error, .body_limit = 4 },
            cause_errors, NULL);
    free(text);
}

/* --- logs --- */

struct entry {
    int status;
    uint64_t size;
    char line[200];
};
static struct entry entries[20];
static atomic_int entry_count;

static void keep_entry(const async_web_log *e, void *arg)
{
    struct entry *to = &entries[entry_count];
    expect_ptr(arg, entries);
    to->status = e->status;
    to->size = e->size;
    expect_at_least(e->seconds, 0);
    snprintf(to->line, sizeof to->line, "%s %s %s %s %s", e->client, e->method, e->target,
             e->referer ? e->referer : "-", e->user_agent ? e->user_agent : "-");
    entry_count++;
}

static void make_log(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, NULL, "GET /hello?q=%20 HTTP/1.1\r\nReferer: r\r\nUser-Agent: u");
    expect_response(port, 404, NULL, "POST /x\" HTTP/1.1\r\nUser-Agent: \"\\\xc3");
    struct response r = request(port, "HEAD /hello HTTP/1.1");
    free(r.body);
    int fd = connect_to(port);
    send_text(fd, "GET /hang HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_until(&begun, 1);
    reset_connection(fd);
    wait_until(&cancelled, 1);
    fd = connect_to(port);
    send_text(fd, "POST /hello HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n");
    expect_status(fd, 400);
    close(fd);
    wait_until(&entry_count, 5);
}

TEST(log_function_gets_an_entry_for_each_request)
{
    serve(routes, (struct async_web_opts){ .log = keep_entry, .arg = entries }, make_log, NULL);
    static const struct entry expected[] = {
        { 200, 5, "127.0.0.1 GET /hello?q=%20 r u" }, { 404, 14, "127.0.0.1 POST /x\" - \"\\\xc3" },
        { 200, 0, "127.0.0.1 HEAD /hello - -" },      { 499, 0, "127.0.0.1 GET /hang - -" },
        { 400, 0, "127.0.0.1  /hello - -" },
    };
    expect_int(entry_count, 5);
    for (int i = 0; i < 5; i++) {
        expect_int(entries[i].status, expected[i].status);
        expect_int(entries[i].size, expected[i].size);
        expect_text(entries[i].line, expected[i].line);
    }
}

static void make_short_log(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, NULL, "GET /hello?q=%20 HTTP/1.1\r\nReferer: r\r\nUser-Agent: u");
    expect_response(port, 404, NULL, "POST /x\" HTTP/1.1\r\nUser-Agent: \"\\\xc3");
}

TEST(access_log_has_a_line_for_each_request)
{
    char text[2000], *second;
    int fds[2];
    expect_ok(pipe2(fds, O_CLOEXEC | O_NONBLOCK));
    serve(routes, (struct async_web_opts){ .access_log = fds[1] }, make_short_log, NULL);
    ssize_t n = read(fds[0], text, sizeof text - 1);
    expect_greater(n, 0);
    text[n] = '\0';
    expect_that(strncmp(text, "127.0.0.1 - - [", 15) == 0, "%s", text);
    expect_contains(text, " +0000] \"GET /hello?q=%20 HTTP/1.1\" 200 5 \"r\" \"u\" ");
    second = strchr(text, '\n');
    expect_not_null(second);
    expect_contains(second, "] \"POST /x\\x22 HTTP/1.1\" 404 14 \"-\" \"\\x22\\x5C\\xC3\" ");
    close(fds[0]);
    close(fds[1]);
}

/* --- events --- */

static void receive_events(int port, void *arg)
{
    (void)arg;
    struct response r = request(port, "GET /events HTTP/1.1\r\nLast-Event-ID: 6");
    expect_int(r.status, 200);
    expect_text(response_header(&r, "Content-Type"), "text/event-stream");
    expect_text(response_header(&r, "Cache-Control"), "no-cache");
    expect_text(r.body, "data: one\n\n"
                        "event: lines\nid: 7\ndata: two\ndata: three\ndata: four\ndata: five\n"
                        "data: \n\n"
                        "retry: 2500\ndata: \n\n"
                        ": 6\n\n");
    free(r.body);
    expect_response(port, 200, "none", "GET /none HTTP/1.1");
}

TEST(events_are_sent_in_their_format)
{
    serve(routes, (struct async_web_opts){ 0 }, receive_events, NULL);
}

/* --- proxies --- */

#define FORWARDED(values) "GET /client HTTP/1.1\r\nX-Forwarded-For: " values

static void ask_directly(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "127.0.0.1", FORWARDED("1.2.3.4"));
}

TEST(forwarded_address_is_not_believed_by_default)
{
    serve(routes, (struct async_web_opts){ 0 }, ask_directly, NULL);
}

static void ask_through_proxies(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "127.0.0.1", "GET /client HTTP/1.1");
    expect_response(port, 200, "5.6.7.8", FORWARDED("6.6.6.6, 5.6.7.8 ,1.2.3.4"));
    expect_response(port, 200, "1.2.3.4", FORWARDED("1.2.3.4"));
    expect_response(port, 200, "5.6.7.8",
                    FORWARDED("6.6.6.6,5.6.7.8\r\nX-Other: y\r\nx-forwarded-for: 1.2.3.4"));
    expect_response(port, 200, "5.6.7.8", FORWARDED("5.6.7.8:80, 1.2.3.4"));
    expect_response(port, 200, "::1", FORWARDED("[::1]:80, 1.2.3.4"));
    expect_response(port, 200, "::1", FORWARDED("::1, 1.2.3.4"));
    expect_response(port, 200, "127.0.0.1", FORWARDED("unknown, 1.2.3.4"));
    expect_response(port, 200, "1.2.3.4", FORWARDED(", 1.2.3.4"));
    expect_response(port, 200, "5.6.7.8", FORWARDED("6.6.6.6, 5.6.7.8,\t, 1.2.3.4,"));
    expect_response(port, 200, "127.0.0.1", FORWARDED(""));
}

TEST(forwarded_address_is_that_which_the_outermost_trusted_proxy_added)
{
    serve(routes, (struct async_web_opts){ .trusted_proxies = 2 }, ask_through_proxies, NULL);
}

static void list_all(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "A=b;A=c d;Empty=;Host=here;Connection=close;",
                    "GET /headers HTTP/1.1\r\nA: b\r\nA: c d\r\nEmpty:");
}

TEST(all_headers_are_listed_in_their_order)
{
    serve(routes, (struct async_web_opts){ 0 }, list_all, NULL);
}

SUITE("web-around", middleware_runs_around_the_handler,
      handler_beyond_its_timeout_is_cancelled_and_gets_503,
      error_page_replaces_the_response_of_the_server, log_function_gets_an_entry_for_each_request,
      access_log_has_a_line_for_each_request, events_are_sent_in_their_format,
      forwarded_address_is_not_believed_by_default,
      forwarded_address_is_that_which_the_outermost_trusted_proxy_added,
      all_headers_are_listed_in_their_order)
