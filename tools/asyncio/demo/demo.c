/* SPDX-License-Identifier: MIT */
/* demo.c - `asyncio demo`: fetch the same thousand users one after the other, all at once, ten and
 * a hundred at a time, and check every response. */
#include "demo.h"

#include "api.h"
#include "common/fd_limit.h"
#include "common/units.h"
#include "table.h"

#include <asyncio/gather.h>
#include <asyncio/group.h>
#include <asyncio/http.h>
#include <asyncio/run.h>
#include <asyncio/scope.h>
#include <asyncio/with.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLE = 20,     /* users that are fetched one after the other, since all would take 50 s */
    ERROR_LINES = 10 /* causes to print, at most */
};

struct demo {
    struct demo_api api;
    async_http_session *session;
    char base[64]; /* "http://127.0.0.1:40123" */
    async_http_response *pages[DEMO_USERS];
    async_co fetches[DEMO_USERS];
    int checked, wrong;
    bool failed; /* a failure was printed */
};

/* ---- the client, as a user of the library writes it ---- */

ASYNC_DEF(fetch_user, (struct demo *)d, (int)id)
{
    char url[96];
    snprintf(url, sizeof url, "%s/users/%d", d->base, id);
    return await_http_get(d->session, url, &d->pages[id - 1], .timeout = 60);
}

ASYNC_DEF(fetch_user_limited, (struct demo *)d, (int)id, (async_semaphore *)limit)
{
    int r;
    await_with (r, limit)
        r = await_fetch_user(d, id);
    return r;
}

ASYNC_DEF(fetch_sequentially, (struct demo *)d)
{
    for (int id = 1; id <= SAMPLE; id++)
        ASYNC_TRY(await_fetch_user(d, id));
    return 0;
}

ASYNC_DEF(fetch_at_once, (struct demo *)d)
{
    for (int id = 1; id <= DEMO_USERS; id++)
        d->fetches[id - 1] = fetch_user(d, id);
    return await_gather_n(d->fetches, DEMO_USERS, NULL);
}

ASYNC_DEF(fetch_some_at_a_time, (struct demo *)d, (int)n)
{
    async_semaphore limit = ASYNC_SEMAPHORE(n);
    for (int id = 1; id <= DEMO_USERS; id++)
        d->fetches[id - 1] = fetch_user_limited(d, id, &limit);
    return await_gather_n(d->fetches, DEMO_USERS, NULL);
}

/* ---- checking responses ---- */

static bool has_string(const json_t *object, const char *key, const char *value)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s && strcmp(s, value) == 0;
}

static bool is_right(const async_http_response *page, int id)
{
    char name[DEMO_TEXT_SIZE], email[DEMO_TEXT_SIZE];
    json_t *user = page && page->status == 200 ? json_loadb(page->body, page->size, 0, NULL) : NULL;
    demo_user(id, name, email);
    bool right = json_integer_value(json_object_get(user, "id")) == id &&
                 has_string(user, "name", name) && has_string(user, "email", email);
    json_decref(user);
    return right;
}

/* Check the first so many responses, and free all. */
static void check_responses(struct demo *d, int users)
{
    for (int id = 1; id <= DEMO_USERS; id++) {
        if (id <= users) {
            d->checked++;
            d->wrong += !is_right(d->pages[id - 1], id);
        }
        async_http_response_drop(&d->pages[id - 1]);
    }
}

/* ---- the four ways ---- */

/* Print an error, and the first of the errors that caused it. A thousand requests may fail for the
 * same reason. */
static void print_failure(struct demo *d, const char *what, int code, const char *text,
                          const async_error *e)
{
    int lines = 0;
    d->failed = true;
    fflush(stdout);
    fprintf(stderr, "asyncio demo: %s%s%s%s\n", what, *what ? ": " : "", text,
            code == -EMFILE ? "; raise the limit with 'ulimit -n'" : "");
    for (; e; e = async_error_next(e))
        if (!e->cause && lines++ < ERROR_LINES)
            fprintf(stderr, "  %s\n", e->text[0] ? e->text : strerror(-e->code));
    if (lines > ERROR_LINES)
        fprintf(stderr, "  ... and %d more\n", lines - ERROR_LINES);
}

struct way {
    const char *name;
    async_co fetch;
    int limit, users;
};

