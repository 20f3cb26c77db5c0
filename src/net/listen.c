/* SPDX-License-Identifier: MIT */
#include "net/listen.h"

#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/owned_fd.h"

enum { BACKLOG = 128, TRIES = 16 };

static void set(int fd, int level, int name)
{
    int one = 1;
    async__sys.setsockopt(fd, level, name, &one, sizeof one);
}

/* What is accepted inherits TCP_NODELAY: a system call less for each. */
static void set_options(int fd, int family)
{
    if (family == AF_UNIX)
        return;
    set(fd, SOL_SOCKET, SO_REUSEADDR);
    set(fd, IPPROTO_TCP, TCP_NODELAY);
    if (family == AF_INET6)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
}

static int bind_and_listen(int fd, const struct address *a, int backlog)
{
    set_options(fd, a->any.sa_family);
    if (async__sys.bind(fd, &a->any, a->len) < 0 ||
        async__sys.listen(fd, backlog > 0 ? backlog : BACKLOG) < 0)
        return -errno;
    return 0;
}

static int add(struct loop *l, struct listeners *s, const struct address *a, int backlog)
{
    int fd = async__sys.socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int r = bind_and_listen(fd, a, backlog);
    if (r == 0)
        r = async__poller_add_owned(&l->poller, fd);
    if (r < 0) {
        async__sys.close(fd);
        return r;
    }
    s->fds[s->count++] = fd;
    return 0;
}

static int port_of(int fd)
{
    struct address a = { .len = sizeof a - offsetof(struct address, any) };
    return async__sys.getsockname(fd, &a.any, &a.len) < 0 ? 0 : async__address_port(&a);
}

/* A machine need not have all the families that it knows the addresses of. */
static bool may_lack(int r)
{
    return r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL;
}

static int listen_on_all(struct loop *l, struct listeners *s, const struct addresses *on, int backlog)
{
    int lacking = 0;
    char text[ADDRESS_TEXT] = "";
    for (int i = 0; i < on->count; i++) {
        struct address a = on->at[i];
        if (s->port) /* the kernel chose one for the first */
            async__address_set_port(&a, s->port);
        int r = add(l, s, &a, backlog);
        if (r < 0)
            async__address_text(&a, text);
        if (r < 0 && !may_lack(r))
            return async_fail_at(r, NULL, "cannot listen on %s", text);
        if (r < 0)
            lacking = r;
        else if (!s->port)
            s->port = port_of(s->fds[0]);
    }
    return s->count ? 0 : async_fail_at(lacking, NULL, "cannot listen on %s", text);
}

/* Remember whose the path is: when we close, it may be our successor's. */
static void note_path(struct listeners *s, const struct addresses *on)
{
    struct stat st;
    s->is_unix = on->at[0].any.sa_family == AF_UNIX;
    if (!s->is_unix || stat(on->at[0].un.sun_path, &st) < 0)
        return;
    s->path = on->at[0].un.sun_path;
    s->dev = st.st_dev;
    s->ino = st.st_ino;
}

int async__listen(struct loop *l, struct listeners *s, const struct addresses *on, int backlog)
{
    bool any_port = async__address_port(&on->at[0]) == 0;
    int r = 0;
    for (int i = 0; i < TRIES; i++) {
        *s = (struct listeners){ 0 };
        r = listen_on_all(l, s, on, backlog);
        if (r == 0)
            note_path(s, on);
        if (r == 0 || r != -EADDRINUSE || !any_port || s->count == 0)
            break;
        async__listeners_close(l, s); /* free for one family is not free for the other: ask for another port */
    }
    if (r < 0)
        async__listeners_close(l, s);
    return r;
}

void async__listeners_close(struct loop *l, struct listeners *s)
{
    struct stat st;
    if (s->path && stat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
        unlink(s->path);
    s->path = NULL;
    while (s->count > 0)
        async__owned_fd_close(l, s->fds[--s->count]);
}
