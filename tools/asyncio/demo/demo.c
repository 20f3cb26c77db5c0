/* SPDX-License-Identifier: MIT */
/* demo.c - `asyncio demo`: the same thousand users fetched one after the other, all at once, and ten and a
 * hundred at a time, with every answer checked. */
#include "demo.h"
#include "common/fd_limit.h"

#include <asyncio/scope.h>
#include <asyncio/gather.h>
#include <asyncio/group.h>
#include <asyncio/http.h>
#include <asyncio/run.h>
#include <asyncio/with.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SAMPLE = 20, ERROR_LINES = 10 };

struct demo {
    struct demo_api api;
    async_http_session *session;
    char base[64]; /* "http://127.0.0.1:40123" */
    async_http_response *pages[DEMO_USERS];
    async_co fetches[DEMO_USERS];
    int checked, wrong;
    bool failed; /* and what is on stderr */
};

/* ---- the client: what a user of the library writes ---- */

ASYNC_DEF(fetch_user, (struct demo *)d, (int)id)
{
    char url[96];
    snprintf(url, sizeof url, "%s/users/%d", d->base, id);
    return await_http_get(d->session, url, &d->pages[id - 1], .timeout = 60);
}

ASYNC_DEF(fetch_politely, (struct demo *)d, (int)id, (async_semaphore *)limit)
{
    int r;
    await_with (r, limit)
        r = await_fetch_user(d, id);
    return r;
}

ASYNC_DEF(one_after_the_other, (struct demo *)d)
{
    for (int id = 1; id <= SAMPLE; id++)
        ASYNC_TRY(await_fetch_user(d, id));
    return 0;
}

ASYNC_DEF(all_at_once, (struct demo *)d)
{
    for (int id = 1; id <= DEMO_USERS; id++)
        d->fetches[id - 1] = fetch_user(d, id);
    return await_gather_n(d->fetches, DEMO_USERS, NULL);
}

ASYNC_DEF(so_many_at_a_time, (struct demo *)d, (int)n)
{
    async_semaphore limit = ASYNC_SEMAPHORE(n);
    for (int id = 1; id <= DEMO_USERS; id++)
        d->fetches[id - 1] = fetch_politely(d, id, &limit);
    return await_gather_n(d->fetches, DEMO_USERS, NULL);
}

/* ---- answers ---- */

static bool says(const json_t *object, const char *key, const char *value)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s && strcmp(s, value) == 0;
}

static bool is_right(const async_http_response *page, int id)
{
    char name[64], email[64];
    json_t *user = page && page->status == 200 ? json_loadb(page->body, page->size, 0, NULL) : NULL;
    demo_user(id, name, email);
    bool right = json_integer_value(json_object_get(user, "id")) == id &&
                 says(user, "name", name) && says(user, "email", email);
    json_decref(user);
    return right;
}

static void check_answers(struct demo *d, int users)
{
    for (int id = 1; id <= DEMO_USERS; id++) {
        if (id <= users) {
            d->checked++;
            d->wrong += !is_right(d->pages[id - 1], id);
        }
        async_http_response_drop(&d->pages[id - 1]);
    }
}

/* ---- the table ---- */

/* Colours only where somebody looks. */
static const char *paint(const char *sequence)
{
    static int wanted = -1;
    if (wanted < 0)
        wanted = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    return wanted ? sequence : "";
}
#define BOLD  paint("\x1b[1m")
#define DIM   paint("\x1b[2m")
#define GREEN paint("\x1b[32m")
#define PLAIN paint("\x1b[0m")

/* 7142 as 7,142 */
static char *grouped(char buf[32], long n)
{
    if (n < 1000)
        snprintf(buf, 32, "%ld", n);
    else
        snprintf(buf, 32, "%ld,%03ld", n / 1000, n % 1000);
    return buf;
}

static void print_head(const struct demo *d)
{
    printf("\n  %sasyncio %s%s: 1,000 users from a web API that takes 50 ms for each.\n"
           "  Real HTTP, server and client in this process, on one thread: %s/users/ID\n\n"
           "  %s%-22s %10s %10s %8s %12s %10s%s\n",
           BOLD, async_version(), PLAIN, d->base, DIM, "", "measured", "ideal", "ratio",
           "requests/s", "in flight", PLAIN);
}

