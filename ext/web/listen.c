/* SPDX-License-Identifier: MIT */
/* listen.c - MHD could open the socket itself, but then the error would have no errno. */
#include "listen.h"

#include <asyncio/error.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Parse a numeric address; a name would have to wait for a resolver. Returns its length, or 0. */
static socklen_t parse_address(const char *host, int port, union address *a)
{
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    memset(a, 0, sizeof *a);
    if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons((uint16_t)port);
        return sizeof a->v4;
    }
    if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1) {
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = htons((uint16_t)port);
        return sizeof a->v6;
    }
    return 0;
}

/* SO_REUSEADDR: a server can be started again while connections of the last one are in TIME_WAIT.
 * TCP_NODELAY: connections inherit it. IPV6_V6ONLY off: "::" accepts IPv4 clients as well, whatever
 * the system's default. */
static int bind_server_socket(int fd, const union address *a, socklen_t size, int backlog)
{
    int on = 1, off = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (a->any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0)
        return -errno;
    return bind(fd, &a->any, size) < 0 || listen(fd, backlog) < 0 ? -errno : 0;
}

/* Return the port of a socket, or 0 if it has none. */
static int bound_port(int fd)
{
    union address a = { .any.sa_family = AF_UNSPEC };
    socklen_t size = sizeof a;
    if (getsockname(fd, &a.any, &size) < 0)
        return 0;
    return a.any.sa_family == AF_INET6  ? ntohs(a.v6.sin6_port)
           : a.any.sa_family == AF_INET ? ntohs(a.v4.sin_port)
                                        : 0;
}

/* Returns a descriptor, or a negative errno and a message. */
static int listen_on_port(const char *host, int port, int backlog)
{
    union address a;
    if (port < 0 || port > 65535)
        return async_fail(-EINVAL, "port %d is out of range", port);
    socklen_t size = parse_address(host, port, &a);
    if (!size)
        return async_fail(-EINVAL, "cannot listen on %s: not a numeric address", host);
    int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int r = bind_server_socket(fd, &a, size, backlog);
    if (r < 0) {
        close(fd);
        return async_fail(r, "cannot listen on %s port %d", host, port);
    }
    return fd;
}

/* The path of a Unix socket is marked as for await_serve(), by "unix:" or a '/'. */
static const char *unix_path_of(const char *host)
{
    if (strncmp(host, "unix:", 5) == 0)
        return host + 5;
    return strchr(host, '/') ? host : NULL;
}

static int listen_on_host(const struct async_web_opts *opts, struct web_sockets *ret)
{
    const char *host = opts->host ? opts->host : "127.0.0.1", *path = unix_path_of(host);
    int fd = path ? web_listen_unix(path, opts->backlog, ret)
                  : listen_on_port(host, opts->port, opts->backlog);
    if (fd < 0)
        return fd;
    ret->fds[ret->count++] = fd;
    return 0;
}

int web_listen(const struct async_web_opts *opts, struct web_sockets *ret)
{
    *ret = (struct web_sockets){ .count = 0 };
    int r = opts->activation ? web_listen_activated(ret) : 0;
    if (r == 0)
        r = listen_on_host(opts, ret);
    if (r < 0)
        return r;
    ret->port = bound_port(ret->fds[0]);
    return 0;
}

void web_unlisten(struct web_sockets *s)
{
    struct stat st;
    if (s->path[0] && lstat(s->path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode)
        unlink(s->path);
    s->path[0] = '\0';
    while (s->count > 0)
        close(s->fds[--s->count]);
}
