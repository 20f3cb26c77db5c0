/* SPDX-License-Identifier: MIT */
/* socket_name.c - the addresses of the two sides of a connection, as text. */
#include <asyncio/stream.h>

#include <stdio.h>

#include "io/stream_fd.h"
#include "net/address.h"

static bool is_on_socket(const async_stream *s)
{
    return s->ops == &async__tcp_ops || s->ops == &async__socket_ops;
}

/* The path of a Unix socket: "" if it has none, "@name" for a name that is no path. */
static void unix_name(const struct address *a, char text[static ASYNC_ADDRESS_MAX])
{
    int length = (int)a->len - (int)offsetof(struct sockaddr_un, sun_path);
    bool is_abstract = length > 0 && !a->un.sun_path[0];
    snprintf(text, ASYNC_ADDRESS_MAX, "%s%.*s", is_abstract ? "@" : "",
             length > 0 ? length - is_abstract : 0, a->un.sun_path + is_abstract);
}

/* Write the address as text. The buffer is written only if all of it fits. */
static int write_name(const struct address *a, char *buf, size_t size)
{
    char text[ASYNC_ADDRESS_MAX];
    if (a->any.sa_family == AF_UNIX)
        unix_name(a, text);
    else
        async__address_text(a, text);
    size_t length = strlen(text);
    if (length >= size)
        return async_fail_at(-ENOBUFS, NULL, "an address of %zu bytes does not fit into %zu",
                             length, size);
    memcpy(buf, text, length + 1);
    return (int)length;
}

/* May a name of s be read? Returns 0, or why not. */
static int check_stream(const async_stream *s, const char *what)
{
    if (!s)
        return async_fail_at(-EINVAL, NULL, "%s() of NULL", what);
    if (s->closed)
        return async__stream_closed();
    if (!async__stream_is_at_home(s, what))
        return -EPERM;
    if (!is_on_socket(s))
        return async_fail_at(-ENOTSOCK, NULL, "%s() of a stream that is no socket", what);
    return 0;
}

int async_stream_peername(const async_stream *s, char *buf, size_t size)
{
    struct address a = { .len = sizeof a.un };
    int r = check_stream(s, "async_stream_peername");
    if (r < 0)
        return r;
    return async__sys.getpeername(s->fd, &a.any, &a.len) < 0 ? -errno : write_name(&a, buf, size);
}

int async_stream_sockname(const async_stream *s, char *buf, size_t size)
{
    struct address a = { .len = sizeof a.un };
    int r = check_stream(s, "async_stream_sockname");
    if (r < 0)
        return r;
    return async__sys.getsockname(s->fd, &a.any, &a.len) < 0 ? -errno : write_name(&a, buf, size);
}
