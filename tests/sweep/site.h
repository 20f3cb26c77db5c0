/* SPDX-License-Identifier: MIT */
/* site.h - a server of ext/web with its routes, and a scenario that visits it with a client of
 * ext/http in the same loop. */
#ifndef SWEEP_SITE_H
#define SWEEP_SITE_H

#include "scenario.h"

#include <asyncio/http.h>
#include <asyncio/web.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIME_LIMIT 10.0 /* seconds for a visit; it takes milliseconds */

/* --- memory --- */

static _Thread_local bool
        armed; /* faults are injected: not while others than the adapters allocate */
static atomic_long curl_blocks; /* that libcurl and the thread of its resolver have not freed */

static bool fails(void)
{
    return armed && async_test_fails();
}

#include "failing_malloc.h"

static void *count_block(void *p)
{
    curl_blocks += p != NULL;
    return p;
}

static void *curl_malloc(size_t size)
{
    return count_block(malloc(size));
}

static void *curl_calloc(size_t n, size_t size)
{
    return count_block(calloc(n, size));
}

static void *curl_realloc(void *p, size_t size)
{
    void *moved = realloc(p, size);
    return p ? moved : count_block(moved);
}

static char *curl_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = curl_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static void free_curl_block(void *p)
{
    curl_blocks -= p != NULL;
    free(p);
}

__attribute__((constructor)) static void set_curl_allocator(void)
{
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, free_curl_block, curl_realloc,
                             curl_strdup, curl_calloc) != CURLE_OK)
        abort();
}

/* --- the server --- */

static int inside, most_inside; /* handlers that run */
static async_event nobody_inside;

static void enter(void)
{
    hold(1);
    async_event_clear(&nobody_inside);
    if (++inside > most_inside)
        most_inside = inside;
}

static void leave(void)
{
    hold(-1);
    if (--inside == 0)
        async_event_set(&nobody_inside);
}

ASYNC_DEF(hello, (async_web_request *)rq)
{
    const char *to = async_web_query(rq, "to");
    return async_web_text(rq, 200, "hello, %s", to ? to : "you");
}

ASYNC_DEF(echo, (async_web_request *)rq)
{
    size_t size;
    const void *body = async_web_body(rq, &size);
    ASYNC_TRY(async_web_add_header(rq, "X-Echo", async_web_method(rq)));
    return async_web_respond(rq, 200, "text/plain", body, size);
}

/* Long enough for other requests to arrive meanwhile. */
ASYNC_DEF(naps, (async_web_request *)rq)
{
    enter();
    int r = await_sleep(0.0005);
    leave();
    return r < 0 ? r : async_web_text(rq, 200, "rested");
}

/* Ends only by being cancelled. */
ASYNC_DEF(sleeps, (async_web_request *)rq)
{
    enter();
    int r = await_sleep(TIME_LIMIT * 2);
    leave();
    return r < 0 ? r : async_web_text(rq, 200, "at last");
}

ASYNC_DEF(fails_by_itself, (async_web_request *)rq)
{
    (void)rq;
    ASYNC_TRY(await_sleep(0));
    return -EPROTO;
}

ASYNC_DEF(moved, (async_web_request *)rq)
{
    return async_web_redirect(rq, 307, "/hello?to=all");
}

enum { PIECE = 4096, PIECES = 40 };

ASYNC_DEF(streams, (async_web_request *)rq)
{
    static const char piece[PIECE];
    enter();
    int r = await_web_stream_begin(rq, 200, NULL);
    for (int i = 0; i < PIECES && r >= 0; i++)
        r = await_web_write(rq, piece, PIECE);
    if (r >= 0)
        r = await_web_stream_end(rq);
    leave();
    return r;
}

ASYNC_DEF(prints, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, "text/plain", .size = 3));
    for (int i = 0; i < 3; i++) {
        ASYNC_TRY(await_web_printf(rq, "%d", i));
        ASYNC_TRY(await_sleep(0));
    }
    return await_web_stream_end(rq);
}

/* Fails in the middle: the client must notice that something is missing. */
ASYNC_DEF(breaks_off, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL));
    ASYNC_TRY(await_web_printf(rq, "half of"));
    return -EPROTO;
}

/* Reads a body while it arrives. */
ASYNC_DEF(reads, (async_web_request *)rq)
{
    char buf[5000];
    ssize_t n;
    long size = 0;
    while ((n = await_web_read(rq, buf, sizeof buf)) > 0)
        size += n;
    return n < 0 ? (int)n : async_web_text(rq, 200, "%ld", size);
}

/* A file that every system has. */
ASYNC_DEF(sends_file, (async_web_request *)rq)
{
    return await_web_send_file(rq, "/etc", "passwd");
}

ASYNC_DEF(sends_events, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_events_begin(rq));
    for (int i = 0; i < 3; i++)
        ASYNC_TRY(await_web_event(rq, "tick", .id = "1"));
    return 0;
}

