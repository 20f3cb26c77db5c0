/* SPDX-License-Identifier: MIT */
/* server.c - the life of a server: open, serve, stop.
 *
 * While it serves there are two tasks. web_handlers holds the group of the handlers, inside a
 * shield: whichever task is cancelled, the handlers are not, before their grace period is over.
 * web_watchman waits for a request to stop, or to be cancelled, and then stops the server,
 * inside a shield as well. */
#include "dispatch.h"

#include <asyncio.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct async_web_server {
    struct web_dispatch dispatch;
    int port;
    async_task *task;  /* of async_web_server_start() */
    unsigned stopping; /* tasks in await_web_server_stop(); the last one frees the server */
    bool abandoned;    /* by all of them: .task frees the server */
    double grace; /* seconds that handlers are given to end by themselves when the server stops */
    bool no_more_grace;
    async_event watched;        /* the watchman runs, so that .close_handlers will be set */
    async_event stop;           /* a request to stop */
    async_event close_handlers; /* the group of the handlers may end */
};

/* --- open and close --- */

static void fill_in_defaults(struct async_web_opts *o)
{
    o->limit = o->limit > 0 ? o->limit : 10000;
    o->limit_per_address = o->limit_per_address > 0 ? o->limit_per_address : 0;
    o->backlog = o->backlog > 0 ? o->backlog : 1024;
    o->body_limit = o->body_limit ? o->body_limit : 1 << 20;
    if (o->body_limit > SIZE_MAX / 8)
        o->body_limit = SIZE_MAX / 8; /* so that sums with it cannot overflow */
    o->header_limit = o->header_limit > 4096 ? o->header_limit : o->header_limit ? 4096 : 16384;
    o->idle_timeout = o->idle_timeout > 0 ? o->idle_timeout : 60;
    o->request_timeout = o->request_timeout > 0 ? o->request_timeout : 30;
    o->grace = o->grace == 0 ? 5 : o->grace;
}

/* A program that was compiled with an older header has fewer options than this library. */
static void copy_options(struct async_web_opts *to, const struct async_web_opts *given)
{
    size_t size = given->struct_size < sizeof *to ? given->struct_size : sizeof *to;
    memset(to, 0, sizeof *to);
    memcpy(to, given, size);
}

static void free_server(async_web_server *s)
{
    web_dispatch_close(&s->dispatch);
    free(s);
}

/* Make a server that listens. Its handlers begin when it is served. */
static int open_server(const async_web_route *routes, const struct async_web_opts *given,
                       async_web_server **ret)
{
    struct async_web_opts opts;
    if (!async_get_running_loop())
        return -EPERM;
    if (given->struct_size == 0)
        return async_fail(-EINVAL, "server options have no struct_size: use the macros");
    copy_options(&opts, given);
    fill_in_defaults(&opts);
    async_web_server *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->grace = opts.grace;
    int r = web_dispatch_open(&s->dispatch, routes, &opts);
    if (r < 0) {
        free_server(s);
        return r;
    }
    s->port = s->dispatch.acceptor.sockets.port;
    if (opts.ret_port)
        *opts.ret_port = s->port;
    if (opts.serving)
        async_event_set(opts.serving);
    *ret = s;
    return 0;
}

/* --- serve --- */

/* A handler that could not even be started, for lack of memory, fails its group. Then another
 * group is opened. */
ASYNC_DEF(web_handlers, (async_web_server *)s)
{
    int r, shield;
    struct web_dispatch *d = &s->dispatch;
    ASYNC_TRY(await_event_wait(&s->watched));
    await_shield (shield) {
        while (!async_event_is_set(&s->close_handlers)) {
            await_group (r, g) {
                web_dispatch_open_group(d, g);
                r = await_event_wait(&s->close_handlers);
                d->handlers.group = NULL;
            }
            async_ignore(r);
            web_handlers_refuse_queued(&d->handlers);
        }
    }
    return 0;
}

