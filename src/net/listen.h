/* SPDX-License-Identifier: MIT */
/* listen.h - the sockets of a server. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "net/address.h"

struct loop;

struct listeners {
    int count, port;
    int fds[ADDRESSES_MAX];
    bool is_unix;
    dev_t dev; /* of the path of a Unix socket */
    ino_t ino;
    const char *path;
};

/* Listen on all of them, on one port: 0, or a negative errno with a text. */
int async__listen(struct loop *l, struct listeners *s, const struct addresses *on, int backlog);
void async__listeners_close(struct loop *l, struct listeners *s); /* again: nothing */

#endif
