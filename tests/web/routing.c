/* SPDX-License-Identifier: MIT */
/* Which handler serves a method and a path, and what it gets of the path. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

ASYNC_DEF(show_path, (async_web_request *)rq)
{
    return async_web_text(rq, 200, "%s %s", async_web_method(rq), async_web_path(rq));
}

ASYNC_DEF(show_params, (async_web_request *)rq)
{
    const char *b = async_web_param(rq, "b");
    expect_null(async_web_param(rq, "A"));
    expect_null(async_web_param(rq, ""));
    return async_web_text(rq, 200, "[%s][%s]", async_web_param(rq, "a"), b ? b : "none");
}

ASYNC_DEF(show_number, (async_web_request *)rq)
{
    int64_t n = -77;
    int r = async_web_param_int(rq, "n", &n);
    expect_int(async_web_param_int(rq, "m", &n), -ENOENT);
    return async_web_text(rq, 200, "%d %lld", r, (long long)n);
}

/* Methods whose list is longer than the memory inside a request. */
#define METHOD(x) "A-METHOD-WITH-A-NAME-OF-FORTY-ONE-LETTERS-" x
static const char *const long_methods[] = { METHOD("A"), METHOD("B"), METHOD("C"), METHOD("D"),
                                            METHOD("E"), METHOD("F"), METHOD("G"), METHOD("H"),
                                            METHOD("I"), METHOD("J") };

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

static void request_known_paths(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "GET /", "GET / HTTP/1.1");
    expect_response(port, 200, "GET /exact", "GET /exact HTTP/1.1");
    expect_response(port, 200, "POST /exact", "POST /exact HTTP/1.1\r\nContent-Length: 0");
    expect_response(port, 200, "GET /exact", "GET /%65xact HTTP/1.1");
    expect_response(port, 200, "GET /exact", "GET /exact#part HTTP/1.1");
    expect_response(port, 200, "GET /exact", "GET http://here/exact HTTP/1.1");
    expect_response(port, 200, "GET /exact", "GET HTTP://here:80/exact?q HTTP/1.1");
    expect_response(port, 200, "GET /", "GET http://here?q HTTP/1.1");
    expect_response(port, 200, "BREW /any", "BREW /any HTTP/1.1");
    expect_response(port, 200, "GET /trailing/", "GET /trailing/ HTTP/1.1");
    expect_response(port, 200, "GET /sp ace", "GET /sp%20ace HTTP/1.1");
}

TEST(known_path_reaches_its_handler)
{
    serve(routes, (struct async_web_opts){ 0 }, request_known_paths, NULL);
}

static void request_unknown_paths(int port, void *arg)
{
    static const char *const unknown[] = {
        "/exact/",   "/exac",  "/exact2", "//",         "/trailing",      "/EXACT",
        "/exact%2F", "/first", "/first/", "/two/1/and", "/two/1/and/2/3", "/any/more"
    };
    (void)arg;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        struct response r = request(port, "GET %s HTTP/1.1", unknown[i]);
        expect_that(r.status == 404, "%s: %d", unknown[i], r.status);
        expect_text(r.body, "404 Not Found\n");
        free(r.body);
    }
}

TEST(unknown_path_gets_404)
{
    serve(routes, (struct async_web_opts){ 0 }, request_unknown_paths, NULL);
}

static void request_params(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "GET /first/me", "GET /first/me HTTP/1.1");
    expect_response(port, 200, "[you][none]", "GET /first/you HTTP/1.1");
    expect_response(port, 200, "[a b/c][none]", "GET /first/a%20b%2fc HTTP/1.1");
    expect_response(port, 200, "[a+b][none]", "GET /first/a+b HTTP/1.1");
    expect_response(port, 200, "[\xc3\xa4][none]", "GET /first/%C3%a4 HTTP/1.1");
    expect_response(port, 200, "[1][2]", "GET /two/1/and/2 HTTP/1.1");
    expect_response(port, 200, "[x][]", "GET /rest/x/ HTTP/1.1");
    expect_response(port, 200, "[x][y/z/]", "GET /rest/x/y/z/ HTTP/1.1");
    expect_response(port, 404, NULL, "GET /rest/x HTTP/1.1");
}

TEST(segment_in_braces_is_a_decoded_parameter)
{
    serve(routes, (struct async_web_opts){ 0 }, request_params, NULL);
}

