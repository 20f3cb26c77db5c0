/* SPDX-License-Identifier: MIT */
/* Files that are served from a folder. */
#include "harness.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char folder[100];

ASYNC_DEF(send_file, (async_web_request *)rq)
{
    int r = await_web_send_file(rq, folder, async_web_param(rq, "path"));
    expect_int(await_web_send_file(rq, folder, "a.txt"), -EALREADY);
    return r;
}

ASYNC_DEF(send_download, (async_web_request *)rq)
{
    return await_web_send_file(rq, folder, "a.txt", .download = "my \"\xc3\xa4.txt", .type = "x/y",
                               .max_age = 60, .immutable = true, .index = "");
}

ASYNC_DEF(send_without_index, (async_web_request *)rq)
{
    return await_web_send_file(rq, folder, async_web_param(rq, "path"), .index = "");
}

ASYNC_DEF(send_given, (async_web_request *)rq)
{
    return await_web_send_file(rq, folder, async_web_query(rq, "path"));
}

static const async_web_route routes[] = { { "GET", "/f/{path...}", send_file },
                                          { "GET", "/download", send_download },
                                          { "GET", "/plain/{path...}", send_without_index },
                                          { "GET", "/given", send_given },
                                          { 0 } };

/* --- the folder --- */

static const char *path_of(const char *name)
{
    static _Thread_local char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    expect_not_null(f);
    fputs(text, f);
    fclose(f);
}

static void put_link(const char *name, const char *target)
{
    expect_ok(symlink(target, path_of(name)));
}

/* A folder with files, one outside of it, and links. */
static void make_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.80s/web-XXXXXX", tmp ? tmp : "/tmp");
    expect_not_null(mkdtemp(folder));
    put_file("secret", "secret");
    strcat(folder, "/in");
    expect_ok(mkdir(folder, 0755));
    expect_ok(mkdir(path_of("dir"), 0755));
    expect_ok(mkdir(path_of("none"), 0755));
    put_file("a.txt", "0123456789");
    put_file("empty", "");
    put_file("index.html", "<top>");
    put_file("dir/index.html", "<dir>");
    put_link("inside", "dir/../a.txt");
    put_link("outside", "../secret");
    put_link("absolute", "/etc/passwd");
    put_link("circle", "circle");
    put_link("up", "..");
    expect_ok(mkfifo(path_of("fifo"), 0644));
}

static void remove_folder(void)
{
    static const char *const names[] = { "a.txt",  "empty",   "index.html", "dir/index.html",
                                         "inside", "outside", "absolute",   "circle",
                                         "up",     "fifo",    "../secret" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(path_of(names[i]));
    rmdir(path_of("dir"));
    rmdir(path_of("none"));
    rmdir(folder);
    *strrchr(folder, '/') = '\0';
    expect_ok(rmdir(folder));
}

static void serve_folder(client_fn *client)
{
    make_folder();
    serve(routes, (struct async_web_opts){ 0 }, client, NULL);
    remove_folder();
}

/* --- which file --- */

static void get_files(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "0123456789", "GET /f/a.txt HTTP/1.1");
    expect_response(port, 200, "", "GET /f/empty HTTP/1.1");
    expect_response(port, 200, "<top>", "GET /f/ HTTP/1.1");
    expect_response(port, 200, "<dir>", "GET /f/dir/ HTTP/1.1");
    expect_response(port, 200, "<dir>", "GET /f/dir//index.html HTTP/1.1");
    expect_response(port, 404, NULL, "GET /f/none/ HTTP/1.1");
    expect_response(port, 404, NULL, "GET /f/nothing HTTP/1.1");
    expect_response(port, 404, NULL, "GET /f/a.txt/ HTTP/1.1");
    expect_response(port, 404, NULL, "GET /f/a.txt/b HTTP/1.1");
    expect_response(port, 404, NULL, "GET /f/fifo HTTP/1.1");
    expect_response(port, 404, NULL, "GET /plain/ HTTP/1.1");
    expect_response(port, 404, NULL, "GET /plain/dir HTTP/1.1");
    expect_response(port, 200, "0123456789", "GET /plain/a.txt HTTP/1.1");
}

TEST(file_is_found_by_its_path)
{
    serve_folder(get_files);
}

static void get_folder_without_slash(int port, void *arg)
{
    (void)arg;
    struct response r = request(port, "GET /f/dir?q=1 HTTP/1.1");
    expect_int(r.status, 301);
    expect_text(response_header(&r, "Location"), "/f/dir/?q=1");
    free(r.body);
}

TEST(folder_without_slash_is_redirected)
{
    serve_folder(get_folder_without_slash);
}

