/* SPDX-License-Identifier: MIT */
/* What a request says reaches the handler, and only the right one. */
#include "harness.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

ASYNC_DEF(show_path, (async_web_request *)rq)
{
    return async_web_text(rq, 200, "%s %s", async_web_method(rq), async_web_path(rq));
}

ASYNC_DEF(show_params, (async_web_request *)rq)
{
    const char *b = async_web_param(rq, "b");
    ck_assert_ptr_null(async_web_param(rq, "A"));
    ck_assert_ptr_null(async_web_param(rq, ""));
    return async_web_text(rq, 200, "[%s][%s]", async_web_param(rq, "a"), b ? b : "none");
}

ASYNC_DEF(show_number, (async_web_request *)rq)
{
    int64_t n = -77;
    int r = async_web_param_int(rq, "n", &n);
    ck_assert_int_eq(async_web_param_int(rq, "m", &n), -ENOENT);
    return async_web_text(rq, 200, "%d %lld", r, (long long)n);
}

ASYNC_DEF(show_query, (async_web_request *)rq)
{
    char text[512] = "";
    const char *name, *value;
    for (size_t i = 0; async_web_query_at(rq, i, &name, &value); i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "(%s=%s)", name, value);
    const char *q = async_web_query(rq, "q");
    return async_web_text(rq, 200, "%s%s", q ? q : "none", text);
}

ASYNC_DEF(show_headers, (async_web_request *)rq)
{
    const char *x = async_web_header(rq, "x-test"), *peer = async_web_peer(rq);
    ck_assert_ptr_null(async_web_header(rq, "X-Nothing"));
    ck_assert_ptr_eq(peer, async_web_peer(rq));
    return async_web_text(rq, 200, "%s %.*s %s", x ? x : "none", peer[0] == '[' ? 6 : 10, peer,
                          (char *)async_web_arg(rq));
}

/* More of them than fit into a line. */
#define METHOD(x) "A-METHOD-WITH-A-NAME-OF-FORTY-ONE-LETTERS-" x
#define MANY                                                                                       \
    METHOD("A")                                                                                    \
    ", " METHOD("B") ", " METHOD("C") ", " METHOD("D") ", " METHOD("E") ", " METHOD(               \
            "F") ", " METHOD("G") ", " METHOD("H") ", " METHOD("I") ", " METHOD("J")

static const async_web_route routes[] = {
    { "GET", "/", show_path },
    { "GET", "/exact", show_path },
    { "POST", "/exact", show_path },
    { "GET", "/first/me", show_path },
    { "GET", "/first/{a}", show_params },
    { "PUT", "/first/{a}", show_params },
    { "GET", "/two/{a}/and/{b}", show_params },
    { "GET", "/rest/{a}/{b...}", show_params },
    { "GET", "/number/{n}", show_number },
    { "GET", "/query", show_query },
    { "GET", "/headers", show_headers },
    { "*", "/any", show_path },
    { "GET", "/trailing/", show_path },
    { "GET", "/sp ace", show_path },
    { METHOD("A"), "/many", show_path },
    { METHOD("B"), "/many", show_path },
    { METHOD("C"), "/many", show_path },
    { METHOD("D"), "/many", show_path },
    { METHOD("E"), "/many", show_path },
    { METHOD("F"), "/many", show_path },
    { METHOD("G"), "/many", show_path },
    { METHOD("H"), "/many", show_path },
    { METHOD("I"), "/many", show_path },
    { METHOD("J"), "/many", show_path },
    { 0 },
};

static void ask_paths(int port, void *arg)
{
    (void)arg;
    expect(port, 200, "GET /", "GET / HTTP/1.1");
    expect(port, 200, "GET /exact", "GET /exact HTTP/1.1");
    expect(port, 200, "POST /exact", "POST /exact HTTP/1.1\r\nContent-Length: 0");
    expect(port, 200, "GET /exact", "GET /%65xact HTTP/1.1");
    expect(port, 200, "GET /exact", "GET http://here/exact HTTP/1.1");
    expect(port, 200, "GET /exact", "GET HTTP://here:80/exact?q HTTP/1.1");
    expect(port, 200, "GET /", "GET http://here?q HTTP/1.1");
    expect(port, 200, "BREW /any", "BREW /any HTTP/1.1");
    expect(port, 200, "GET /trailing/", "GET /trailing/ HTTP/1.1");
    expect(port, 200, "GET /sp ace", "GET /sp%20ace HTTP/1.1");
    const char *nowhere[] = { "/exact/",   "/exac",      "/exact2",        "//",
                              "/trailing", "/EXACT",     "/exact%2F",      "/first",
                              "/first/",   "/two/1/and", "/two/1/and/2/3", "/any/more" };
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
        struct answer a = ask(port, "GET %s HTTP/1.1", nowhere[i]);
        ck_assert_msg(a.status == 404, "%s: %d", nowhere[i], a.status);
        ck_assert_str_eq(a.body, "404 Not Found\n");
        free(a.body);
    }
}

