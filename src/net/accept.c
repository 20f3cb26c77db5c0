/* SPDX-License-Identifier: MIT */
/* accept.c - how a server accepts connections, and what it does when it cannot. */
#include "io/stream_fd.h"
#include "net/server.h"

enum { BATCH = 16 }; /* connections accepted before their handlers run */

/* Without descriptors or memory for another connection. */
#define PAUSE      0.1                  /* seconds until the next attempt */
#define WARN_EVERY INT64_C(60000000000) /* ns between two warnings */

/* Make fd, which was just accepted, a connection of the server. Returns 0; or -ENOMEM, and then it
 * is closed. */
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
    return async__server_add(v, s);
}

/* Errors of a connection that has died in the queue of the kernel, according to accept(2). They do
 * not concern the server. */
static bool is_error_of_peer(int err)
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

/* Returns 0 if a connection was admitted or there may be more, -EAGAIN if none waits, or another
 * negative errno. */
static int accept_one(struct server *v, struct loop *l, int fd)
{
    if (!(*owned_fd_ready(l, fd) & FD_READABLE))
        return -EAGAIN;
    int c = async__sys.accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (c >= 0)
        return admit(v, l, c);
    if (is_error_of_peer(errno))
        return 0;
    if (errno == EAGAIN)
        *owned_fd_ready(l, fd) &= (uint8_t)~FD_READABLE;
    return -errno;
}

/* --- waiting --- */

static bool is_shortage(int r)
{
    return r == -EMFILE || r == -ENFILE || r == -ENOBUFS || r == -ENOMEM;
}

static void end_pause(void *arg)
{
    async__wake_all(arg, 0);
}

static int wait_for_room(struct server *v, async_task *t)
{
    int r = checkpoint(t);
    return r == 0 ? wait_for_event(t, &v->room) : r;
}

/* Wait until a connection ends, or a moment has passed: what is missing may be free again. */
static int pause_accepting(struct server *v, async_task *t, int shortage)
{
    int64_t now = loop_now(t->loop);
    async_callback timer;
    if (!v->warned || now - v->warned > WARN_EVERY) {
        async__warn("server on %s cannot accept connections at the moment: %s", v->name,
                    strerror(-shortage));
        v->warned = now ? now : 1;
    }
    async_call_later(&timer, PAUSE, end_pause, &v->room);
    int r = wait_for_room(v, t);
    async_callback_cancel(&timer);
    return r;
}

static bool is_full(struct server *v)
{
    async__server_drop_taskless(v);
    return v->limit && v->connections >= v->limit;
}

static int wait_while_full(struct server *v, async_task *t)
{
    int r = 0;
    while (r == 0 && is_full(v))
        r = wait_for_room(v, t);
    return r;
}

/* Accept a connection from each listener that has one. Returns 0 if one had, -EAGAIN if none had,
 * or another negative errno. */
static int accept_round(struct server *v, async_task *t)
{
    int found = -EAGAIN;
    for (int i = 0; i < v->on.count; i++) {
        int r = wait_while_full(v, t);
        if (r == 0)
            r = accept_one(v, t->loop, v->on.fds[i]);
        if (is_shortage(r))
            r = pause_accepting(v, t, r);
        if (r < 0 && r != -EAGAIN)
            return r;
        if (r == 0)
            found = 0;
    }
    return found;
}

static int let_handlers_run(async_task *t)
{
    async__yield(t->loop, t);
    return checkpoint(t);
}

/* Let all handlers start before the server waits. A task that could not start, because there was no
 * memory for a stack, leaves its connection in the queue, and nothing would wake the server for
 * it. */
static int let_handlers_start(struct server *v, async_task *t)
{
    int r = 0;
    while (r == 0 && v->pending > 0) {
        r = let_handlers_run(t);
        async__server_drop_taskless(v);
    }
    return r;
}

static int wait_for_connections(struct server *v, async_task *t)
{
    if (v->pending > 0)
        return let_handlers_start(v, t);
    return async__owned_fd_wait_any(t, v->on.fds, v->on.count, FD_READABLE);
}

int async__server_accept_all(struct server *v, async_task *t)
{
    int batch = 0, r = 0;
    while (r == 0) {
        r = accept_round(v, t);
        if (r == -EAGAIN) {
            r = wait_for_connections(v, t);
            batch = 0;
        } else if (r == 0 && ++batch == BATCH) {
            r = let_handlers_run(t);
            batch = 0;
        }
    }
    return r;
}
