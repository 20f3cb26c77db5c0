/* SPDX-License-Identifier: MIT */
/* driver.h - runs a daemon of libmicrohttpd (MHD) on the loop.
 *
 * MHD runs inside web_driver_run() only, on the loop's own stack, and so do its callbacks. Tasks
 * never run in there. So nothing in this library needs a lock, and no callback of MHD may await. */
#ifndef WEB_DRIVER_H
#define WEB_DRIVER_H

#include <asyncio/loop.h>
#include <microhttpd.h>

struct web_driver {
    struct MHD_Daemon *daemon;
    async_watch watch;       /* on the epoll descriptor of MHD */
    async_callback run_soon; /* by web_driver_schedule() */
    async_callback timer;    /* the earliest timeout of MHD */
    double timer_at;
    bool scheduled, timer_armed;
    bool stopped;
    bool response_queued; /* set by callbacks of MHD: another run must follow */
    double now;           /* async_time() when the last run began */
    unsigned runs;        /* counted, wraps around */
};

/* Begin to run d->daemon. Returns 0 or a negative errno. */
int web_driver_start(struct web_driver *d);

/* Run MHD no more, except by web_driver_run() itself. */
void web_driver_stop(struct web_driver *d);

/* Run MHD once: accept, read, call back, write. */
void web_driver_run(struct web_driver *d);

/* Run MHD in the next loop iteration, once for any number of calls: after the tasks that are ready
 * now, so that a burst of responses is written by one run. Not before web_driver_start(). */
void web_driver_schedule(struct web_driver *d);

#endif
