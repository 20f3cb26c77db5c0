/* SPDX-License-Identifier: MIT */
/* listen.h - the listening socket of a server. */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

/* Open a socket that listens on a numeric address (NULL: 127.0.0.1) and a port (0: any free one).
 *
 * Returns    0, *ret_fd and *ret_port; -EINVAL if the host is not numeric or the port is out of
 *            range; the errno of socket(), bind() or listen(), such as -EADDRINUSE. */
int web_listen(const char *host, int port, int backlog, int *ret_fd, int *ret_port);

#endif