/* Fetch in one way, print its row, and check the responses. */
static int await_way(struct demo *d, struct way *w)
{
    d->api.concurrent = 0;
    double start = async_time();
    int r;
    await_group (r, g) {
        async_spawn(g, w->fetch);
    }
    double seconds = async_time() - start;
    if (r < 0 && r != -ECANCELED)
        print_failure(d, w->name, r, strerror(-r), async_group_errors(g));
    if (r < 0)
        return r;
    table_row(w->name, seconds * DEMO_USERS / w->users, d->api.delay, DEMO_USERS, w->limit,
              d->api.concurrent);
    if (d->api.concurrent > w->limit)
        return async_fail(-EPROTO, "%d concurrent requests, although the limit is %d",
                          d->api.concurrent, w->limit);
    check_responses(d, w->users);
    return 0;
}

static int await_all_ways(struct demo *d)
{
    struct way ways[] = {
        { "one after the other *", fetch_sequentially(d), 1, SAMPLE },
        { "all at once", fetch_at_once(d), DEMO_USERS, DEMO_USERS },
        { "semaphore of 10", fetch_some_at_a_time(d, 10), 10, DEMO_USERS },
        { "semaphore of 100", fetch_some_at_a_time(d, 100), 100, DEMO_USERS },
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        ASYNC_TRY(await_way(d, &ways[i]));
    return 0;
}

static int report_responses(struct demo *d)
{
    table_end(SAMPLE, DEMO_USERS);
    if (d->wrong)
        return async_fail(-EBADMSG, "%d of %d responses are wrong", d->wrong, d->checked);
    table_success(d->checked);
    return 0;
}

/* Start the server, fetch in all ways, and report. The _auto declarations close the server and the
 * session, however this ends. */
ASYNC_DEF(serve_and_fetch, (struct demo *)d)
{
    await_web_server_auto server = NULL;
    async_http_session_auto session = NULL;
    ASYNC_TRY(async_web_server_start(demo_routes, &server, .arg = &d->api));
    ASYNC_TRY(async_http_session_open(&session, .limit = -1, .proxy = ""));
    d->session = session;
    snprintf(d->base, sizeof d->base, "http://127.0.0.1:%d", async_web_server_port(server));
    table_begin(d->base, d->api.delay, DEMO_USERS);
    int r = await_all_ways(d);
    if (r == 0)
        r = report_responses(d);
    check_responses(d, 0);
    return r;
}

/* An error that is already printed must not be printed again by async_main(), so it ends here. */
ASYNC_DEF(demonstrate, (struct demo *)d)
{
    int r = await_serve_and_fetch(d);
    if (r >= 0 || r == -ECANCELED)
        return r;
    const char *text = async_fail_text(r);
    if (!d->failed)
        print_failure(d, "", r, *text ? text : strerror(-r), NULL);
    return 0;
}

/* ---- the command line ---- */

static int print_demo_help(void)
{
    puts("Usage: asyncio demo [--delay TIME]\n"
         "\n"
         "Start a web API in this process, and fetch a thousand users from it in four ways: one\n"
         "after the other, all at once, and with at most 10 and 100 requests at the same time.\n"
         "Every response is checked.\n"
         "\n"
         "Options:\n"
         "  --delay TIME  how long the API takes for each user (default: 50ms)\n"
         "  -h, --help    show this help");
    return 0;
}

static int refuse_demo_usage(const char *what, const char *argument)
{
    fprintf(stderr, "asyncio demo: %s '%s'; see 'asyncio demo --help'\n", what, argument);
    return 2;
}

int demo_main(int argc, char **argv)
{
    static struct demo d = { .api.delay = 0.05 };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return print_demo_help();
        if (strcmp(argv[i], "--delay") != 0)
            return refuse_demo_usage("unknown argument", argv[i]);
        const char *time = ++i < argc ? argv[i] : "";
        if (parse_duration(time, &d.api.delay) < 0 || !(d.api.delay > 0 && d.api.delay <= 10))
            return refuse_demo_usage("--delay needs a time up to 10s, such as 50ms, not", time);
    }
    raise_fd_limit(); /* both ends of a thousand connections are in this process */
    int r = async_main(demonstrate(&d));
    return d.failed ? 1 : r;
}
