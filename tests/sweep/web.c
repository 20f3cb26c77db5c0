/* SPDX-License-Identifier: MIT */
/* A client by ext/http and a server by ext/web in one loop, by the real clock. What our two adapters and libcurl take
 * by malloc() fails as well: the former are linked in with malloc() wrapped, libcurl has a door for it. libmicrohttpd
 * has none, and its system calls are its own, as libcurl's are: of those two only what passes through our loop fails.
 *
 * Whatever it is: no connection is left, no handler hangs, and libcurl gets all its memory back. */
#define SCENARIO_SEEDS 40
#include "scenario.h"

#include <asyncio/http.h>
#include <asyncio/web.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT 10.0 /* seconds; much more than it takes */

/* --- memory --- */

static _Thread_local bool armed; /* not while the library's ledger is opened, or others allocate */
static atomic_long blocks;       /* libcurl's, its resolver's thread among them */

static bool fails(void)
{
    return armed && async_test_fails();
}

#include "failing_malloc.h"

static void *counted(void *p)
{
    blocks += p != NULL;
    return p;
}

static void *curls_malloc(size_t size)
{
    return counted(malloc(size));
}

static void *curls_calloc(size_t n, size_t size)
{
    return counted(calloc(n, size));
}

static void *curls_realloc(void *p, size_t size)
{
    void *moved = realloc(p, size);
    return p ? moved : counted(moved);
}

static char *curls_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = curls_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static void curls_free(void *p)
{
    blocks -= p != NULL;
    free(p);
}

__attribute__((constructor)) static void open_the_door(void)
{
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, curls_malloc, curls_free, curls_realloc,
                             curls_strdup, curls_calloc) != CURLE_OK)
        abort();
}

/* --- the server --- */

static int inside, most_inside; /* handlers */
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

ASYNC_DEF(naps, (async_web_request *)rq)
{
    enter();
    int r = await_sleep(0.002);
    leave();
    return r < 0 ? r : async_web_text(rq, 200, "rested");
}

ASYNC_DEF(sleeps, (async_web_request *)rq)
{
    enter();
    int r = await_sleep(LIMIT * 2);
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

/* It fails in the middle: the client must see that something is missing. */
ASYNC_DEF(breaks_off, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL));
    ASYNC_TRY(await_web_printf(rq, "half of"));
    return -EPROTO;
}

static const async_web_route routes[] = {
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
    ASYNC_TRY(async_web_server_start(routes, &at->server));
    ASYNC_TRY(async_http_session_open(&at->session, .limit_per_host = 2));
    snprintf(at->url, sizeof at->url, "http://127.0.0.1:%d", async_web_server_port(at->server));
    return 0;
}

/* One side hears of the other's lack of memory as a lost connection, or as a status. */
static int verdict(int r)
{
    return r >= 0 ? 0 : r == -ECANCELED || r == -ETIMEDOUT ? r : -ENOMEM;
}

/* Where memory lacks, libcurl asks the resolver even for a numeric address, on a thread that it leaves to itself when the
 * session closes. The thread's descriptors go with it: soon, and not through our loop. */
static nlink_t threads(void)
{
    struct stat s;
    return stat("/proc/self/task", &s) == 0 ? s.st_nlink : 0;
}

static void wait_for_threads(nlink_t before)
{
    for (int patience = 2000; patience > 0 && threads() > before; patience--)
        usleep(1000);
}

static bool has_stdin(void)
{
    return fcntl(0, F_GETFD) >= 0;
}

static int await_visit(int (*await_tour)(struct site *at))
{
    struct site at = { 0 };
    int r;
    long before = blocks;
    nlink_t running = threads();
    bool stdin_open = has_stdin();
    double start = async_time();
    armed = true;
    await_timeout (r, LIMIT) {
        r = open_site(&at);
        if (r == 0)
            r = await_tour(&at);
    }
    async_http_session_drop(&at.session);
    int stopped = at.server ? await_web_server_stop(at.server, 0) : 0;
    armed = false;
    wait_for_threads(running);
    /* Without memory for its resolver's lock libcurl 7.88 closes descriptor 0. */
    if (stdin_open && !has_stdin())
        must(open("/dev/null", O_RDONLY) == 0);
    must(async_time() - start < LIMIT);
    must(blocks == before);
    return verdict(r < 0 ? r : stopped);
}

static const char *url_of(const struct site *at, const char *path)
{
    static char text[128];
    snprintf(text, sizeof text, "%s%s", at->url, path);
    return text;
}

