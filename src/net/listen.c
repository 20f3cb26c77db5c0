/* SPDX-License-Identifier: MIT */
/* listen.c - open the sockets on which a server listens, and close them. */
#include "net/listen.h"

#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/owned_fd.h"

enum { DEFAULT_BACKLOG = 128, PORT_TRIES = 16 };

/* --- the path of a Unix socket --- */

static bool is_same_file(const char *path, dev_t dev, ino_t ino)
{
    struct stat st;
    return lstat(path, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* Is the socket at `a` one on which no process listens? */
static bool refuses_connections(const struct address *a)
{
    int fd = async__sys.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refuses = async__sys.connect(fd, &a->any, a->len) < 0 && errno == ECONNREFUSED;
    async__sys.close(fd);
    return refuses;
}

/* A server that was killed leaves its socket behind, and could not be started again. Remove such a
 * socket, but never another kind of file. Returns whether it was removed. */
static bool remove_stale_socket(const struct address *a)
{
    struct stat st;
    const char *path = a->un.sun_path;
    return a->any.sa_family == AF_UNIX && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
           refuses_connections(a) && is_same_file(path, st.st_dev, st.st_ino) && unlink(path) == 0;
}

/* Remember the file that bind() has just made: when the server closes, the path may belong to its
 * successor. */
static void remember_path(struct listeners *s, const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return;
    s->path = path;
    s->dev = st.st_dev;
    s->ino = st.st_ino;
}

static bool owns_path(const struct listeners *s)
{
    return s->path && is_same_file(s->path, s->dev, s->ino);
}

static void remove_path(struct listeners *s)
{
    if (owns_path(s))
        unlink(s->path);
    s->path = NULL;
}

/* --- one socket --- */

static void set_option(int fd, int level, int name)
{
    int one = 1;
    async__sys.setsockopt(fd, level, name, &one, sizeof one);
}

/* Accepted sockets inherit TCP_NODELAY, which saves a system call for each. */
static void set_options(int fd, int family)
{
    if (family == AF_UNIX)
        return;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    if (family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
}

static int bind_address(int fd, const struct address *a)
{
    int r = async__sys.bind(fd, &a->any, a->len) < 0 ? -errno : 0;
    if (r == -EADDRINUSE && remove_stale_socket(a))
        r = async__sys.bind(fd, &a->any, a->len) < 0 ? -errno : 0;
    return r;
}

/* Until listen() a Unix socket looks like one that a killed server has left: another server that
 * starts at the same moment may have removed its path. Then the path is that server's, and no
 * client would reach this one. */
static int start_listening(struct loop *l, const struct listeners *s, int fd, int backlog)
{
    if (async__sys.listen(fd, backlog > 0 ? backlog : DEFAULT_BACKLOG) < 0)
        return -errno;
    if (s->is_unix && !owns_path(s))
        return -EADDRINUSE;
    return async__poller_add_owned(&l->poller, fd);
}

/* A Unix socket has only one address, which stays valid until the listeners are closed. */
static int add_listener(struct loop *l, struct listeners *s, const struct address *a, int backlog)
{
    int fd = async__sys.socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set_options(fd, a->any.sa_family);
    int r = bind_address(fd, a);
    if (r == 0 && s->is_unix)
        remember_path(s, a->un.sun_path);
    if (r == 0)
        r = start_listening(l, s, fd, backlog);
    if (r < 0)
        async__sys.close(fd);
    else
        s->fds[s->count++] = fd;
    return r;
}

/* --- all of them --- */

static int port_of_socket(int fd)
{
    struct address a = { .len = sizeof a - offsetof(struct address, any) };
    return async__sys.getsockname(fd, &a.any, &a.len) < 0 ? 0 : async__address_port(&a);
}

/* Names may have addresses of a family that the machine does not support. */
static bool is_missing_family(int r)
{
    return r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL;
}

static int cannot_listen(int r, const struct address *a)
{
    char text[ADDRESS_TEXT];
    async__address_text(a, text);
    return async_fail_at(r, NULL, "cannot listen on %s", text);
}

/* If the port is 0, the kernel chooses one for the first address, and the others take the same. */
static int listen_on_all(struct loop *l, struct listeners *s, const struct addresses *on,
                         int backlog)
{
    int missing = 0;
    struct address a;
    s->is_unix = on->at[0].any.sa_family == AF_UNIX;
    for (int i = 0; i < on->count; i++) {
        a = on->at[i];
        if (s->port)
            async__address_set_port(&a, s->port);
        int r = add_listener(l, s, s->is_unix ? &on->at[i] : &a, backlog);
        if (r < 0 && !is_missing_family(r))
            return cannot_listen(r, &a);
        if (r < 0)
            missing = r;
        else if (!s->port)
            s->port = port_of_socket(s->fds[0]);
    }
    return s->count ? 0 : cannot_listen(missing, &a);
}

int async__listen(struct loop *l, struct listeners *s, const struct addresses *on, int backlog)
{
    bool any_port = async__address_port(&on->at[0]) == 0;
    int r = 0;
    for (int i = 0; i < PORT_TRIES; i++) {
        *s = (struct listeners){ 0 };
        r = listen_on_all(l, s, on, backlog);
        if (r == 0 || r != -EADDRINUSE || !any_port || s->count == 0)
            break;
        /* The port is free in one family, and not in the other. Let the kernel choose another. */
        async__listeners_close(l, s);
    }
    if (r < 0)
        async__listeners_close(l, s);
    return r;
}

void async__listeners_close(struct loop *l, struct listeners *s)
{
    remove_path(s);
    while (s->count > 0)
        async__owned_fd_close(l, s->fds[--s->count]);
}