START_TEST(paths_reach_their_handler)
{
    serve(routes, (struct async_web_opts){ 0 }, ask_paths, NULL);
}
END_TEST

static void ask_params(int port, void *arg)
{
    (void)arg;
    expect(port, 200, "GET /first/me", "GET /first/me HTTP/1.1");
    expect(port, 200, "[you][none]", "GET /first/you HTTP/1.1");
    expect(port, 200, "[a b/c][none]", "GET /first/a%20b%2fc HTTP/1.1");
    expect(port, 200, "[a+b][none]", "GET /first/a+b HTTP/1.1");
    expect(port, 200, "[\xc3\xa4][none]", "GET /first/%C3%a4 HTTP/1.1");
    expect(port, 200, "[1][2]", "GET /two/1/and/2 HTTP/1.1");
    expect(port, 200, "[x][]", "GET /rest/x/ HTTP/1.1");
    expect(port, 200, "[x][y/z/]", "GET /rest/x/y/z/ HTTP/1.1");
    expect(port, 404, NULL, "GET /rest/x HTTP/1.1");
    expect(port, 200, "0 42", "GET /number/42 HTTP/1.1");
    expect(port, 200, "0 -42", "GET /number/-42 HTTP/1.1");
    expect(port, 200, "-22 -77", "GET /number/x HTTP/1.1");
    expect(port, 200, "-22 -77", "GET /number/4x HTTP/1.1");
    expect(port, 200, "-22 -77", "GET /number/%204 HTTP/1.1");
    expect(port, 200, "-22 -77", "GET /number/- HTTP/1.1");
    expect(port, 200, "-34 -77", "GET /number/99999999999999999999 HTTP/1.1");
}

START_TEST(parts_of_a_path_are_parameters)
{
    serve(routes, (struct async_web_opts){ 0 }, ask_params, NULL);
}
END_TEST

static void ask_query(int port, void *arg)
{
    (void)arg;
    expect(port, 200, "none", "GET /query HTTP/1.1");
    expect(port, 200, "none", "GET /query? HTTP/1.1");
    expect(port, 200, "1(q=1)", "GET /query?q=1 HTTP/1.1");
    expect(port, 200, "a b&c=(q=a b&c=)", "GET /query?q=a+b%26c%3d HTTP/1.1");
    expect(port, 200, "1(a=)(q=1)(q=2)(b==)", "GET /query?a&&q=1&q=2&b==& HTTP/1.1");
    expect(port, 200, "(q=)", "GET /query?q= HTTP/1.1");
    expect(port, 200, "/?(q=/?)", "GET /query?q=/? HTTP/1.1");
    /* many, so that their strings do not fit into the request itself */
    struct answer a =
            ask(port, "GET /query?%.*s&q=last HTTP/1.1", 1500, (char[1501]){ [0 ... 1499] = 'x' });
    ck_assert_int_eq(a.status, 200);
    ck_assert_int_eq(strncmp(a.body, "last(xxx", 8), 0);
    free(a.body);
}

START_TEST(a_query_is_decoded)
{
    serve(routes, (struct async_web_opts){ 0 }, ask_query, NULL);
}
END_TEST

static void ask_headers(int port, void *arg)
{
    (void)arg;
    expect(port, 200, "seen 127.0.0.1: mine", "GET /headers HTTP/1.1\r\nX-Test: seen");
    expect(port, 200, "first 127.0.0.1: mine", "GET /headers HTTP/1.1\r\nX-TEST: first\r\nX-Test: 2");
    expect(port, 200, "none 127.0.0.1: mine", "GET /headers HTTP/1.1");
}

START_TEST(headers_reach_the_handler)
{
    serve(routes, (struct async_web_opts){ .arg = (char[]){ "mine" } }, ask_headers, NULL);
}
END_TEST

