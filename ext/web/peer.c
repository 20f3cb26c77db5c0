/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <poll.h>

/* Seconds that the handler of a client that has closed its side may take. Long enough for one that
 * waits for nothing, and short in comparison with one that is worth cancelling. */
#define PATIENCE 0.01

static void report_disconnect(struct web_peer *p)
{
    p->disconnected = true;
    p->all->disconnected(p);
}

/* The client has closed its side, or reset the connection, which ends it at once. POLLRDHUP is
 * reported however many bytes are unread. */
static void on_peer_event(void *peer, int events)
{
    struct web_peer *p = peer;
    bool patient = !web_list_is_empty(&p->link) && !(events & (POLLHUP | POLLERR));
    async_watch_stop(&p->watch);
    p->watching = false;
    p->closed = true;
    if (!p->suspended)
        p->all->closed(p);
    else if (!patient)
        report_disconnect(p);
}

static void watch_peer(struct web_peer *p)
{
    p->watching = async_watch_start(&p->watch, p->fd, POLLRDHUP, on_peer_event, p) == 0;
}

static void on_patience_end(void *peers);

static void arm_peer_timer(struct web_peers *all)
{
    if (all->armed || web_list_is_empty(&all->suspended))
        return;
    all->armed = true;
    const struct web_peer *first = web_container(all->suspended.next, struct web_peer, link);
    async_call_at(&all->timer, first->since + PATIENCE, on_patience_end, all);
}

static void enlist_suspended(struct web_peer *p, double now)
{
    p->since = now;
    web_list_append(&p->all->suspended, &p->link);
}

/* Connections have been suspended for long enough. From now on a close is acted upon at once. */
static void on_patience_end(void *peers)
{
    struct web_peers *all = peers;
    double now = async_time();
    all->armed = false;
    while (!web_list_is_empty(&all->suspended)) {
        struct web_peer *p = web_container(all->suspended.next, struct web_peer, link);
        if (p->since + PATIENCE > now)
            break;
        web_list_remove(&p->link);
        if (p->closed)
            report_disconnect(p);
        else if (!p->watching)
            watch_peer(p);
        if (!p->closed && !p->watching)
            enlist_suspended(p, now);
    }
    arm_peer_timer(all);
}

void web_peer_suspend(struct web_peer *p)
{
    MHD_suspend_connection(p->mhd);
    p->suspended = true;
    if (p->disconnected)
        return;
    enlist_suspended(p, p->all->driver->now);
    arm_peer_timer(p->all);
}

void web_peer_resume(struct web_peer *p)
{
    if (!p->suspended)
        return;
    p->suspended = false;
    web_list_remove(&p->link);
    MHD_resume_connection(p->mhd);
    web_driver_schedule(p->all->driver);
}

void web_peer_init(struct web_peer *p, struct web_peers *all, struct MHD_Connection *mhd)
{
    p->all = all;
    p->mhd = mhd;
    p->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    web_list_init(&p->link);
    watch_peer(p);
}

void web_peer_stop(struct web_peer *p)
{
    web_list_remove(&p->link);
    if (p->watching)
        async_watch_stop(&p->watch);
    p->watching = false;
}

void web_peers_init(struct web_peers *all, struct web_driver *driver,
                    void (*closed)(struct web_peer *p), void (*disconnected)(struct web_peer *p))
{
    all->driver = driver;
    all->closed = closed;
    all->disconnected = disconnected;
    web_list_init(&all->suspended);
}

void web_peers_stop(struct web_peers *all)
{
    if (all->armed)
        async_callback_cancel(&all->timer);
    all->armed = false;
}
