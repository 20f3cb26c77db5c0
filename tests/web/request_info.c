/* SPDX-License-Identifier: MIT */
/* What a handler reads of its request: query, headers, address of the client. */
#include "harness.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

ASYNC_DEF(show_query, (async_web_request *)rq)
{
    char text[4096] = "";
    const char *name, *value;
    for (size_t i = 0; async_web_query_at(rq, i, &name, &value); i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "(%s=%s)", name, value);
    const char *q = async_web_query(rq, "q");
    return async_web_text(rq, 200, "%s%s", q ? q : "none", text);
}

ASYNC_DEF(show_headers, (async_web_request *)rq)
{
    const char *x = async_web_header(rq, "x-test"), *peer = async_web_peer(rq);
    expect_null(async_web_header(rq, "X-Nothing"));
    expect_ptr(peer, async_web_peer(rq));
    return async_web_text(rq, 200, "%s %.*s %s", x ? x : "none", peer[0] == '[' ? 6 : 10, peer,
                          (char *)async_web_arg(rq));
}

static const async_web_route routes[] = { { "GET", "/query", show_query },
                                          { "GET", "/headers", show_headers },
                                          { 0 } };

static void request_queries(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "none", "GET /query HTTP/1.1");
    expect_response(port, 200, "none", "GET /query? HTTP/1.1");
    expect_response(port, 200, "1(q=1)", "GET /query?q=1 HTTP/1.1");
    expect_response(port, 200, "1(q=1)", "GET /query?q=1#q=2 HTTP/1.1");
    expect_response(port, 200, "a b&c=(q=a b&c=)", "GET /query?q=a+b%26c%3d HTTP/1.1");
    expect_response(port, 200, "1(a=)(q=1)(q=2)(b==)", "GET /query?a&&q=1&q=2&b==& HTTP/1.1");
    expect_response(port, 200, "(q=)", "GET /query?q= HTTP/1.1");
    expect_response(port, 200, "/?(q=/?)", "GET /query?q=/? HTTP/1.1");
}

TEST(query_is_decoded_item_by_item)
{
    serve(routes, (struct async_web_opts){ 0 }, request_queries, NULL);
}

static void request_long_query(int port, void *arg)
{
    char filler[1501];
    (void)arg;
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    struct response r = request(port, "GET /query?%s&q=last HTTP/1.1", filler);
    expect_int(r.status, 200);
    expect_ok(strncmp(r.body, "last(xxx", 8));
    free(r.body);
}

TEST(query_longer_than_the_inline_memory_is_decoded)
{
    serve(routes, (struct async_web_opts){ 0 }, request_long_query, NULL);
}

static void request_headers(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "seen 127.0.0.1: mine", "GET /headers HTTP/1.1\r\nX-Test: seen");
    expect_response(port, 200, "first 127.0.0.1: mine",
                    "GET /headers HTTP/1.1\r\nX-TEST: first\r\nX-Test: 2");
    expect_response(port, 200, "none 127.0.0.1: mine", "GET /headers HTTP/1.1");
}

TEST(header_lookup_ignores_case_and_returns_the_first)
{
    serve(routes, (struct async_web_opts){ .arg = (char[]){ "mine" } }, request_headers, NULL);
}

static void request_by_ipv6(int port, void *arg)
{
    (void)arg;
    struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    a.sin6_addr = in6addr_loopback;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect_ok(connect(fd, (struct sockaddr *)&a, sizeof a));
    send_text(fd, "GET /headers HTTP/1.1\r\nHost: h\r\n\r\n");
    struct response r = read_response(fd);
    expect_text(r.body, "none [::1]: ");
    free(r.body);
    close(fd);
}

ASYNC_DEF(try_ipv6)
{
    async_web_server *s;
    int r = async_web_server_start(routes, &s, .host = "::1");
    return r < 0 ? r : await_web_server_stop(&s, 0);
}

TEST(peer_of_an_ipv6_client_is_in_brackets)
{
    if (async_run(try_ipv6()) < 0)
        return; /* this machine has no IPv6 */
    serve(routes, (struct async_web_opts){ .host = "::1", .arg = (char[]){ "" } }, request_by_ipv6,
          NULL);
}

SUITE("web-request-info", query_is_decoded_item_by_item,
      query_longer_than_the_inline_memory_is_decoded,
      header_lookup_ignores_case_and_returns_the_first, peer_of_an_ipv6_client_is_in_brackets)
