/* SPDX-License-Identifier: MIT */
/* server.c - the server's life: open, serve, stop.
 *
 * While it serves there are two tasks. One holds the group of the handlers and is shielded: whoever is
 * cancelled, the handlers are not, until their grace is over. The other, the watchman, waits to be asked to stop
 * or to be cancelled, and then does what a stop is, shielded too. */
#include "internal.h"

#include <asyncio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- open and close --- */

static size_t keep_raw(void *arg, struct MHD_Connection *mhd, char *text)
{
    (void)arg, (void)mhd;
    return strlen(text); /* uri.c decodes */
}

/* Not MHD_OPTION_STRICT_FOR_CLIENT: head.c and uri.c refuse more, and MHD 0.9 answers twice when it refuses a
 * request without Host. */
static int start_mhd(async_web_server *s, int fd)
{
    double idle = s->opts.idle_timeout;
    errno = 0;
    s->daemon = MHD_start_daemon(
            MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, web_on_access,
            s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->opts.limit,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, s->opts.header_limit, MHD_OPTION_CONNECTION_TIMEOUT,
            idle < 1     ? 1u
            : idle > 1e6 ? 0u
                         : (unsigned)(idle + 0.999),
            MHD_OPTION_UNESCAPE_CALLBACK, keep_raw, NULL, MHD_OPTION_URI_LOG_CALLBACK, web_on_uri,
            s, MHD_OPTION_NOTIFY_COMPLETED, web_on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
            web_on_connection, s, MHD_OPTION_END);
    if (s->daemon)
        return 0;
    int err = errno ? errno : ENOMEM;
    close(fd);
    return -err;
}

static void fill_in(struct async_web_opts *o, const struct async_web_opts *given)
{
    *o = *given;
    o->limit = o->limit > 0 ? o->limit : 10000;
    o->backlog = o->backlog > 0 ? o->backlog : 1024;
    o->body_limit = o->body_limit ? o->body_limit : 1 << 20;
    if (o->body_limit > SIZE_MAX / 8)
        o->body_limit = SIZE_MAX / 8; /* so that sums of it cannot overflow */
    o->header_limit = o->header_limit > 4096 ? o->header_limit : o->header_limit ? 4096 : 16384;
    o->idle_timeout = o->idle_timeout > 0 ? o->idle_timeout : 60;
    o->request_timeout = o->request_timeout > 0 ? o->request_timeout : 30;
    o->grace = o->grace == 0 ? 5 : o->grace;
}

/* Everything that MHD has to do with. Its connections end, and the requests with them. */
static void shut_down(async_web_server *s)
{
    if (s->down)
        return;
    s->down = true;
    web_driver_stop(s);
    if (!s->daemon)
        return;
    web_resume_all(s, false);
    if (!s->stopping)
        close(MHD_quiesce_daemon(s->daemon));
    MHD_stop_daemon(s->daemon);
}

static void free_server(async_web_server *s)
{
    shut_down(s);
    web_routes_free(s);
    for (async_web_request *rq; (rq = s->spare);) {
        s->spare = (async_web_request *)(void *)rq->link.next;
        free(rq);
    }
    free(s);
}

static int open_parts(async_web_server *s, const async_web_route *routes)
{
    int fd, r = web_routes_compile(s, routes);
    if (r < 0 || (r = web_listen(&s->opts, &fd, &s->port)) < 0 || (r = start_mhd(s, fd)) < 0)
        return r;
    return web_driver_start(s);
}

static int open_server(const async_web_route *routes, const struct async_web_opts *opts,
                       async_web_server **ret)
{
    if (!async_get_running_loop())
        return -EPERM;
    async_web_server *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    fill_in(&s->opts, opts);
    s->grace = s->opts.grace;
    web_link_init(&s->requests);
    web_link_init(&s->unwatched);
    web_link_init(&s->line);
    web_link_init(&s->waiting);
    web_link_init(&s->reading);
    int r = open_parts(s, routes);
    if (r < 0) {
        free_server(s);
        return r;
    }
    if (opts->ret_port)
        *opts->ret_port = s->port;
    if (opts->serving)
        async_event_set(opts->serving);
    *ret = s;
    return 0;
}

