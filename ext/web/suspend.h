/* SPDX-License-Identifier: MIT */
/* suspend.h - connections that MHD does not look at while their handler runs, and how the
 * disconnect of a client is noticed meanwhile.
 *
 * The client of a suspended connection is watched, but not at once: that costs two changes of an
 * epoll set, and most handlers end before it would matter. */
#ifndef WEB_SUSPEND_H
#define WEB_SUSPEND_H

#include "driver.h"
#include "list.h"

struct web_suspension;

struct web_suspensions {
    struct web_driver *driver;
    void (*disconnected)(struct web_suspension *s); /* may resume and free the object around s */
    struct web_link unwatched;                      /* suspended a short time ago, in this order */
    async_callback watch_soon;                      /* when the first of them is to be watched */
    bool armed;
};

/* A connection, as a part of the request that is served on it. */
struct web_suspension {
    struct web_suspensions *all;
    struct web_link link; /* in all->unwatched */
    double since;
    struct MHD_Connection *mhd;
    int fd; /* MHD's */
    bool suspended, watching, lost;
    async_watch watch; /* on fd */
};

void web_suspensions_init(struct web_suspensions *all, struct web_driver *driver,
                          void (*disconnected)(struct web_suspension *s));
void web_suspensions_stop(struct web_suspensions *all);

void web_suspension_init(struct web_suspension *s, struct web_suspensions *all,
                         struct MHD_Connection *mhd, int fd);

/* Suspend the connection; only inside a callback of MHD. The client is watched until
 * web_suspension_unwatch(), also after web_connection_resume(). */
void web_connection_suspend(struct web_suspension *s);

/* Let MHD look at the connection again, in a run that is scheduled here. Does nothing if the
 * connection is not suspended. */
void web_connection_resume(struct web_suspension *s);

/* Watch the client no more; before MHD closes the descriptor at the latest. */
void web_suspension_unwatch(struct web_suspension *s);

#endif