/* As a client that does not normalise paths sends them. */
static void request_paths_upwards(int port, void *arg)
{
    static const char *const refused[] = {
        "/rest/x/..",
        "/rest/x/../y",
        "/rest/x/y/../../z",
        "/rest/x/%2e%2e/y",
        "/rest/x/.%2E/y",
        "/rest/x/y/%2E%2e",
        "/rest/x/.",
        "/rest/x/y/./z",
        "/rest/x/..%2fetc",
        "/rest/x/y%2Fz",
        "/rest/x/%2fetc",
        "/rest/../y",
        "/rest/x//etc/passwd",
        "/first/..",
        "/first/%2e%2e",
        "/first/.",
        "/first/..%2f..%2fetc",
        "/first/a%2f..%2f..%2f",
        "/two/../and/2",
    };
    (void)arg;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct response r = request(port, "GET %s HTTP/1.1", refused[i]);
        expect_that(r.status == 400, "%s: %d", refused[i], r.status);
        free(r.body);
    }
    expect_response(port, 200, "[x][..y/.../z..]", "GET /rest/x/..y/.../z.. HTTP/1.1");
    expect_response(port, 200, "[x][y//z]", "GET /rest/x/y//z HTTP/1.1");
    expect_response(port, 404, NULL, "GET /exact/../exact HTTP/1.1");
}

TEST(parameter_that_leads_out_of_a_folder_gets_400)
{
    serve(routes, (struct async_web_opts){ 0 }, request_paths_upwards, NULL);
}

static void request_numbers(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "0 42", "GET /number/42 HTTP/1.1");
    expect_response(port, 200, "0 -42", "GET /number/-42 HTTP/1.1");
    expect_response(port, 200, "-22 -77", "GET /number/x HTTP/1.1");
    expect_response(port, 200, "-22 -77", "GET /number/4x HTTP/1.1");
    expect_response(port, 200, "-22 -77", "GET /number/%204 HTTP/1.1");
    expect_response(port, 200, "-22 -77", "GET /number/- HTTP/1.1");
    expect_response(port, 200, "-34 -77", "GET /number/99999999999999999999 HTTP/1.1");
}

TEST(param_int_accepts_decimal_numbers_only)
{
    serve(routes, (struct async_web_opts){ 0 }, request_numbers, NULL);
}

static void expect_allow(int port, const char *request_line, const char *allow)
{
    struct response r = request(port, "%s", request_line);
    expect_int(r.status, 405);
    expect_text(response_header(&r, "Allow"), allow);
    free(r.body);
}

static void request_other_methods(int port, void *arg)
{
    char all[800] = "";
    (void)arg;
    expect_allow(port, "DELETE /exact HTTP/1.1", "GET, HEAD, POST");
    expect_allow(port, "POST /first/me HTTP/1.1\r\nContent-Length: 0", "GET, HEAD, PUT");
    for (size_t i = 0; i < sizeof long_methods / sizeof *long_methods; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "",
                 long_methods[i]);
    expect_allow(port, "GET /many HTTP/1.1", all);
    expect_response(port, 405, NULL, "get /exact HTTP/1.1"); /* methods are case-sensitive */
    expect_response(port, 404, NULL, "get /exact/x HTTP/1.1");
}

TEST(other_method_gets_405_and_the_list_of_methods)
{
    serve(routes, (struct async_web_opts){ 0 }, request_other_methods, NULL);
}

static void request_head(int port, void *arg)
{
    (void)arg;
    struct response r = request(port, "HEAD /exact HTTP/1.1");
    expect_int(r.status, 200);
    expect_text(response_header(&r, "Content-Length"), "11"); /* of "HEAD /exact" */
    free(r.body);
    int fd = connect_to(port);
    send_text(fd, "HEAD /exact HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    r = read_head_response(fd);
    expect_true(reads_end(fd)); /* and no body */
    close(fd);
    free(r.body);
}

TEST(get_route_serves_head_without_a_body)
{
    serve(routes, (struct async_web_opts){ 0 }, request_head, NULL);
}

ASYNC_DEF(start_with, (const char *)method, (const char *)path)
{
    async_web_route table[] = { { method, path, show_path }, { 0 } };
    async_web_server *s;
    int r = async_web_server_start(table, &s);
    return r < 0 ? r : await_web_server_stop(&s, 0);
}

TEST(invalid_route_is_refused_at_start)
{
    const char *invalid[] = { "",          "x",       "x/y",
                              "/{",        "/}",      "/{}",
                              "/a{b}",     "/{a}b",   "/{...}",
                              "/{a...}/b", "/{a}/{b", "/{a{b}}",
                              "/{a.b}",    "/{a}}",   "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}/{9}" };
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        expect_that(async_run(start_with("GET", invalid[i])) == -EINVAL, "%s", invalid[i]);
    expect_int(async_run(start_with("", "/")), -EINVAL);
    expect_int(async_run(start_with(NULL, "/")), -EINVAL); /* an empty table */
    expect_int(async_run(start_with("GET", "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8...}")), 0);
}

SUITE("web-routing", known_path_reaches_its_handler, unknown_path_gets_404,
      segment_in_braces_is_a_decoded_parameter, parameter_that_leads_out_of_a_folder_gets_400,
      param_int_accepts_decimal_numbers_only, other_method_gets_405_and_the_list_of_methods,
      get_route_serves_head_without_a_body, invalid_route_is_refused_at_start)