/* Another status is an error. */
static int await_page(struct site *at, const char *path, int status)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, path), &page);
    must(r < 0 || page->size > 0);
    return r < 0 ? r : r == status ? 0 : -EREMOTEIO;
}
ASYNC_CO(page, (struct site *)at, (const char *)path, (int)status)

#define VISIT(name)                                                                                \
    static int await_tour_##name(struct site *at);                                                 \
    REAL_SCENARIO(name)                                                                            \
    {                                                                                              \
        return await_visit(await_tour_##name);                                                     \
    }                                                                                              \
    static int await_tour_##name(struct site *at)

VISIT(a_get)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, "/hello"), &page,
                           .query = ASYNC_HTTP_PAIRS("to", "me"));
    must(r != 200 || strcmp(page->body, "hello, me") == 0 ||
         strcmp(page->body, "hello, you") == 0); /* without memory there is no query */
    return r < 0 ? r : r == 200 ? 0 : -EREMOTEIO;
}

VISIT(gets_on_one_connection)
{
    for (int i = 0; i < 3; i++)
        ASYNC_TRY(await_page(at, "/hello", 200));
    async_http_response_auto head = NULL;
    int r = await_http_head(at->session, url_of(at, "/hello"), &head);
    must(r != 200 || head->size == 0);
    return r < 0 ? r : r == 200 ? 0 : -EREMOTEIO;
}

VISIT(bodies_that_are_sent)
{
    static char big[20000];
    memset(big, 'x', sizeof big);
    for (int i = 0; i < 2; i++) {
        async_http_response_auto page = NULL;
        int r = i ? await_http_put(at->session, url_of(at, "/echo"), &page, .text = "small")
                  : await_http_post(at->session, url_of(at, "/echo"), &page, .body = big,
                                    .body_size = sizeof big);
        must(r != 200 || page->size == (i ? 5 : sizeof big));
        if (r != 200)
            return r < 0 ? r : -EREMOTEIO;
    }
    return 0;
}

/* At a limit, and what is left of the transfer when its reader goes. */
VISIT(a_stream_that_is_read)
{
    static char buf[3000];
    size_t size = 0;
    async_http_response_auto page = NULL;
    int r = await_http_open(at->session, "GET", url_of(at, "/streams"), &page);
    if (r != 200)
        return r < 0 ? r : -EREMOTEIO;
    for (;;) {
        ssize_t n = await_http_read(page, buf, sizeof buf);
        if (n <= 0) {
            must(n < 0 || size == (size_t)PIECE * PIECES);
            return (int)n;
        }
        size += (size_t)n;
    }
}

VISIT(a_stream_by_chunks)
{
    int r;
    async_http_response_auto page = NULL;
    r = await_http_open(at->session, "GET", url_of(at, "/prints"), &page);
    if (r != 200)
        return r < 0 ? r : -EREMOTEIO;
    size_t size = 0;
    await_for_each (r, chunk, async_http_chunks(page))
        size += chunk.size;
    must(r < 0 || size == 3);
    return r;
}

VISIT(a_stream_left_early)
{
    char buf[100];
    async_http_response_auto page = NULL;
    int r = await_http_open(at->session, "GET", url_of(at, "/streams"), &page);
    if (r != 200)
        return r < 0 ? r : -EREMOTEIO;
    ssize_t n = await_http_read(page, buf, sizeof buf);
    async_http_response_drop(&page);
    return n < 0 ? (int)n : await_page(at, "/hello", 200);
}

VISIT(a_stream_that_breaks_off)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, "/breaks_off"), &page);
    must(r != 200);
    return r == -ECONNRESET ? 0 : r < 0 ? r : -EREMOTEIO;
}

VISIT(a_redirect)
{
    async_http_response_auto page = NULL;
    int r = await_http_request(at->session, "POST", url_of(at, "/moved"), &page, .text = "here",
                               .max_redirects = -1);
    if (r != 307)
        return r < 0 ? r : -EREMOTEIO;
    ASYNC_TRY(await_page(at, "/moved", 200));
    return await_page(at, "/moved", 200);
}

VISIT(a_timeout)
{
    async_http_response_auto page = NULL;
    int r = await_http_get(at->session, url_of(at, "/sleeps"), &page, .timeout = 0.005);
    must(r < 0 || r >= 500);
    return r == -ETIMEDOUT ? await_page(at, "/hello", 200) : r < 0 ? r : -EREMOTEIO;
}

VISIT(more_than_the_limit_per_host)
{
    int r = await_gather(NULL, page(at, "/naps", 200), page(at, "/naps", 200),
                         page(at, "/naps", 200), page(at, "/naps", 200), page(at, "/hello", 200));
    must(r < 0 || most_inside <= 2);
    return r;
}

