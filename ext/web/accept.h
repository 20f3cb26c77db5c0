/* SPDX-License-Identifier: MIT */
/* accept.h - accepts the connections of a server and hands them to MHD.
 *
 * MHD could accept by itself, but tries again and again when no descriptor is left, at the cost of
 * a third of a core, and has one listening socket only. */
#ifndef WEB_ACCEPT_H
#define WEB_ACCEPT_H

#include "driver.h"
#include "listen.h"

/* One listening socket, and when it is watched. */
struct web_listener {
    struct web_acceptor *acceptor;
    bool watching;
    async_watch watch;
};

struct web_acceptor {
    struct web_driver *driver;
    struct web_sockets sockets;
    struct web_listener listeners[WEB_SOCKETS_MAX]; /* one for each of the sockets */
    size_t limit;                                   /* connections at a time */
    const size_t *open;                             /* connections now */
    async_callback pause;
    bool pausing;  /* descriptors or memory have run out; .pause ends it */
    double warned; /* when that was last printed; 0: never */
};

/* Begin to accept on a->sockets. open: the number of connections, which a callback of MHD counts.
 * Returns 0 or a negative errno. */
int web_acceptor_start(struct web_acceptor *a, struct web_driver *driver, size_t limit,
                       const size_t *open);

/* Accept no more, and close the sockets. Can be called twice. */
void web_acceptor_stop(struct web_acceptor *a);

/* A connection has been closed: accept again if there was no room. */
void web_acceptor_resume(struct web_acceptor *a);

#endif