static void get_forbidden(int port, void *arg)
{
    static const char *const bad[] = { "/f/outside",
                                       "/f/absolute",
                                       "/f/circle",
                                       "/f/up/secret",
                                       "/given?path=/etc/passwd",
                                       "/given?path=../secret",
                                       "/given?path=dir/../../secret",
                                       "/given?path=..",
                                       "/given?path=up/secret" };
    (void)arg;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct response r = request(port, "GET %s HTTP/1.1", bad[i]);
        expect_that(r.status == 404, "%s: %d %s", bad[i], r.status, r.body);
        free(r.body);
    }
    expect_response(port, 400, NULL, "GET /f/../secret HTTP/1.1");
}

TEST(path_that_leads_out_of_the_folder_gets_404)
{
    serve_folder(get_forbidden);
}

static void get_inside_link(int port, void *arg)
{
    (void)arg;
    expect_response(port, 200, "0123456789", "GET /f/inside HTTP/1.1");
    expect_response(port, 200, "0123456789", "GET /given?path=dir/../a.txt HTTP/1.1");
}

TEST(link_inside_of_the_folder_is_followed)
{
    serve_folder(get_inside_link);
}

/* Let openat2() fail in this process with ENOSYS. Returns false if that is not possible. */
static bool forbid_openat2(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof *code, code };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
           syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0) < 0 && errno == ENOSYS;
}

static void get_without_openat2(int port, void *arg)
{
    get_files(port, arg);
    get_forbidden(port, arg);
    expect_response(port, 404, NULL, "GET /f/inside HTTP/1.1");
    expect_response(port, 404, NULL, "GET /given?path=dir/../a.txt HTTP/1.1");
}

TEST(without_openat2_no_link_is_followed)
{
    if (forbid_openat2())
        serve_folder(get_without_openat2);
}

/* --- headers and conditions --- */

static void read_headers(int port, void *arg)
{
    (void)arg;
    struct response r = request(port, "GET /f/a.txt HTTP/1.1");
    expect_text(response_header(&r, "Content-Type"), "text/plain; charset=utf-8");
    expect_text(response_header(&r, "Accept-Ranges"), "bytes");
    expect_text(response_header(&r, "Cache-Control"), "no-cache");
    expect_text(response_header(&r, "X-Content-Type-Options"), "nosniff");
    expect_text(response_header(&r, "Content-Length"), "10");
    expect_not_null(response_header(&r, "ETag"));
    expect_not_null(response_header(&r, "Last-Modified"));
    free(r.body);
    r = request(port, "GET /download HTTP/1.1");
    expect_text(response_header(&r, "Content-Type"), "x/y");
    expect_text(response_header(&r, "Cache-Control"), "public, max-age=60, immutable");
    expect_text(response_header(&r, "Content-Disposition"), "attachment; filename=\"my ___.txt\"");
    free(r.body);
    r = request(port, "HEAD /f/a.txt HTTP/1.1");
    expect_int(r.status, 200);
    expect_text(response_header(&r, "Content-Length"), "10");
    free(r.body);
}

TEST(file_has_headers_for_caches_and_browsers)
{
    serve_folder(read_headers);
}

static void expect_part(int port, const char *range, int status, const char *body,
                        const char *content_range)
{
    struct response r = request(port, "GET /f/a.txt HTTP/1.1\r\nRange: %s", range);
    expect_that(r.status == status, "%s: %d", range, r.status);
    if (body)
        expect_text(r.body, body);
    const char *found = response_header(&r, "Content-Range");
    expect_text(found ? found : "none", content_range);
    free(r.body);
}

static void get_ranges(int port, void *arg)
{
    (void)arg;
    expect_part(port, "bytes=0-0", 206, "0", "bytes 0-0/10");
    expect_part(port, "bytes=2-4", 206, "234", "bytes 2-4/10");
    expect_part(port, "bytes=7-", 206, "789", "bytes 7-9/10");
    expect_part(port, "bytes=7-99", 206, "789", "bytes 7-9/10");
    expect_part(port, "bytes=-3", 206, "789", "bytes 7-9/10");
    expect_part(port, "bytes=-99", 206, "0123456789", "bytes 0-9/10");
    expect_part(port, "bytes=10-", 416, NULL, "bytes */10");
    expect_part(port, "bytes=-0", 416, NULL, "bytes */10");
    expect_part(port, "bytes=4-2", 200, "0123456789", "none");
    expect_part(port, "bytes=1-2,4-5", 200, "0123456789", "none");
    expect_part(port, "bytes=", 200, "0123456789", "none");
    expect_part(port, "bytes=-", 200, "0123456789", "none");
    expect_part(port, "bytes=1", 200, "0123456789", "none");
    expect_part(port, "bytes=99999999999999999999-", 200, "0123456789", "none");
    expect_part(port, "lines=1-2", 200, "0123456789", "none");
    expect_response(port, 416, NULL, "GET /f/empty HTTP/1.1\r\nRange: bytes=0-");
}

TEST(range_gets_a_part_of_the_file)
{
    serve_folder(get_ranges);
}