/* scale: of what was measured, to all users. */
static void print_row(const struct demo *d, const char *name, double seconds, int limit, double scale)
{
    char rate[32], most[32];
    double ideal = DEMO_SECONDS * DEMO_USERS / limit;
    seconds *= scale;
    printf("  %-22s %s%8.2f s%s %8.2f s %8.2f %12s %10s\n", name, BOLD, seconds, PLAIN, ideal,
           seconds / ideal, grouped(rate, (long)(DEMO_USERS / seconds + 0.5)),
           grouped(most, d->api.most));
    fflush(stdout);
}

/* A sentence, and the first few of the errors behind it. */
static void print_failure(struct demo *d, const char *what, const char *text, const async_error *e)
{
    int lines = 0;
    d->failed = true;
    fflush(stdout);
    fprintf(stderr, "asyncio demo: %s%s%s\n", what, *what ? ": " : "", text);
    for (; e; e = async_error_next(e))
        if (!e->cause && lines++ < ERROR_LINES)
            fprintf(stderr, "  %s\n", e->text[0] ? e->text : strerror(-e->code));
    if (lines > ERROR_LINES)
        fprintf(stderr, "  ... and %d more\n", lines - ERROR_LINES);
}

struct way {
    const char *name;
    async_co how;
    int limit, users;
};

static int await_way(struct demo *d, struct way *w)
{
    d->api.most = 0;
    double start = async_time();
    int r;
    await_group (r, g) {
        async_spawn(g, w->how);
    }
    double seconds = async_time() - start;
    if (r < 0 && r != -ECANCELED)
        print_failure(d, w->name, strerror(-r), async_group_errors(g));
    if (r < 0)
        return r;
    print_row(d, w->name, seconds, w->limit, (double)DEMO_USERS / w->users);
    if (d->api.most > w->limit)
        return async_fail(-EPROTO, "%d requests at a time, the limit is %d", d->api.most, w->limit);
    check_answers(d, w->users);
    return 0;
}

static int await_ways(struct demo *d)
{
    struct way ways[] = {
        { "one after the other *", one_after_the_other(d), 1, SAMPLE },
        { "all at once", all_at_once(d), DEMO_USERS, DEMO_USERS },
        { "a semaphore of 10", so_many_at_a_time(d, 10), 10, DEMO_USERS },
        { "a semaphore of 100", so_many_at_a_time(d, 100), 100, DEMO_USERS },
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        ASYNC_TRY(await_way(d, &ways[i]));
    return 0;
}

static int verdict(struct demo *d)
{
    char n[32];
    printf("\n  %s* measured with %d users, and multiplied by %d; in flight: as the server counts%s\n\n",
           DIM, SAMPLE, DEMO_USERS / SAMPLE, PLAIN);
    if (d->wrong)
        return async_fail(-EBADMSG, "%d of %s answers are wrong", d->wrong, grouped(n, d->checked));
    printf("  %sall %s answers checked%s: every id, name and email is right\n\n", GREEN,
           grouped(n, d->checked), PLAIN);
    return 0;
}

ASYNC_DEF(all_of_it, (struct demo *)d)
{
    await_web_server_auto server = NULL;
    async_http_session_auto session = NULL;
    ASYNC_TRY(async_web_server_start(demo_routes, &server, .arg = &d->api));
    ASYNC_TRY(async_http_session_open(&session, .limit = -1, .proxy = ""));
    d->session = session;
    snprintf(d->base, sizeof d->base, "http://127.0.0.1:%d", async_web_server_port(server));
    print_head(d);
    int r = await_ways(d);
    if (r == 0)
        r = verdict(d);
    check_answers(d, 0);
    return r;
}

/* One failure is enough to print: a thousand requests may have the same. */
ASYNC_DEF(demo, (struct demo *)d)
{
    int r = await_all_of_it(d);
    if (r >= 0 || r == -ECANCELED)
        return r;
    const char *text = async_fail_text(r);
    if (!d->failed)
        print_failure(d, "", *text ? text : strerror(-r), NULL);
    return 0;
}

int demo_main(int argc, char **argv)
{
    static struct demo d;
    if (argc > 1) {
        bool help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
        fputs("Usage: asyncio demo\n\nStarts a web API in this process and fetches a thousand users from it in "
              "four ways.\n",
              help ? stdout : stderr);
        return help ? 0 : 2;
    }
    raise_fd_limit(); /* a thousand connections have two ends here */
    int r = async_main(demo(&d));
    return d.failed ? 1 : r;
}
