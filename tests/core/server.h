/* SPDX-License-Identifier: MIT */
/* server.h - what the tests of servers share: a server in a task, and a client that asks it. */
#ifndef TESTS_SERVER_H
#define TESTS_SERVER_H

#include "net.h"

struct server {
    async_co (*handler)(async_stream *s);
    const char *host;
    struct async_net_opts opts;
    int port;
    async_event serving;
};

ASYNC_DEF(server, (struct server *)v)
{
    v->opts.ret_port = &v->port;
    v->opts.serving = &v->serving;
    v->opts.site = ASYNC_HERE;
    return await_serve_opt(v->host ? v->host : "127.0.0.1", "0", v->handler, &v->opts);
}

/* Start a server in a task: await_task_auto t = NULL; expect_ok(await_started(&v, &t)); */
ASYNC_CHECK static inline int await_started(struct server *v, async_task **ret)
{
    *ret = async_create_task(server(v), .name = "server");
    return await_event_wait(&v->serving);
}

ASYNC_DEF(echo, (async_stream *)s)
{
    char buf[1024];
    ssize_t n;
    while ((n = ASYNC_TRY(await_stream_read(s, buf, sizeof buf))) > 0)
        ASYNC_TRY(await_stream_write(s, buf, (size_t)n));
    return 0;
}

/* Send a line to an echo server, and expect it back. */
ASYNC_DEF(asks, (const char *)host, (int)port, (const char *)text)
{
    char buf[256];
    async_stream_auto s = NULL;
    ASYNC_TRY(await_open_connection(host, text_of(port), &s));
    ASYNC_TRY(await_stream_printf(s, "%s\n", text));
    ASYNC_TRY(await_stream_readline(s, buf, sizeof buf));
    return strncmp(buf, text, strlen(text)) == 0 ? 0 : -EBADMSG;
}

#endif
