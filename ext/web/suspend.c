/* SPDX-License-Identifier: MIT */
#include "suspend.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

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

static void report_disconnect(struct web_suspension *s)
{
    web_suspension_unwatch(s);
    s->lost = true;
    s->all->disconnected(s);
}

/* The client has sent something, closed its side, or reset the connection. Bytes that were sent too
 * early would make the descriptor readable for ever, so from then on only a reset is waited for. */
static void on_client(void *suspension, int events)
{
    struct web_suspension *s = suspension;
    char c;
    ssize_t n;
    if (events & (POLLHUP | POLLERR)) {
        report_disconnect(s);
        return;
    }
    do
        n = recv(s->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        report_disconnect(s);
    } else if (n > 0 && async_watch_change(&s->watch, POLLHUP) < 0) {
        web_suspension_unwatch(s); /* otherwise this function would be called again and again */
        if (s->suspended)
            watch_later(s, async_time());
        arm(s->all);
    }
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
        s->watching = async_watch_start(&s->watch, s->fd, POLLIN, on_client, s) == 0;
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