VISIT(a_handler_that_fails)
{
    await_web_server_auto idle = NULL;
    ASYNC_TRY(async_web_server_start(routes, &idle));
    ASYNC_TRY(await_page(at, "/fails_by_itself", 500));
    return await_page(at, "/nowhere", 404);
}

VISIT(a_client_that_goes)
{
    await_task_auto t = async_create_task(page(at, "/sleeps", 200));
    if (!t)
        return -ENOMEM;
    while (inside == 0 && !async_task_done(t))
        ASYNC_TRY(await_sleep(0.0005));
    async_task_cancel(t);
    int r = await_task(t);
    must(r < 0);
    ASYNC_TRY(await_event_wait(&nobody_inside)); /* the server hears of it a little later */
    return r == -ECANCELED ? 0 : r;
}

/* Who is served already is served to the end. */
VISIT(a_graceful_stop)
{
    await_task_auto t = async_create_task(page(at, "/naps", 200));
    if (!t)
        return -ENOMEM;
    while (inside == 0 && !async_task_done(t))
        ASYNC_TRY(await_sleep(0.0005));
    int stopped = await_web_server_stop(at->server, LIMIT / 2);
    at->server = NULL;
    ASYNC_TRY(stopped);
    return await_task(t);
}

VISIT(a_session_that_is_closed_with_transfers)
{
    int r, asked = 0;
    await_group (r, g) {
        async_task *a = async_group_create_task(g, page(at, "/sleeps", 200));
        async_task *b = async_group_create_task(g, page(at, "/sleeps", 200));
        async_task *c = async_group_create_task(g, page(at, "/hello", 200)); /* waits for a place */
        while (asked == 0 && inside < 2 && !async_task_done(a) && !async_task_done(b) &&
               !async_task_done(c))
            asked = await_sleep(0.0005);
        async_http_session_drop(&at->session);
        r = asked;
    }
    return r == -EPIPE ? 0 : r; /* 0: all of them were cancelled before */
}

/* Each with a body that it sends back, but for the last one. */
VISIT(methods_of_all_kinds)
{
    static const size_t sizes[] = { 2, 3, 2, 0 };
    for (int i = 0; i < 4; i++) {
        async_http_response_auto page = NULL;
        const char *url = url_of(at, "/echo");
        int r = i == 0   ? await_http_post(at->session, url, &page, .json = "{}")
                : i == 1 ? await_http_put(at->session, url, &page, .form = ASYNC_HTTP_PAIRS("a", "b"))
                : i == 2 ? await_http_request(at->session, "PATCH", url, &page, .text = "it")
                         : await_http_head(at->session, url, &page);
        must(r != 200 || page->size == sizes[i]);
        if (r != 200)
            return r < 0 ? r : -EREMOTEIO;
    }
    return 0;
}

ASYNC_DEF(serves, (int *)port, (async_event *)serving)
{
    return await_web_serve(routes, .ret_port = port, .serving = serving, .grace = -1);
}

static void move(struct site *at, int port)
{
    snprintf(at->url, sizeof at->url, "http://127.0.0.1:%d", port);
}

/* A second server, until it is cancelled. */
VISIT(serving_until_cancelled)
{
    int r, inner = 0, port = 0;
    async_event serving = { 0 };
    await_group (r, g) {
        async_task *server = async_group_create_task(g, serves(&port, &serving));
        while (inner == 0 && !async_event_is_set(&serving) && !async_task_done(server))
            inner = await_sleep(0.0005);
        if (inner == 0 && !async_task_done(server)) {
            move(at, port);
            inner = await_page(at, "/prints", 200);
        }
        r = inner;
        async_group_cancel(g);
    }
    return r;
}

/* One that goes with its block, in the middle of an answer; and one that nobody asks. */
VISIT(servers_that_go)
{
    int r, port = 0;
    async_event serving = { 0 };
    await_web_server_auto server = NULL;
    ASYNC_TRY(async_web_server_start(routes, &server));
    await_group (r, g) {
        async_spawn(g, serves(&port, &serving));
        move(at, async_web_server_port(server));
        r = await_page(at, "/streams", 200);
        async_group_cancel(g);
    }
    ASYNC_TRY(r);
    ASYNC_TRY(await_event_wait(&nobody_inside)); /* the client may have its answer, and the handler not know yet */
    await_task_auto t = async_create_task(page(at, "/sleeps", 200));
    while (inside == 0 && t && !async_task_done(t))
        ASYNC_TRY(await_sleep(0.0005));
    await_web_server_drop(&server);
    r = await_task(t); /* 503, but it may come too late */
    must(r < 0);
    return r == -EREMOTEIO || r == -ECONNRESET ? 0 : r;
}
