/* SPDX-License-Identifier: MIT */
/* listen.c - the listening socket. Made here and not by MHD, so that errors keep their numbers. */
#include "internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* A numeric address, so that nothing has to wait for a resolver. Its length, or 0. */
static socklen_t parse(const char *host, int port, union address *a)
{
    if (!host || strcmp(host, "localhost") == 0)
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

static int bind_and_listen(int fd, const union address *a, socklen_t len, int backlog)
{
    int on = 1, off = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    if (a->any.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0)
        return -errno;
    return bind(fd, &a->any, len) < 0 || listen(fd, backlog) < 0 ? -errno : 0;
}

static int port_of(int fd)
{
    union address a;
    socklen_t len = sizeof a;
    if (getsockname(fd, &a.any, &len) < 0)
        return -errno;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

int web_listen(const struct async_web_opts *opts, int *ret_fd, int *ret_port)
{
    union address a;
    const char *host = opts->host ? opts->host : "127.0.0.1";
    if (opts->port < 0 || opts->port > 65535)
        return async_fail(-EINVAL, "port %d", opts->port);
    socklen_t len = parse(opts->host, opts->port, &a);
    if (!len)
        return async_fail(-EINVAL, "%s: a numeric address is needed", host);
    int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int r = bind_and_listen(fd, &a, len, opts->backlog);
    if (r < 0) {
        close(fd);
        return async_fail(r, "cannot listen on %s port %d", host, opts->port);
    }
    r = port_of(fd);
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret_fd = fd;
    *ret_port = r;
    return 0;
}
