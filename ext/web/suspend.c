/* SPDX-License-Identifier: MIT */
#include "suspend.h"

#include <poll.h>

#define WATCH_AFTER 0.1 /* seconds */

static void on_watch_soon(void *suspensions);

static void arm(struct web_suspensions *all)
{
    if (all->armed || web_list_is_empty(&all->unwatched))
        return;
    all->armed = true;
    const struct web_suspension *first =
            web_container(all->unwatched.next, struct web_suspension, link);
    async_call_at(&all->watch_soon, first->since + WATCH_AFTER, on_watch_soon, all);
}

static void watch_later(struct web_suspension *s, double now)
{
    s->since = now;
    web_list_append(&s->all->unwatched, &s->link);
}

/* The client has closed its side, or reset the connection. Requests that it has sent too early are
 * of no interest, and stay in the socket until MHD reads on. */
static void on_disconnect(void *suspension, int events)
{
    struct web_suspension *s = suspension;
    (void)events;
    web_suspension_unwatch(s);
    s->lost = true;
    s->all->disconnected(s);
}

/* Watch the clients whose handlers take long. One that cannot be watched, for lack of memory, is
 * tried again a little later. */
static void on_watch_soon(void *suspensions)
{
    struct web_suspensions *all = suspensions;
    double now = async_time();
    all->armed = false;
    while (!web_list_is_empty(&all->unwatched)) {
        struct web_suspension *s = web_container(all->unwatched.next, struct web_suspension, link);
        if (s->since + WATCH_AFTER > now)
            break;
        web_list_remove(&s->link);
        s->watching = async_watch_start(&s->watch, s->fd, POLLRDHUP, on_disconnect, s) == 0;
        if (!s->watching)
            watch_later(s, now);
    }
    arm(all);
}

void web_connection_suspend(struct web_suspension *s)
{
    MHD_suspend_connection(s->mhd);
    s->suspended = true;
    if (s->watching || s->lost)
        return;
    watch_later(s, s->all->driver->now);
    arm(s->all);
}

void web_connection_resume(struct web_suspension *s)
{
    if (!s->suspended)
        return;
    s->suspended = false;
    web_list_remove(&s->link);
    MHD_resume_connection(s->mhd);
    web_driver_schedule(s->all->driver);
}

void web_suspension_unwatch(struct web_suspension *s)
{
    if (s->watching)
        async_watch_stop(&s->watch);
    s->watching = false;
}

void web_suspension_init(struct web_suspension *s, struct web_suspensions *all,
                         struct MHD_Connection *mhd, int fd)
{
    s->all = all;
    s->mhd = mhd;
    s->fd = fd;
    web_list_init(&s->link);
}

void web_suspensions_init(struct web_suspensions *all, struct web_driver *driver,
                          void (*disconnected)(struct web_suspension *s))
{
    all->driver = driver;
    all->disconnected = disconnected;
    web_list_init(&all->unwatched);
}

void web_suspensions_stop(struct web_suspensions *all)
{
    if (all->armed)
        async_callback_cancel(&all->watch_soon);
    all->armed = false;
}