static void ask_v6(int port, void *arg)
{
    (void)arg;
    struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    a.sin6_addr = in6addr_loopback;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    put(fd, "GET /headers HTTP/1.1\r\nHost: h\r\n\r\n");
    struct answer answer = answer_read(fd, false);
    ck_assert_str_eq(answer.body, "none [::1]: ");
    free(answer.body);
    close(fd);
}

ASYNC_DEF(has_v6)
{
    async_web_server *s;
    int r = async_web_server_start(routes, &s, .host = "::1");
    return r < 0 ? r : await_web_server_stop(s, 0);
}

START_TEST(it_serves_ipv6)
{
    if (async_run(has_v6()) < 0)
        return; /* no IPv6 here */
    serve(routes, (struct async_web_opts){ .host = "::1", .arg = (char[]){ "" } }, ask_v6, NULL);
}
END_TEST

static void ask_methods(int port, void *arg)
{
    (void)arg;
    struct answer a = ask(port, "DELETE /exact HTTP/1.1");
    ck_assert_int_eq(a.status, 405);
    ck_assert_str_eq(answer_header(&a, "Allow"), "GET, HEAD, POST");
    free(a.body);
    a = ask(port, "POST /first/me HTTP/1.1\r\nContent-Length: 0");
    ck_assert_int_eq(a.status, 405);
    ck_assert_str_eq(answer_header(&a, "Allow"), "GET, HEAD, PUT");
    free(a.body);
    a = ask(port, "GET /many HTTP/1.1");
    ck_assert_int_eq(a.status, 405);
    ck_assert_str_eq(answer_header(&a, "Allow"), MANY);
    free(a.body);
    a = ask(port, "HEAD /exact HTTP/1.1");
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_header(&a, "Content-Length"), "11"); /* "HEAD /exact", not sent */
    ck_assert_uint_eq(a.size, 0);
    free(a.body);
    expect(port, 404, NULL, "get /exact/x HTTP/1.1");
    expect(port, 405, NULL, "get /exact HTTP/1.1");
}

START_TEST(methods_reach_their_handler)
{
    serve(routes, (struct async_web_opts){ 0 }, ask_methods, NULL);
}
END_TEST

static void ask_nonsense(int port, void *arg)
{
    (void)arg;
    const char *targets[] = { "exact", "*",      "/a%",          "/a%2",
                              "/a%zz", "/a%00b", "/exact?q=%00", "/exact?%g1",
                              "/a\tb", "/a\x01", "ftp://here/",  "" };
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct answer a = ask(port, "GET %s HTTP/1.1", targets[i]);
        ck_assert_msg(a.status == 400 || a.status == 0, "%s: %d", targets[i], a.status);
        free(a.body);
    }
    expect(port, 400, NULL, "GET /a%00b HTTP/1.1");
    expect(port, 200, "GET /exact", "GET /exact HTTP/1.1"); /* and it lives */
}

START_TEST(nonsense_reaches_no_handler)
{
    serve(routes, (struct async_web_opts){ 0 }, ask_nonsense, NULL);
}
END_TEST

ASYNC_DEF(start_with, (const char *)method, (const char *)path)
{
    async_web_route table[] = { { method, path, show_path }, { 0 } };
    async_web_server *s;
    int r = async_web_server_start(table, &s);
    return r < 0 ? r : await_web_server_stop(s, 0);
}

START_TEST(bad_routes_are_refused)
{
    const char *bad[] = { "",          "x",       "x/y",
                          "/{",        "/}",      "/{}",
                          "/a{b}",     "/{a}b",   "/{...}",
                          "/{a...}/b", "/{a}/{b", "/{a{b}}",
                          "/{a.b}",    "/{a}}",   "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}/{9}" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(async_run(start_with("GET", bad[i])) == -EINVAL, "%s", bad[i]);
    ck_assert_int_eq(async_run(start_with("", "/")), -EINVAL);
    ck_assert_int_eq(async_run(start_with(NULL, "/")), -EINVAL); /* no routes */
    ck_assert_int_eq(async_run(start_with("GET", "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8...}")), 0);
}
END_TEST

SUITE("web-routes", paths_reach_their_handler, parts_of_a_path_are_parameters, a_query_is_decoded,
      headers_reach_the_handler, it_serves_ipv6, methods_reach_their_handler,
      nonsense_reaches_no_handler, bad_routes_are_refused)
