/* SPDX-License-Identifier: MIT */
/* peer.h - the client's end of a connection: when it is closed, and suspending the connection while
 * a handler runs.
 *
 * A client that has closed its side may still read, so its handler is not cancelled at once: one
 * that ends quickly can respond. */
#ifndef WEB_PEER_H
#define WEB_PEER_H

#include "driver.h"
#include "list.h"

struct web_peer;

struct web_peers {
    struct web_driver *driver;
    void (*closed)(struct web_peer *p);       /* while the connection was not suspended */
    void (*disconnected)(struct web_peer *p); /* while it has been suspended for a while */
    struct web_link suspended;                /* a short time ago, in this order */
    async_callback timer;                     /* when the first of these has been for long enough */
    bool armed;
};

struct web_peer {
    struct web_peers *all;
    struct web_link link; /* in all->suspended */
    double since;         /* when the connection was suspended */
    struct MHD_Connection *mhd;
    int fd; /* MHD's */
    bool suspended;
    bool watching;     /* until the client closes its side */
    bool closed;       /* it has */
    bool disconnected; /* all->disconnected() has been called */
    async_watch watch;
};

void web_peers_init(struct web_peers *all, struct web_driver *driver,
                    void (*closed)(struct web_peer *p), void (*disconnected)(struct web_peer *p));
void web_peers_stop(struct web_peers *all);

/* Begin to watch the client of a connection. Without memory this is tried again when the connection
 * is suspended. */
void web_peer_init(struct web_peer *p, struct web_peers *all, struct MHD_Connection *mhd);

/* Stop watching, before MHD closes the descriptor. */
void web_peer_stop(struct web_peer *p);

/* Suspend the connection, so that MHD leaves it alone; only inside a callback of MHD. */
void web_peer_suspend(struct web_peer *p);

/* Let MHD process the connection again, in a run that is scheduled here. Does nothing if the
 * connection is not suspended. */
void web_peer_resume(struct web_peer *p);

#endif
