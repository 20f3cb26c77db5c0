/* SPDX-License-Identifier: MIT */
/* Each allocation of a small life fails once, and then all from it on: a request may be lost, but the server
 * neither falls nor hangs nor leaks. The loop's thread alone is short of memory: malloc() is wrapped. */
#include "harness.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static _Thread_local bool armed;
static long left;     /* allocations before the one that fails */
static bool for_ever; /* and all after it */
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

ASYNC_DEF(waits, (async_web_request *)rq)
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

static const async_web_route routes[] = { { "GET", "/text/{name}", text },
                                          { "POST", "/waits", waits },
                                          { "GET", "/stream", stream },
                                          { 0 } };

/* Any answer, or none; but the end of the connection within ten seconds. */
static void try_ask(int port, const char *request)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = dial_later();
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) {
        put(fd, "%s", request);
        struct answer answer = answer_read(fd, false);
        free(answer.body);
        ck_assert(at_end(fd));
    }
    close(fd);
}

static void ask_all(int port, void *arg)
{
    char big[6000];
    (void)arg;
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
#define END "Host: h\r\nConnection: close\r\n"
    try_ask(port, "GET /text/one?q=%20 HTTP/1.1\r\nX-Test: yes\r\n" END "\r\n");
    try_ask(port, "GET /text/a%20rather%20long%20one?q=1&r=2&s=3&t=4&u=5&v=6&w=7 HTTP/1.1\r\n" END
                  "\r\n");
    char *body = NULL;
    ck_assert_int_gt(asprintf(&body, "POST /waits HTTP/1.1\r\n" END "Content-Length: %zu\r\n\r\n%s",
                              strlen(big), big),
                     0);
    try_ask(port, body);
    free(body);
    try_ask(port, "GET /stream HTTP/1.1\r\n" END "\r\n");
    try_ask(port, "PUT /waits HTTP/1.1\r\n" END "\r\n");
    try_ask(port, "GET /nowhere HTTP/1.1\r\n" END "\r\n");
}

ASYNC_DEF(life)
{
    struct client c;
    async_web_server *s;
    ASYNC_TRY(async_web_server_start(routes, &s));
    armed = false; /* Check's own memory */
    client_start(&c, async_web_server_port(s), ask_all, NULL);
    armed = true;
    async_ignore(await_client(&c));
    return await_web_server_stop(s, 1);
}

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 64; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void *shared_malloc(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void *shared_realloc(void *ctx, void *p, size_t size)
{
    (void)ctx;
    return realloc(p, size);
}

static void shared_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static void sweep(bool all)
{
    static const async_allocator a = { shared_malloc, shared_realloc, shared_free, NULL };
    ck_assert_int_eq(async_set_allocator(&a), 0); /* the core's memory too */
    int before = open_descriptors();
    for (long n = 0;; n++) {
        left = n;
        for_ever = all;
        failed = false;
        armed = true;
        int r = async_run(life());
        armed = false;
        ck_assert_msg(r == 0 || failed, "%ld: %s", n, strerror(-r));
        ck_assert_int_eq(open_descriptors(), before);
        if (!failed) {
            ck_assert_int_gt(n, 12);
            return;
        }
    }
}

START_TEST(each_allocation_fails_once)
{
    sweep(false);
}
END_TEST

START_TEST(all_allocations_fail_from_one_on)
{
    sweep(true);
}
END_TEST

SUITE("web-memory", each_allocation_fails_once, all_allocations_fail_from_one_on)
