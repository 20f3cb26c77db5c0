/* SPDX-License-Identifier: MIT */
/* serve.c - await_serve(): listen, serve until cancelled, close everything. */
#include "base/alloc.h"
#include "net/resolve.h"
#include "net/server.h"
#include "task/group.h"

static int serve(struct server *v, async_task *t)
{
    int r = 0;
    await_group (r, g) {
        /* A handler that fails is reported at once, and cancels nothing. */
        g->policy = GROUP_BACKGROUND;
        v->group = g;
        r = async__server_accept_all(v, t);
        async__listeners_close(t->loop, &v->on);
    }
    async__server_drop_pending(v);
    async__server_end_reports(v);
    return r;
}

static void set_name(struct server *v, const struct addresses *on)
{
    struct address a = on->at[0];
    async__address_set_port(&a, v->on.port);
    async__address_text(&a, v->name);
}

static int listen_on(struct server *v, async_task *t, const char *host, const char *port,
                     const struct async_net_opts *opts, struct addresses **on)
{
    int r = async__resolve(t, host, port, true, on);
    if (r < 0)
        return r;
    r = async__listen(t->loop, &v->on, *on, opts->backlog);
    if (r < 0)
        async__free(*on);
    else
        set_name(v, *on);
    return r;
}

int await_serve_opt(const char *host, const char *port, async_co (*handler)(async_stream *s),
                    const struct async_net_opts *opts)
{
    static const struct async_net_opts defaults;
    struct addresses *on;
    async_task *t;
    int r = await_begin(&t, "await_serve");
    if (r < 0)
        return r;
    if (!opts)
        opts = &defaults;
    struct server v = { .handler = handler,
                        .arg = opts->arg,
                        .site = opts->site,
                        .layer = opts->layer,
                        .limit = opts->limit };
    v.last = &v.first;
    r = listen_on(&v, t, host, port, opts, &on);
    if (r < 0)
        return r;
    if (opts->ret_port)
        *opts->ret_port = v.on.port;
    if (opts->serving)
        async_event_set(opts->serving);
    r = serve(&v, t);
    async__free(on);
    return r;
}
