/* SPDX-License-Identifier: MIT */
/* Lack of memory: each allocation in a short life of a server fails, alone or with all that follow.
 * A request may be lost, but the server neither crashes nor hangs nor leaks. Only the loop's thread
 * is short of memory: see failing_malloc.h. */
#include "harness.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static _Thread_local bool armed;
static long left;     /* allocations before the one that fails */
static bool for_ever; /* all that follow fail as well */
static bool failed;

static bool fails(void)
{
    if (!armed || left-- > 0)
        return false;
    if (left < -1 && !for_ever)
        return false;
    failed = true;
    errno = ENOMEM;
    return true;
}

#include "../failing_malloc.h"

/* --- the life --- */

ASYNC_DEF(text, (async_web_request *)rq)
{
    const char *x = async_web_header(rq, "X-Test"), *q = async_web_query(rq, "q");
    ASYNC_TRY(async_web_add_header(rq, "X-Peer", async_web_peer(rq)));
    return async_web_text(rq, 200, "%s %s %s", async_web_param(rq, "name"), x ? x : "", q ? q : "");
}

ASYNC_DEF(wait_a_moment, (async_web_request *)rq)
{
    ASYNC_TRY(await_sleep(0.001));
    return async_web_respond(rq, 200, NULL, async_web_body(rq, NULL), 10);
}

ASYNC_DEF(stream, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL));
    for (int i = 0; i < 3; i++)
        ASYNC_TRY(await_web_printf(rq, "%d", i));
    return await_web_stream_end(rq);
}

/* Everything that a handler can read of its request. */
ASYNC_DEF(read_all, (async_web_request *)rq)
{
    size_t size = 0;
    const char *name, *value;
    for (size_t i = 0; async_web_header_at(rq, i, &name, &value); i++)
        size += strlen(name) + strlen(value);
    for (size_t i = 0; async_web_form_at(rq, i, &name, &value); i++)
        size += strlen(name) + strlen(value);
    const async_web_part *part = async_web_part_at(rq, 0);
    ASYNC_TRY(async_web_set_cookie(rq, "a", "b", .max_age = 1));
    const char *cookie = async_web_cookie(rq, "a");
    return async_web_text(rq, 200, "%zu %d %s %s %s", size, async_web_form_size(rq),
                          async_web_client(rq), cookie ? cookie : "", part ? part->name : "");
}

ASYNC_DEF(read_stream, (async_web_request *)rq)
{
    char buf[1000];
    while (ASYNC_TRY(await_web_read(rq, buf, sizeof buf)) > 0)
        ;
    return await_web_send_file(rq, "/etc", "passwd");
}

ASYNC_DEF(send_events, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_events_begin(rq));
    return await_web_event(rq, "a\nb", .id = "1");
}

ASYNC_DEF(pass_on, (async_web_request *)rq)
{
    return await_web_next(rq);
}

static const async_web_handler middleware[] = { pass_on, NULL };
static const async_web_route streamed[] = { { "POST", "/upload", read_stream }, { 0 } };

static void show_error(async_web_request *rq, int status)
{
    async_ignore(async_web_respond(rq, status, "text/html", "error", 5));
}

static const async_web_route routes[] = {
    { "POST", "/all", read_all },    { "GET", "/events", send_events },
    { "GET", "/text/{name}", text }, { "POST", "/wait", wait_a_moment },
    { "GET", "/stream", stream },    { 0 }
};

/* There may be any response, or none, but the connection must end within ten seconds. */
static void try_request(int port, const char *text)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = open_socket();
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) {
        send_text(fd, "%s", text);
        struct response r = read_response(fd);
        free(r.body);
        expect_true(reads_end(fd));
    }
    close(fd);
}

static void request_all(int port, void *arg)
{
    char big[6000];
    (void)arg;
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
#define END "Host: h\r\nConnection: close\r\n"
    try_request(port, "GET /text/one?q=%20 HTTP/1.1\r\nX-Test: yes\r\n" END "\r\n");
    try_request(port,
                "GET /text/a%20rather%20long%20one?q=1&r=2&s=3&t=4&u=5&v=6&w=7 HTTP/1.1\r\n" END
                "\r\n");
    char *body = NULL;
    expect_greater(asprintf(&body, "POST /wait HTTP/1.1\r\n" END "Content-Length: %zu\r\n\r\n%s",
                            strlen(big), big),
                   0);
    try_request(port, body);
    free(body);
    try_request(port, "GET /stream HTTP/1.1\r\n" END "\r\n");
    try_request(port, "PUT /wait HTTP/1.1\r\n" END "\r\n");
    try_request(port, "GET /nowhere HTTP/1.1\r\n" END "\r\n");
#define DATA "POST /all HTTP/1.1\r\nCookie: a=1\r\nX-Forwarded-For: 1.2.3.4\r\n" END
    try_request(port, DATA "Content-Type: application/x-www-form-urlencoded\r\n"
                           "Content-Length: 7\r\n\r\na=b&c=d");
    try_request(port, DATA "Content-Type: multipart/form-data; boundary=x\r\n"
                           "Content-Length: 76\r\n\r\n"
                           "--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n"
                           "12345678\r\n--x--\r\n");
    try_request(port, "POST /upload HTTP/1.1\r\n" END "Content-Length: 10\r\n\r\n0123456789");
    try_request(port, "GET /events HTTP/1.1\r\n" END "\r\n");
}

static int null_fd; /* /dev/null */

ASYNC_DEF(live)
{
    struct client c;
    async_web_server *s;
    ASYNC_TRY(async_web_server_start(routes, &s, .streamed = streamed, .middleware = middleware,
                                     .error_page = show_error, .trusted_proxies = 1,
                                     .handler_timeout = 10, .access_log = null_fd));
    armed = false; /* for the memory of Check and of the thread */
    client_start(&c, async_web_server_port(s), request_all, NULL);
    armed = true;
    async_ignore(await_client(&c));
    return await_web_server_stop(&s, 1);
}

static void *core_malloc(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void *core_realloc(void *ctx, void *p, size_t size)
{
    (void)ctx;
    return realloc(p, size);
}

static void core_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

/* Live again and again, and fail one allocation later each time, until none has failed. */
static void fail_each_allocation(bool with_all_that_follow)
{
    static const async_allocator a = { core_malloc, core_realloc, core_free, NULL };
    expect_ok(async_set_allocator(&a)); /* so that the core's memory fails as well */
    null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int before = count_descriptors();
    for (long n = 0;; n++) {
        left = n;
        for_ever = with_all_that_follow;
        failed = false;
        armed = true;
        int r = async_run(live());
        armed = false;
        expect_that(r == 0 || failed, "%ld: %s", n, strerror(-r));
        expect_int(count_descriptors(), before);
        if (!failed) {
            expect_greater(n, 12);
            return;
        }
    }
}

TEST(server_survives_one_failed_allocation)
{
    fail_each_allocation(false);
}

TEST(server_survives_when_memory_is_exhausted)
{
    fail_each_allocation(true);
}

SUITE("web-memory", server_survives_one_failed_allocation, server_survives_when_memory_is_exhausted)