static void expect_conditional(int port, int status, const char *header, const char *value)
{
    struct response r =
            request(port, "GET /f/a.txt HTTP/1.1\r\nRange: bytes=1-1\r\n%s: %s", header, value);
    expect_that(r.status == status, "%s: %s: %d", header, value, r.status);
    if (status == 304)
        expect_null(response_header(&r, "Content-Type"));
    free(r.body);
}

static void get_conditionally(int port, void *arg)
{
    char tag[100], weak[110], list[150], date[100];
    (void)arg;
    struct response r = request(port, "GET /f/a.txt HTTP/1.1");
    snprintf(tag, sizeof tag, "%s", response_header(&r, "ETag"));
    snprintf(date, sizeof date, "%s", response_header(&r, "Last-Modified"));
    snprintf(weak, sizeof weak, "W/%s", tag);
    snprintf(list, sizeof list, "\"a\", W/\"b\",%s", tag);
    free(r.body);
    static const char old[] = "Sun, 06 Nov 1994 08:49:37 GMT",
                      new[] = "Thu, 01 Jan 2095 00:00:00 GMT";
    expect_conditional(port, 304, "If-None-Match", tag);
    expect_conditional(port, 304, "If-None-Match", weak);
    expect_conditional(port, 304, "If-None-Match", list);
    expect_conditional(port, 304, "If-None-Match", "*");
    expect_conditional(port, 206, "If-None-Match", "\"other\"");
    expect_conditional(port, 206, "If-Match", tag);
    expect_conditional(port, 206, "If-Match", "*");
    expect_conditional(port, 412, "If-Match", weak);
    expect_conditional(port, 412, "If-Match", "\"other\"");
    expect_conditional(port, 304, "If-Modified-Since", date);
    expect_conditional(port, 304, "If-Modified-Since", new);
    expect_conditional(port, 206, "If-Modified-Since", old);
    expect_conditional(port, 206, "If-Modified-Since", "yesterday");
    expect_conditional(port, 206, "If-Unmodified-Since", date);
    expect_conditional(port, 412, "If-Unmodified-Since", old);
    expect_conditional(port, 412, "If-Unmodified-Since", "Sunday, 06-Nov-94 08:49:37 GMT");
    expect_conditional(port, 412, "If-Unmodified-Since", "Sun Nov  6 08:49:37 1994");
    expect_conditional(port, 206, "If-Range", tag);
    expect_conditional(port, 206, "If-Range", date);
    expect_conditional(port, 200, "If-Range", weak);
    expect_conditional(port, 200, "If-Range", "\"other\"");
    expect_conditional(port, 200, "If-Range", old);
}

TEST(conditions_are_compared_with_the_state_of_the_file)
{
    serve_folder(get_conditionally);
}

static void get_big_file(int port, void *arg)
{
    static char big[3 << 20];
    (void)arg;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)('a' + i * i % 23);
    FILE *f = fopen(path_of("empty"), "w");
    fwrite(big, 1, sizeof big, f);
    fclose(f);
    struct response r = request(port, "GET /f/empty HTTP/1.1");
    expect_int(r.size, sizeof big);
    expect_bytes(r.body, big, sizeof big);
    free(r.body);
    r = request(port, "GET /f/empty HTTP/1.1\r\nRange: bytes=1000000-2999999");
    expect_int(r.size, 2000000);
    expect_bytes(r.body, big + 1000000, 2000000);
    free(r.body);
}

TEST(file_larger_than_all_buffers_is_sent_whole)
{
    int before = count_descriptors();
    serve_folder(get_big_file);
    expect_int(count_descriptors(), before);
}

TEST(type_of_a_file_follows_from_its_name)
{
    static const char *const names[][2] = {
        { "a.html", "text/html; charset=utf-8" },
        { "a.b/c.JPG", "image/jpeg" },
        { "7z.7z", "application/x-7z-compressed" },
        { "x.zst", "application/zstd" },
        { "x.tar.gz", "application/gzip" },
        { "a.html/b", "application/octet-stream" },
        { "html", "application/octet-stream" },
        { "a.", "application/octet-stream" },
        { "", "application/octet-stream" },
        { "a.unknown", "application/octet-stream" },
        { "a.wasm", "application/wasm" },
        { "a.js", "text/javascript; charset=utf-8" },
        { "a.woff2", "font/woff2" },
        { "a.svg", "image/svg+xml" },
        { "a.json", "application/json" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect_text(async_web_file_type(names[i][0]), names[i][1]);
}

SUITE("web-files", file_is_found_by_its_path, folder_without_slash_is_redirected,
      path_that_leads_out_of_the_folder_gets_404, link_inside_of_the_folder_is_followed,
      without_openat2_no_link_is_followed, file_has_headers_for_caches_and_browsers,
      range_gets_a_part_of_the_file, conditions_are_compared_with_the_state_of_the_file,
      file_larger_than_all_buffers_is_sent_whole, type_of_a_file_follows_from_its_name)
