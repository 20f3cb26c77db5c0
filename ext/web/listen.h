/* SPDX-License-Identifier: MIT */
/* listen.h - the listening sockets of a server. */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include <asyncio/web.h>

#include <sys/un.h>

enum { WEB_SOCKETS_MAX = 16 };

struct web_sockets {
    int fds[WEB_SOCKETS_MAX];
    size_t count;
    int port;                              /* of the first one; 0 if it is a Unix socket */
    char path[sizeof(struct sockaddr_un)]; /* of a Unix socket, which the server has made, or "" */
    uint64_t device, inode;                /* of that path */
};

/* Open the sockets that the options describe: those of socket activation, if .activation is set and
 * there are any, otherwise one on .host and .port.
 *
 * Returns    0 and the sockets, for web_unlisten(); -EINVAL if the host is not numeric, the port is
 *            out of range, or a path is too long; the errno of socket(), bind() or listen(), such
 *            as -EADDRINUSE. */
int web_listen(const struct async_web_opts *opts, struct web_sockets *ret);

/* Close the sockets, and remove the path of a Unix socket if it is still the server's. Can be
 * called twice. */
void web_unlisten(struct web_sockets *s);

/* Make a Unix socket listen at a path, and store the path in *ret. A socket that a killed server
 * has left there is removed first. Returns a descriptor, or a negative errno. */
int web_listen_unix(const char *path, int backlog, struct web_sockets *ret);

/* Take the sockets that a service manager has passed to this process, as sd_listen_fds(3) describes
 * it. They are duplicated, so that another server of the process finds them again.
 *
 * Returns    how many there are; -EINVAL if one is no listening stream socket; -E2BIG; -EMFILE. */
int web_listen_activated(struct web_sockets *ret);

#endif