/* --- serve --- */

/* A child that could not even be started (no memory) fails its group; then there is another one. */
ASYNC_DEF(web_handlers, (async_web_server *)s)
{
    int r, shield;
    ASYNC_TRY(await_event_wait(&s->watched));
    await_shield (shield) {
        while (!async_event_is_set(&s->close)) {
            await_group (r, g) {
                s->group = g;
                web_resume_all(s, true);
                r = await_event_wait(&s->close);
                s->group = NULL;
            }
            async_ignore(r);
            web_handlers_never_ran(s);
        }
    }
    return 0;
}

/* Until one request or handler less is there. */
static int await_less(async_web_server *s)
{
    async_event_clear(&s->less);
    return await_event_wait(&s->less);
}

/* Stop accepting; the grace, if there is any; cancel; wait; let the last answers go. */
static int await_stop(async_web_server *s)
{
    int r;
    s->stopping = true;
    close(MHD_quiesce_daemon(s->daemon));
    web_conns_hang_up(s);
    web_resume_all(s, true); /* if there never was a group: 503 */
    web_kick(s);
    await_timeout (r, s->grace) {
        while (r == 0 && (s->active > 0 || s->stats.running > 0) && !s->hurry)
            r = await_less(s);
    }
    s->hurry = true;
    web_handlers_cancel(s);
    for (r = 0; r == 0 && s->stats.running > 0;)
        r = await_less(s);
    web_run(s);
    return r;
}

ASYNC_DEF(web_watchman, (async_web_server *)s)
{
    int shield;
    async_event_set(&s->watched);
    int r = await_event_wait(&s->stop);
    await_shield (shield)
        shield = await_stop(s);
    async_event_set(&s->close);
    return r;
}

ASYNC_DEF(web_server, (async_web_server *)s)
{
    int r = await_gather(NULL, web_watchman(s), web_handlers(s));
    shut_down(s);
    return r;
}

int await_web_serve_opt(const async_web_route *routes, const struct async_web_opts *opts)
{
    async_web_server *s;
    int r = open_server(routes, opts, &s);
    if (r < 0)
        return r;
    r = await_web_server(s);
    free_server(s);
    return r;
}

int async_web_server_start_opt(const async_web_route *routes, async_web_server **ret,
                               const struct async_web_opts *opts)
{
    async_web_server *s;
    int r = open_server(routes, opts, &s);
    if (r < 0)
        return r;
    s->keeper = async_group_create_task(async_background(), web_server(s));
    if (!s->keeper) {
        free_server(s);
        return -ENOMEM;
    }
    *ret = s;
    return 0;
}

/* --- stop --- */

int await_web_server_stop(async_web_server *s, double grace)
{
    if (!s)
        return await_sleep(0);
    if (web_handler_is_current(s))
        return async_fail(-EDEADLK, "a handler cannot wait for the end of its server");
    int shield;
    s->grace = grace;
    async_event_set(&s->stop);
    async_ignore(await_task(s->keeper));
    bool cut_short = !async_task_done(s->keeper); /* it was us who were cancelled */
    if (cut_short) {
        s->hurry = true;
        async_event_set(&s->less);
        await_shield (shield)
            async_ignore(await_task(s->keeper));
    }
    free_server(s);
    return cut_short ? -ECANCELED : 0;
}

void await_web_server_drop(async_web_server **s)
{
    int shield;
    if (!*s)
        return;
    await_shield (shield)
        shield = await_web_server_stop(*s, 0);
    *s = NULL;
}

int async_web_server_port(const async_web_server *s)
{
    return s->port;
}

struct async_web_stats async_web_server_stats(const async_web_server *s)
{
    return s->stats;
}