/* A middleware, and a path that is served behind it as all others are. */
ASYNC_DEF(layered, (async_web_request *)rq)
{
    int r = await_web_next(rq);
    if (r >= 0 && async_web_status(rq) == 200 && strcmp(async_web_path(rq), "/layered") == 0)
        ASYNC_TRY(async_web_set_cookie(rq, "layer", "1"));
    return r;
}

static const async_web_handler middleware[] = { layered, NULL };

static const async_web_route streamed[] = { { "POST", "/reads", reads }, { 0 } };

static const async_web_route routes[] = {
    { "GET", "/layered", hello },
    { "GET", "/sends_file", sends_file },
    { "GET", "/sends_events", sends_events },
    { "GET", "/hello", hello },
    { "*", "/echo", echo },
    { "GET", "/naps", naps },
    { "GET", "/sleeps", sleeps },
    { "GET", "/fails_by_itself", fails_by_itself },
    { "*", "/moved", moved },
    { "GET", "/streams", streams },
    { "GET", "/prints", prints },
    { "GET", "/breaks_off", breaks_off },
    { 0 },
};

/* --- a visit --- */

struct site {
    async_web_server *server;
    async_http_session *session;
    char url[64];
};

static int open_site(struct site *at)
{
    inside = most_inside = 0;
    async_event_set(&nobody_inside);
    ASYNC_TRY(async_web_server_start(routes, &at->server, .streamed = streamed,
                                     .middleware = middleware, .handler_timeout = TIME_LIMIT / 2));
    ASYNC_TRY(async_http_session_open(&at->session, .limit_per_host = 2));
    snprintf(at->url, sizeof at->url, "http://127.0.0.1:%d", async_web_server_port(at->server));
    return 0;
}

/* Lack of memory on one side is a lost connection, or another status, to the other side. */
static int sweep_result(int r)
{
    return r >= 0 ? 0 : r == -ECANCELED || r == -ETIMEDOUT ? r : -ENOMEM;
}

static nlink_t count_threads(void)
{
    struct stat s;
    return stat("/proc/self/task", &s) == 0 ? s.st_nlink : 0;
}

/* The thread that has opened a file stays, for the next one. */
static nlink_t count_pool_threads(void)
{
    struct async_pool_stats stats;
    return async_pool_stats(ASYNC_POOL_THREADS, &stats) == 0 ? stats.threads : 0;
}

/* Without memory, libcurl resolves even a numeric address on a thread, which it does not wait for
 * when the session closes. The thread closes its descriptors soon, but not through the loop. */
static void wait_for_threads(nlink_t before)
{
    for (int patience = 20000; patience > 0 && count_threads() > before; patience--)
        usleep(100);
}

static bool has_stdin(void)
{
    return fcntl(0, F_GETFD) >= 0;
}

/* Run a tour on a new site and close it. Whatever fails, no connection is left, no handler hangs,
 * and libcurl frees all its memory. */
static int await_visit(int (*await_tour)(struct site *at))
{
    struct site at = { 0 };
    int r;
    long blocks = curl_blocks;
    nlink_t threads = count_threads();
    bool stdin_open = has_stdin();
    double start = async_time();
    armed = true;
    await_timeout (r, TIME_LIMIT) {
        r = open_site(&at);
        if (r == 0)
            r = await_tour(&at);
    }
    async_http_session_drop(&at.session);
    int stopped = at.server ? await_web_server_stop(&at.server, 0) : 0;
    armed = false;
    wait_for_threads(threads + count_pool_threads());
    /* libcurl 7.88 closes descriptor 0 if there is no memory for the lock of its resolver. */
    if (stdin_open && !has_stdin())
        scenario_expect(open("/dev/null", O_RDONLY) == 0);
    scenario_expect(async_time() - start < TIME_LIMIT);
    scenario_expect(curl_blocks == blocks);
    return sweep_result(r < 0 ? r : stopped);
}

static const char *url_of(const struct site *at, const char *path)
{
    static char text[128];
    snprintf(text, sizeof text, "%s%s", at->url, path);
    return text;
}

/* Get a page. Another status than the given one is an error. */
static int await_page(struct site *at, const char *path, int status)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, path), &page);
    scenario_expect(r < 0 || page->size > 0);
    return r < 0 ? r : r == status ? 0 : -EREMOTEIO;
}
ASYNC_CO(page, (struct site *)at, (const char *)path, (int)status)

/* Wait until a handler runs, or the request has failed before. */
static int await_handler_inside(async_task *request)
{
    while (inside == 0 && !async_task_done(request))
        ASYNC_TRY(await_sleep(0.0002));
    return 0;
}

/* VISIT(name) { body } defines a scenario whose body gets a site, `struct site *at`. */
#define VISIT(name)                                                                                \
    static int await_tour_##name(struct site *at);                                                 \
    REAL_SCENARIO(name)                                                                            \
    {                                                                                              \
        return await_visit(await_tour_##name);                                                     \
    }                                                                                              \
    static int await_tour_##name(struct site *at)

#endif
