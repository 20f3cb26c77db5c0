/* SPDX-License-Identifier: MIT */
/* Forms, uploaded files, and cookies. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- forms --- */

ASYNC_DEF(show_form, (async_web_request *)rq)
{
    char text[8192];
    const char *name, *value, *q = async_web_form(rq, "q");
    int n = snprintf(text, sizeof text, "%d %s", async_web_form_size(rq), q ? q : "none");
    for (size_t i = 0; async_web_form_at(rq, i, &name, &value) && n < 4000; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "(%s=%s)", name, value);
    const async_web_part *p;
    for (size_t i = 0; (p = async_web_part_at(rq, i)) && n < 4000; i++) {
        expect_int(p->bytes[p->size], '\0');
        n += snprintf(text + n, sizeof text - (size_t)n, "[%s|%s|%s|%zu %s]", p->name,
                      p->file_name ? p->file_name : "-", p->type ? p->type : "-", p->size,
                      p->bytes);
    }
    p = async_web_find_part(rq, "f");
    return async_web_text(rq, p && !p->file_name ? 500 : 200, "%s", text);
}

ASYNC_DEF(show_cookies, (async_web_request *)rq)
{
    const char *a = async_web_cookie(rq, "a"), *b = async_web_cookie(rq, "b");
    return async_web_text(rq, 200, "[%s][%s]", a ? a : "none", b ? b : "none");
}

ASYNC_DEF(set_cookies, (async_web_request *)rq)
{
    static const char bad_value[] = "a;b";
    ASYNC_TRY(async_web_set_cookie(rq, "a", "1"));
    ASYNC_TRY(async_web_set_cookie(rq, "b", "x=y/z+", .max_age = 3600, .path = "/app",
                                   .domain = "example.org", .same_site = "None", .secure = true,
                                   .scripts = true));
    ASYNC_TRY(async_web_set_cookie(rq, "c", "", .max_age = -1, .same_site = "Strict"));
    ASYNC_TRY(async_web_set_cookie(rq, "d", "1", .max_age = 0.5));
    expect_int(async_web_set_cookie(rq, "", "1"), -EINVAL);
    expect_int(async_web_set_cookie(rq, "a b", "1"), -EINVAL);
    expect_int(async_web_set_cookie(rq, "a", bad_value), -EINVAL);
    expect_int(async_web_set_cookie(rq, "a", "a b"), -EINVAL);
    expect_int(async_web_set_cookie(rq, "a", "\xc3\xa4"), -EINVAL);
    expect_int(async_web_set_cookie(rq, "a", "a\r\nX: y"), -EINVAL);
    expect_int(async_web_set_cookie(rq, "a", "1", .path = "/;x"), -EINVAL);
    expect_int(async_web_set_cookie(rq, "a", "1", .domain = "a\nb"), -EINVAL);
    expect_int(async_web_set_cookie(rq, "a", "1", .same_site = "None"), -EINVAL);
    expect_int(async_web_set_cookie(rq, "a", "1", .same_site = "lax"), -EINVAL);
    return async_web_text(rq, 200, "set");
}

static const async_web_route routes[] = { { "POST", "/form", show_form },
                                          { "GET", "/cookies", show_cookies },
                                          { "GET", "/set", set_cookies },
                                          { 0 } };

static void post(int port, const char *type, const char *body, size_t size, const char *expected)
{
    int fd = connect_to(port);
    send_text(fd, "POST /form HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n", size);
    send_text(fd, "%s%s%s\r\n", type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "");
    send_bytes(fd, body, size);
    struct response r = read_response(fd);
    expect_int(r.status, 200);
    expect_text(r.body, expected);
    free(r.body);
    close(fd);
}

#define POST(type, body, expected) post(port, (type), (body), sizeof(body) - 1, (expected))

