/* SPDX-License-Identifier: MIT */
/* serve.c - a server: one task that accepts, one for each connection, all in one group. */
#include "net/resolve.h"

#include <asyncio/group.h>

#include "base/alloc.h"
#include "io/stream_fd.h"
#include "net/listen.h"
#include "task/group.h"
#include "task/task.h"

enum { BATCH = 16 }; /* connections accepted before their handlers have a turn */

#define PAUSE     0.1 /* seconds: without descriptors or memory, how long until the next attempt */
#define SAY_EVERY INT64_C(60000000000) /* ns */

struct server {
    struct listeners on;
    async_co (*handler)(async_stream *s);
    async_group *group;
    async_stream *first, **last; /* accepted, their tasks have not begun */
    size_t pending, connections;
    size_t limit;     /* 0: none */
    async_waitq room; /* the server itself, while it must wait for a connection to end */
    int64_t said;     /* when it last said that it lacks something */
};

static async_stream *pop(struct server *v)
{
    async_stream *s = v->first;
    v->first = s->next;
    if (!v->first)
        v->last = &v->first;
    v->pending--;
    return s;
}

static void end(struct server *v, async_stream *s)
{
    async_stream_drop(&s);
    v->connections--;
    async__wake_all(&v->room, 0);
}

/* Whichever connection is next in line: a task that is cancelled before it begins never takes one. */
static int await_connection(struct server *v)
{
    async_stream *s = pop(v);
    async_co co = v->handler(s);
    if (co.name)
        async__loop->sched.current->name = co.name; /* a constant; the task has no copy of its old name to free */
    else
        async_ignore(async__task_rename(async__loop->sched.current, async__co_name(&co) ? async__co_name(&co) : "handler"));
    int r = co.run(co.frame);
    if (s->lost && (r == -ECONNRESET || r == -EPIPE)) /* what peers do is no defect of ours */
        r = 0;
    end(v, s);
    return r;
}

ASYNC__MAKE(connection, "connection", await_connection, (struct server *)v)

/* Connections whose tasks could not begin: no memory for a stack. */
static void drop_orphans(struct server *v)
{
    size_t begun = v->connections - v->pending;
    while (v->pending > 0 && v->group->running < begun + v->pending)
        end(v, pop(v));
}

/* Take fd over. 0; -ENOMEM: it is closed. */
static int admit(struct server *v, struct loop *l, int fd)
{
    async_stream *s;
    int r = async__poller_add_owned(&l->poller, fd);
    if (r < 0) {
        async__sys.close(fd);
        return r;
    }
    r = async__stream_of_fd(v->on.is_unix ? &async__socket_ops : &async__tcp_ops, fd, &s);
    if (r < 0) {
        async__owned_fd_close(l, fd);
        return r;
    }
    *v->last = s;
    v->last = &s->next;
    v->pending++;
    v->connections++;
    r = async_spawn(v->group, connection(v));
    if (r == -ENOMEM)
        v->group->err = 0; /* the connection is lost, the server is not */
    return r;
}

/* Errors of a connection that has died in the queue, says accept(2), not of ours. */
static bool is_the_peers(int err)
{
    switch (err) {
    case ECONNABORTED:
    case EINTR:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case EPERM:
        return true;
    default:
        return false;
    }
}

/* 0: one was admitted, or there may be more. -EAGAIN: none waits. Else what is lacking, or wrong. */
static int accept_one(struct server *v, struct loop *l, int fd)
{
    if (!(*owned_fd_ready(l, fd) & FD_READABLE))
        return -EAGAIN;
    int c = async__sys.accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (c >= 0)
        return admit(v, l, c);
    if (is_the_peers(errno))
        return 0;
    if (errno == EAGAIN)
        *owned_fd_ready(l, fd) &= (uint8_t)~FD_READABLE;
    return -errno;
}

static bool is_lack(int r)
{
    return r == -EMFILE || r == -ENFILE || r == -ENOBUFS || r == -ENOMEM;
}

static void go_on(void *arg)
{
    async__wake_all(arg, 0);
}

/* Until a connection ends, or a moment has passed. */
static int pause_accepting(struct server *v, async_task *t, int lack)
{
    int64_t now = loop_now(t->loop);
    async_callback timer;
    if (!v->said || now - v->said > SAY_EVERY)
        async__warn("no more connections at the moment: %s", strerror(-lack));
    v->said = now ? now : 1;
    async_call_later(&timer, PAUSE, go_on, &v->room);
    int r = checkpoint(t);
    if (r == 0)
        r = wait_for_event(t, &v->room);
    async_callback_cancel(&timer);
    return r;
}

static bool is_full(struct server *v)
{
    drop_orphans(v);
    return v->limit && v->connections >= v->limit;
}

static int wait_for_room(struct server *v, async_task *t)
{
    int r = 0;
    while (r == 0 && is_full(v)) {
        r = checkpoint(t);
        if (r == 0)
            r = wait_for_event(t, &v->room);
    }
    return r;
}

/* A connection from each that has one; 0: from some, -EAGAIN: from none. */
static int accept_round(struct server *v, async_task *t)
{
    int found = -EAGAIN;
    for (int i = 0; i < v->on.count; i++) {
        int r = wait_for_room(v, t);
        if (r == 0)
            r = accept_one(v, t->loop, v->on.fds[i]);
        if (is_lack(r))
            r = pause_accepting(v, t, r);
        if (r < 0 && r != -EAGAIN)
            return r;
        if (r == 0)
            found = 0;
    }
    return found;
}

/* Let all handlers begin before we wait: a task that could not, for lack of a stack, leaves us its connection, and we
 * would sleep on it. */
static int let_begin(struct server *v, async_task *t)
{
    int r = 0;
    while (r == 0 && v->pending > 0) {
        async__yield(t->loop, t);
        r = checkpoint(t);
        drop_orphans(v);
    }
    return r;
}

static int accept_all(struct server *v, async_task *t)
{
    int batch = 0;
    for (;;) {
        int r = accept_round(v, t);
        if (r == 0 && ++batch == BATCH) {
            async__yield(t->loop, t);
            r = checkpoint(t);
            batch = 0;
        }
        if (r == -EAGAIN)
            r = v->pending > 0 ? let_begin(v, t) : -EAGAIN;
        if (r == -EAGAIN) {
            r = async__owned_fd_wait_any(t, v->on.fds, v->on.count, FD_READABLE);
            batch = 0;
        }
        if (r < 0)
            return r;
    }
}

static int serve(struct server *v, async_task *t)
{
    int r = 0;
    await_group (r, g) {
        g->policy = GROUP_BACKGROUND; /* failures are reported when they happen, and cancel nothing */
        v->group = g;
        r = accept_all(v, t);
        async__listeners_close(t->loop, &v->on);
    }
    while (v->pending > 0)
        end(v, pop(v));
    return r;
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
    if (opts->tls)
        return async_fail_at(-ENOTSUP, NULL, "TLS is not there yet");
    struct server v = { .handler = handler, .limit = opts->limit };
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
