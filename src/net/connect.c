/* SPDX-License-Identifier: MIT */
/* connect.c - happy eyeballs: one task, several attempts. What it waits for is any of them, or the moment when the next
 * one may begin. */
#include "net/resolve.h"

#include <netinet/tcp.h>
#include <stdio.h>

#include "base/alloc.h"
#include "io/stream_fd.h"

#define STAGGER 0.25

struct race {
    async_task *task;
    const struct addresses *to;
    int next;  /* the address to try next */
    int count; /* attempts under way: */
    int fds[ADDRESSES_MAX], who[ADDRESSES_MAX];
    bool due; /* the next one may begin */
    int err;  /* of those that failed, the one that says most */
    char text[MESSAGE_SIZE];
};

/* That there is no way from here says less than what somebody has answered. */
static bool says_little(int err)
{
    return err == -ENETUNREACH || err == -EHOSTUNREACH || err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT;
}

static void failed(struct race *c, int who, int err)
{
    char name[ADDRESS_TEXT];
    size_t used = strlen(c->text);
    async__address_text(&c->to->at[who], name);
    snprintf(c->text + used, sizeof c->text - used, "%s%s: %s", used ? "; " : "", name, strerror(-err));
    if (c->err == 0 || !says_little(err) || says_little(c->err))
        c->err = err;
    c->due = true;
}

static void withdraw(struct race *c, int i)
{
    c->count--;
    c->fds[i] = c->fds[c->count];
    c->who[i] = c->who[c->count];
}

/* A port of ours may be the very one that we look for, when nobody listens there: then TCP connects us to ourselves. */
static bool is_ourselves(int fd, const struct address *to)
{
    struct address a = { .len = sizeof a - offsetof(struct address, any) };
    if (to->any.sa_family == AF_UNIX || async__sys.getsockname(fd, &a.any, &a.len) < 0)
        return false;
    if (a.any.sa_family == AF_INET)
        return a.in.sin_port == to->in.sin_port && a.in.sin_addr.s_addr == to->in.sin_addr.s_addr;
    return a.in6.sin6_port == to->in6.sin6_port &&
           memcmp(&a.in6.sin6_addr, &to->in6.sin6_addr, sizeof a.in6.sin6_addr) == 0;
}

/* err: how the attempt has ended, 0: well. true: it has won. */
static bool ended(struct race *c, int fd, int who, int err)
{
    if (err == 0 && is_ourselves(fd, &c->to->at[who]))
        err = -ECONNREFUSED;
    if (err == 0)
        return true;
    async__owned_fd_close(c->task->loop, fd);
    failed(c, who, err);
    return false;
}

/* Begin with the next address: the descriptor if it is connected at once, else -EAGAIN. */
static int begin(struct race *c)
{
    struct loop *l = c->task->loop;
    int who = c->next++;
    const struct address *to = &c->to->at[who];
    c->due = false;
    int fd = async__sys.socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int err = fd < 0 ? -errno : async__poller_add_owned(&l->poller, fd);
    if (err < 0) {
        if (fd >= 0)
            async__sys.close(fd);
        failed(c, who, err);
        return -EAGAIN;
    }
    err = async__sys.connect(fd, &to->any, to->len) < 0 ? -errno : 0;
    if (err == -EINPROGRESS || err == -EINTR) {
        *owned_fd_ready(l, fd) = 0;
        c->fds[c->count] = fd;
        c->who[c->count++] = who;
        return -EAGAIN;
    }
    return ended(c, fd, who, err) ? fd : -EAGAIN;
}

/* Something has happened to some: the winner, or -EAGAIN. */
static int look(struct race *c)
{
    for (int i = 0; i < c->count;) {
        int fd = c->fds[i], who = c->who[i], err = 0;
        if (!(*owned_fd_ready(c->task->loop, fd) & FD_WRITABLE)) {
            i++;
            continue;
        }
        socklen_t size = sizeof err;
        if (async__sys.getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
            err = errno;
        withdraw(c, i);
        if (ended(c, fd, who, -err))
            return fd;
    }
    return -EAGAIN;
}

static void stagger_over(void *arg)
{
    struct race *c = arg;
    c->due = true;
    if (c->task->node.state == TASK_PARKED) {
        c->task->value = 0;
        async__wake(c->task, WOKEN);
    }
}

static int wait(struct race *c)
{
    async_callback stagger;
    bool more = c->next < c->to->count;
    if (more)
        async_call_later(&stagger, STAGGER, stagger_over, c);
    int r = async__owned_fd_wait_any(c->task, c->fds, c->count, FD_WRITABLE);
    if (more)
        async_callback_cancel(&stagger);
    return r;
}

/* The first to connect, or an error. */
static int run(struct race *c)
{
    for (;;) {
        int fd = -EAGAIN;
        while (fd < 0 && c->due && c->next < c->to->count)
            fd = begin(c);
        if (fd >= 0)
            return fd;
        if (c->count == 0)
            return async_fail_at(c->err, NULL, "%s", c->text);
        int r = wait(c);
        if (r < 0)
            return r;
        fd = look(c);
        if (fd >= 0)
            return fd;
    }
}

static int connect_any(async_task *t, const struct addresses *to, async_stream **ret)
{
    struct race c = { .task = t, .to = to, .due = true };
    int one = 1, fd = run(&c);
    for (int i = 0; i < c.count; i++)
        async__owned_fd_close(t->loop, c.fds[i]);
    if (fd < 0)
        return fd;
    bool is_unix = to->at[0].any.sa_family == AF_UNIX;
    if (!is_unix)
        async__sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *owned_fd_ready(t->loop, fd) = FD_READABLE | FD_WRITABLE;
    int r = async__stream_of_fd(is_unix ? &async__socket_ops : &async__tcp_ops, fd, ret);
    if (r < 0)
        async__owned_fd_close(t->loop, fd);
    return r;
}

int await_open_connection_opt(const char *host, const char *port, async_stream **ret,
                              const struct async_net_opts *opts)
{
    async_task *t;
    struct addresses *to;
    int r = await_begin(&t, "await_open_connection");
    if (r < 0)
        return r;
    if (opts && opts->tls)
        return async_fail_at(-ENOTSUP, NULL, "TLS is not there yet");
    r = async__resolve(t, host, port, false, &to);
    if (r < 0)
        return r;
    r = connect_any(t, to, ret);
    async__free(to);
    return r;
}