static void post_fields(int port, void *arg)
{
    static const char form[] = "application/x-www-form-urlencoded";
    (void)arg;
    POST(form, "q=1&r=a%20b+c&q=2&s&=t&", "5 1(q=1)(r=a b c)(q=2)(s=)(=t)");
    POST("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "q=%C3%A4", "1 \xc3\xa4(q=\xc3\xa4)");
    POST(form, "", "0 none");
    POST("text/plain", "q=1", "-42 none"); /* ENOMSG */
    POST("application/x-www-form-urlencodedx", "q=1", "-42 none");
    POST(NULL, "q=1", "-42 none");
    POST(form, "q=%", "-22 none");
    POST(form, "q=%zz", "-22 none");
    POST(form, "q=%2", "-22 none");
    POST(form, "q=%00", "-22 none");
    POST(form, "q=a\0b", "-22 none");
}

TEST(fields_of_an_encoded_form_are_decoded)
{
    serve(routes, (struct async_web_opts){ 0 }, post_fields, NULL);
}

static void post_too_many_fields(int port, void *arg)
{
    char body[4000], expected[20];
    (void)arg;
    memset(body, '&', sizeof body);
    post(port, "application/x-www-form-urlencoded", body, 999, "0 none");
    post(port, "application/x-www-form-urlencoded", body, 1000, "-22 none");
    snprintf(expected, sizeof expected, "-22 none");
    int n = 0;
    static char parts[100000];
    for (int i = 0; i < 1100; i++)
        n += sprintf(parts + n, "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n");
    n += sprintf(parts + n, "--x--\r\n");
    post(port, "multipart/form-data; boundary=x", parts, (size_t)n, expected);
}

TEST(form_with_too_many_fields_has_none)
{
    serve(routes, (struct async_web_opts){ 0 }, post_too_many_fields, NULL);
}

#define PART(header, content) "--xyz\r\n" header "\r\n\r\n" content "\r\n"
#define FIELD(name, content)  PART("Content-Disposition: form-data; name=\"" name "\"", content)
#define END                   "--xyz--\r\n"

static void post_parts(int port, void *arg)
{
    static const char type[] = "multipart/form-data; boundary=xyz";
    (void)arg;
    POST(type, FIELD("q", "1") FIELD("r", "a\r\nb") END,
         "2 1(q=1)(r=a\r\nb)[q|-|-|1 1][r|-|-|4 a\r\nb]");
    POST("multipart/form-data; charset=x; boundary=\"xyz\"",
         "preamble\r\n" FIELD("q", "") END "epilogue", "1 (q=)[q|-|-|0 ]");
    POST(type,
         PART("content-disposition: form-data; name=f; filename=\"a.txt\"\r\nX-Other: y\r\n"
              "Content-Type:  text/plain ",
              "data") FIELD("q", "1") END,
         "2 1(q=1)[f|a.txt|text/plain |4 data][q|-|-|1 1]");
    POST(type,
         PART("Content-Disposition: form-data; name=\"f\"; filename=\"C:\\dir\\a\\\"b.txt\"", "")
                 END,
         "1 none[f|a\"b.txt|-|0 ]");
    POST(type, PART("Content-Disposition: form-data; name=f; filename=\"../../x\"", "") END,
         "1 none[f|x|-|0 ]");
    POST(type, PART("Content-Disposition: form-data; name=f; filename=\"x/..\"", "") END,
         "1 none[f||-|0 ]");
    POST(type, PART("Content-Disposition: form-data; name=f; filename=\"b\"", "a\0b") END,
         "1 none[f|b|-|3 a]");
    POST(type, END, "0 none");
}

TEST(parts_of_a_multipart_form_are_fields_and_files)
{
    serve(routes, (struct async_web_opts){ 0 }, post_parts, NULL);
}

static void post_malformed_parts(int port, void *arg)
{
    static const char type[] = "multipart/form-data; boundary=xyz";
    (void)arg;
    POST("multipart/form-data", FIELD("q", "1") END, "-22 none");
    POST("multipart/form-data; boundary=", FIELD("q", "1") END, "-22 none");
    POST("multipart/form-data; boundary=\"xyz", FIELD("q", "1") END, "-22 none");
    POST("multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678"
         "9012345678901",
         FIELD("q", "1") END, "-22 none");
    POST(type, "", "-22 none");
    POST(type, "--xy", "-22 none");
    POST(type, FIELD("q", "1"), "-22 none");
    POST(type, FIELD("q", "1") "--xyz", "-22 none");
    POST(type, FIELD("q", "1") "--xyzz\r\n", "-22 none");
    POST(type, "--xyz\nContent-Disposition: form-data; name=q\n\n1\n--xyz--\n", "-22 none");
    POST(type, PART("Content-Type: text/plain", "no name") END, "-22 none");
    POST(type, PART("Content-Disposition: attachment; name=q", "") END, "-22 none");
    POST(type, PART("Content-Disposition: form-data; filename=q", "") END, "-22 none");
    POST(type, PART("Content-Disposition: form-data; name=\"q", "") END, "-22 none");
    POST(type, PART("Content-Disposition form-data", "") END, "-22 none");
    POST(type, FIELD("q", "a\0b") END, "-22 none");
    POST(type, "--xyz\r\nContent-Disposition: form-data; name=q\r\n--xyz--\r\n", "-22 none");
    POST(type, "--xyz\r\nContent-Disposition: form-data; name=q\r\n\r\n--xyz--\r\n", "-22 none");
}

TEST(malformed_multipart_form_has_no_parts)
{
    serve(routes, (struct async_web_opts){ 0 }, post_malformed_parts, NULL);
}

/* --- cookies --- */

static void send_cookies(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "[none][none]", "GET /cookies HTTP/1.1");
    expect_response(port, 200, "[1][2]", "GET /cookies HTTP/1.1\r\nCookie: a=1; b=2");
    expect_response(port, 200, "[][x=y]", "GET /cookies HTTP/1.1\r\nCookie: b=x=y;a=");
    expect_response(port, 200, "[q][none]", "GET /cookies HTTP/1.1\r\nCookie: aa=1; a=\"q\" ; a=2");
    expect_response(port, 200, "[none][none]", "GET /cookies HTTP/1.1\r\nCookie: a; ;; ba=1; A=2");
}

TEST(cookie_is_found_by_its_name)
{
    serve(routes, (struct async_web_opts){ 0 }, send_cookies, NULL);
}

static void receive_cookies(int port, void *arg)
{
    (void)arg;
    struct response r = request(port, "GET /set HTTP/1.1");
    expect_contains(r.head, "Set-Cookie: a=1; Path=/; SameSite=Lax; HttpOnly\r\n");
    expect_contains(r.head, "Set-Cookie: b=x=y/z+; Path=/app; Domain=example.org; Max-Age=3600; "
                            "SameSite=None; Secure\r\n");
    expect_contains(r.head, "Set-Cookie: c=; Path=/; Max-Age=0; SameSite=Strict; HttpOnly\r\n");
    expect_contains(r.head, "Set-Cookie: d=1; Path=/; Max-Age=1; SameSite=Lax; HttpOnly\r\n");
    free(r.body);
}

TEST(cookie_is_set_with_its_attributes)
{
    serve(routes, (struct async_web_opts){ 0 }, receive_cookies, NULL);
}

SUITE("web-forms", fields_of_an_encoded_form_are_decoded, form_with_too_many_fields_has_none,
      parts_of_a_multipart_form_are_fields_and_files, malformed_multipart_form_has_no_parts,
      cookie_is_found_by_its_name, cookie_is_set_with_its_attributes)
