/* SPDX-License-Identifier: MIT */
/* listen.h - the sockets on which a server listens. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "net/address.h"

struct loop;

struct listeners {
    int count, port;
    int fds[ADDRESSES_MAX];
    bool is_unix;
    const char *path; /* of a Unix socket that the kernel has made for us; NULL: none */
    dev_t dev;        /* of that file */
    ino_t ino;
};

/* Listen on all addresses, and on one port. Returns 0 or a negative errno, with a message. The
 * paths in `on` must stay valid until the listeners are closed. */
int async__listen(struct loop *l, struct listeners *s, const struct addresses *on, int backlog);

/* Close them. Does nothing if they are closed already. */
void async__listeners_close(struct loop *l, struct listeners *s);

#endif