/* Wait until a request has been completed, or, if there is none, a handler has ended. */
static int await_fewer(struct web_dispatch *d)
{
    async_event *fewer = d->requests.active > 0 ? &d->requests.fewer : &d->handlers.fewer;
    async_event_clear(fewer);
    return await_event_wait(fewer);
}

/* Stop accepting, wait for the grace period if there is one, cancel the handlers that still run,
 * wait for them, and let MHD send the last responses. */
static int await_stop(async_web_server *s)
{
    int r;
    struct web_dispatch *d = &s->dispatch;
    web_dispatch_stop_accepting(d);
    await_timeout (r, s->grace) {
        while (r == 0 && (d->requests.active > 0 || d->handlers.running > 0) && !s->no_more_grace)
            r = await_fewer(d);
    }
    web_handlers_cancel(&d->handlers);
    for (r = 0; r == 0 && d->handlers.running > 0;) {
        async_event_clear(&d->handlers.fewer);
        r = await_event_wait(&d->handlers.fewer);
    }
    web_driver_run(&d->driver);
    return r;
}

ASYNC_DEF(web_watchman, (async_web_server *)s)
{
    int shield;
    async_event_set(&s->watched);
    int r = await_event_wait(&s->stop);
    await_shield (shield)
        shield = await_stop(s);
    async_event_set(&s->close_handlers);
    return r;
}

ASYNC_DEF(web_server, (async_web_server *)s)
{
    int r = await_gather(NULL, web_watchman(s), web_handlers(s));
    web_dispatch_close(&s->dispatch);
    if (s->abandoned)
        free(s);
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
    s->task = async_group_create_task(async_background(), web_server(s));
    if (!s->task) {
        free_server(s);
        return -ENOMEM;
    }
    s->dispatch.opener = s->task;
    *ret = s;
    return 0;
}

/* --- stop --- */

static void end_grace(async_web_server *s)
{
    s->no_more_grace = true;
    async_event_set(&s->dispatch.requests.fewer);
    async_event_set(&s->dispatch.handlers.fewer);
}

/* Wait until the server's task has ended. A task that is cancelled waits nevertheless, without more
 * grace. The exception is one that works for a handler: a server that stops waits for that handler,
 * so to wait for a server from there could be a deadlock. Returns 0, or -ECANCELED. */
static int await_server_end(async_web_server *s)
{
    int shield;
    async_ignore(await_task(s->task));
    if (async_task_done(s->task))
        return 0;
    end_grace(s);
    if (!web_stop_has_cancelled_current())
        await_shield (shield)
            shield = await_task(s->task);
    return -ECANCELED;
}

static int await_stopped(async_web_server *s, double grace)
{
    if (web_handlers_include_current(&s->dispatch.handlers))
        return async_fail(-EDEADLK, "a handler cannot wait for the end of its own server");
    s->grace = grace;
    async_event_set(&s->stop);
    s->stopping++;
    int r = await_server_end(s);
    bool last = --s->stopping == 0;
    s->abandoned = last;
    if (last && async_task_done(s->task)) {
        await_task_drop(&s->task);
        free_server(s);
    }
    return r;
}

int await_web_server_stop(async_web_server **server, double grace)
{
    async_web_server *s = *server;
    if (!s || !async_current_task()) /* outside of a task await_sleep() returns -EPERM */
        return await_sleep(0);
    int r = await_stopped(s, grace);
    if (r != -EDEADLK && *server == s) /* another task may have stopped it at the same time */
        *server = NULL;
    return r;
}

void await_web_server_drop(async_web_server **s)
{
    int shield;
    if (!*s)
        return;
    await_shield (shield)
        shield = await_web_server_stop(s, 0);
    *s = NULL;
}

int async_web_server_port(const async_web_server *s)
{
    return s->port;
}

struct async_web_stats async_web_server_stats(const async_web_server *s)
{
    const struct web_dispatch *d = &s->dispatch;
    return (struct async_web_stats){ .requests = d->requests.total,
                                     .connections = d->connections.open,
                                     .running = d->handlers.running,
                                     .most = d->handlers.most };
}
