/* SPDX-License-Identifier: MIT */
#include "driver.h"

#include <errno.h>
#include <poll.h>

static void on_scheduled_run(void *driver)
{
    struct web_driver *d = driver;
    d->scheduled = false;
    web_driver_run(d);
}

void web_driver_schedule(struct web_driver *d)
{
    if (d->scheduled || d->stopped)
        return;
    d->scheduled = true;
    async_call_soon(&d->run_soon, on_scheduled_run, d);
}

/* If a run is scheduled, it comes when the handlers that are ready have run. Until then MHD would
 * visit each connection for nothing, as often as the loop polls between two of many tasks. */
static void on_mhd_ready(void *driver, int events)
{
    struct web_driver *d = driver;
    (void)events;
    if (!d->scheduled)
        web_driver_run(d);
}

static void on_mhd_timeout(void *driver)
{
    struct web_driver *d = driver;
    d->timer_armed = false;
    web_driver_run(d);
}

/* Arm the timer for the earliest timeout of MHD. It may fire too early: MHD's timeouts are
 * postponed by each request, and one idle run a minute is cheaper than arming the timer for each
 * request. */
static void arm_mhd_timer(struct web_driver *d)
{
    MHD_UNSIGNED_LONG_LONG ms;
    if (MHD_get_timeout(d->daemon, &ms) != MHD_YES)
        return;
    if (ms == 0) {
        web_driver_schedule(d);
        return;
    }
    double at = d->now + (double)ms / 1000;
    if (d->timer_armed && d->timer_at <= at)
        return;
    if (d->timer_armed)
        async_callback_cancel(&d->timer);
    d->timer_armed = true;
    d->timer_at = at;
    async_call_at(&d->timer, at, on_mhd_timeout, d);
}

/* MHD writes a response in the run after the one in which it was queued, so the second follows at
 * once. */
void web_driver_run(struct web_driver *d)
{
    d->now = async_time();
    d->runs++;
    d->response_queued = false;
    MHD_run(d->daemon);
    if (d->response_queued)
        MHD_run(d->daemon);
    arm_mhd_timer(d);
}

int web_driver_start(struct web_driver *d)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(d->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return -EIO;
    int r = async_watch_start(&d->watch, info->epoll_fd, POLLIN, on_mhd_ready, d);
    if (r == 0)
        web_driver_schedule(d); /* MHD watches its listening socket from its first run on */
    return r;
}

void web_driver_stop(struct web_driver *d)
{
    d->stopped = true;
    async_watch_stop(&d->watch);
    if (d->scheduled)
        async_callback_cancel(&d->run_soon);
    if (d->timer_armed)
        async_callback_cancel(&d->timer);
    d->scheduled = d->timer_armed = false;
}
