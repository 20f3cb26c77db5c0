/* SPDX-License-Identifier: MIT */
/* listen.c - MHD could open the socket itself, but then the error would have no errno. */
#include "listen.h"

#include <asyncio/error.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
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
 * IPV6_V6ONLY off: "::" accepts IPv4 clients as well, whatever the system's default. */
static int bind_server_socket(int fd, const union address *a, socklen_t size, int backlog)
{
    int on = 1, off = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    if (a->any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0)
        return -errno;
    return bind(fd, &a->any, size) < 0 || listen(fd, backlog) < 0 ? -errno : 0;
}

static int bound_port(int fd)
{
    union address a;
    socklen_t size = sizeof a;
    if (getsockname(fd, &a.any, &size) < 0)
        return -errno;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

int web_listen(const char *host, int port, int backlog, int *ret_fd, int *ret_port)
{
    union address a;
    host = host ? host : "127.0.0.1";
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
    r = bound_port(fd);
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret_fd = fd;
    *ret_port = r;
    return 0;
}
