/* SPDX-License-Identifier: MIT */
/* watch.c - watches: callbacks for as long as a descriptor is ready. */
#include <asyncio/loop.h>

#include <poll.h>

#include "loop/loop.h"

/* The poller accepts a number only if its entry exists, and the table shall not grow for a number
 * that is not open. */
static bool is_open(int fd)
{
    struct pollfd p = { .fd = fd };
    return async__sys.poll(&p, 1, 0) <= 0 || !(p.revents & POLLNVAL);
}

int async_watch_start(async_watch *w, int fd, int events, void (*fn)(void *arg, int events),
                      void *arg)
{
    struct loop *l = async__loop;
    if (!l) {
        async__warn(
                "async_watch_start() on a thread without a loop; call it in a task or callback");
        return -EPERM;
    }
    if (fd < 0 || (fd >= l->poller.count && !is_open(fd)))
        return -EBADF;
    struct fd_entry *e = async__poller_entry(&l->poller, fd);
    if (!e)
        return -ENOMEM;
    if (e->owned || e->watch || e->reader || e->writer)
        return -EBUSY; /* before *w is written: w may be the watch that is active */
    int r = async__poller_register(&l->poller, fd, e, events, false);
    if (r < 0)
        return r;
    *w = (async_watch){ .fn = fn,
                        .arg = arg,
                        .context = context_for_callback(l),
                        .loop = l->serial,
                        .fd = fd,
                        .events = events,
                        .active = true };
    e->watch = w;
    l->poller.waiting++;
    return 0;
}

enum owner { OWNER_HERE, OWNER_CLOSED, OWNER_ELSEWHERE };

/* Does this thread's loop serve w, or has the loop that did been closed? */
static enum owner watch_owner(const async_watch *w, const char *what)
{
    const struct loop *l = async__loop;
    if (l && w->loop == l->serial)
        return OWNER_HERE;
    if (!async__handle_is_open(w->loop))
        return OWNER_CLOSED;
    async__warn("%s() of a watch of another thread's loop; use async_call_soon_threadsafe()", what);
    return OWNER_ELSEWHERE;
}

int async_watch_change(async_watch *w, int events)
{
    if (!w->active)
        return -EINVAL;
    enum owner owner = watch_owner(w, "async_watch_change");
    if (owner != OWNER_HERE)
        return owner == OWNER_CLOSED ? -EINVAL : -EPERM;
    if (w->events == events)
        return 0;
    struct loop *l = async__loop;
    struct fd_entry *e = &l->poller.entries[w->fd];
    if (e->watch != w)
        return -EBADF; /* the descriptor was closed, and its number has a new owner */
    int r = 0;
    if (events == 0) /* out of epoll, which would go on to report a peer that has hung up */
        async__poller_unregister(&l->poller, w->fd, e);
    else
        r = async__poller_register(&l->poller, w->fd, e, events, false);
    if (r == 0)
        w->events = events;
    return r;
}

/* The descriptor may have been closed before, and its number may have a new owner: then the entry
 * is not touched. */
static void detach(struct loop *l, async_watch *w)
{
    struct fd_entry *e = &l->poller.entries[w->fd];
    if (e->watch == w) {
        e->watch = NULL;
        async__poller_unregister(&l->poller, w->fd, e);
    }
    l->poller.waiting--;
}

void async_watch_stop(async_watch *w)
{
    if (!w->active)
        return;
    enum owner owner = watch_owner(w, "async_watch_stop");
    if (owner == OWNER_ELSEWHERE)
        return;
    if (owner == OWNER_HERE)
        detach(async__loop, w);
    w->active = false;
    async__context_unref(w->context);
    w->context = NULL;
}
