/* SPDX-License-Identifier: MIT */
/* fd.c - waiting for descriptors, and watching them. */
#include <asyncio/loop.h>

#include <poll.h>

#include "task/scope.h"

static int ready_now(int fd, int events)
{
    struct pollfd p = { .fd = fd, .events = (short)events };
    if (fd < 0)
        return -EBADF;
    int r;
    while ((r = async__sys.poll(&p, 1, 0)) < 0 && errno == EINTR)
        ;
    if (r < 0)
        return -errno;
    return p.revents & POLLNVAL ? -EBADF : p.revents;
}

static bool taken(const struct fd_entry *e, int events)
{
    return e->owned || e->watch || (events & (POLLIN | POLLPRI) && e->reader) ||
           (events & POLLOUT && e->writer);
}

/* Take t out of its places; what is still wanted of the descriptor stays registered. */
static void step_back(struct loop *l, async_task *t, int fd)
{
    struct fd_entry *e = &l->poller.entries[fd];
    if (e->reader == t)
        e->reader = NULL;
    if (e->writer == t)
        e->writer = NULL;
    int left = (e->reader ? POLLIN : 0) | (e->writer ? POLLOUT : 0);
    if (left)
        async_ignore(async__poller_register(&l->poller, fd, e, left, true));
    else
        async__poller_unregister(&l->poller, fd, e);
}

static int wait_ready(struct loop *l, async_task *t, int fd, int events)
{
    struct fd_entry *e = async__poller_entry(&l->poller, fd);
    if (!e)
        return -ENOMEM;
    int wanted = (events & (POLLIN | POLLPRI)) | (e->reader ? POLLIN : 0) | (events & POLLOUT) |
                 (e->writer ? POLLOUT : 0);
    int r = async__poller_register(&l->poller, fd, e, wanted, true);
    if (r < 0)
        return r;
    if (events & (POLLIN | POLLPRI))
        e->reader = t;
    if (events & POLLOUT)
        e->writer = t;
    l->poller.waiting++;
    enum wake why = wait_in(t, NULL);
    l->poller.waiting--;
    e = &l->poller.entries[fd];              /* the table may have moved */
    if (e->reader == t || e->writer == t) /* else it was closed, and the number may be somebody else's */
        step_back(l, t, fd);
    return why == INTERRUPTED ? async__deliver_cancel(t) : t->value;
}

int await_fd_ready(int fd, int events)
{
    async_task *t;
    int r = await_begin(&t, "await_fd_ready");
    if (r < 0)
        return r;
    struct loop *l = t->loop;
    if (!(events & (POLLIN | POLLOUT | POLLPRI)))
        return -EINVAL;
    if (fd >= 0 && fd < l->poller.count && taken(&l->poller.entries[fd], events))
        return -EBUSY;
    r = ready_now(fd, events);
    return r != 0 ? r : wait_ready(l, t, fd, events);
}

int async_fd_close(int fd)
{
    struct loop *l = async__loop;
    if (l && fd >= 0 && fd < l->poller.count) {
        struct fd_entry *e = &l->poller.entries[fd];
        if (e->registered)
            async__poller_unregister(&l->poller, fd, e);
        async__poller_fail_waiters(e);
    }
    return async__sys.close(fd) < 0 ? -errno : 0;
}

int async_watch_start(async_watch *w, int fd, int events, void (*fn)(void *arg, int events), void *arg)
{
    struct loop *l = async__loop;
    *w = (async_watch){ .fn = fn, .arg = arg, .fd = fd, .events = events };
    if (!l) {
        async__warn("async_watch_start on a thread without a loop");
        return -EPERM;
    }
    if (fd < 0 || (fd >= l->poller.count &&
                   ready_now(fd, events) == -EBADF)) /* else the table would grow for nothing */
        return -EBADF;
    struct fd_entry *e = async__poller_entry(&l->poller, fd);
    if (!e)
        return -ENOMEM;
    if (e->owned || e->watch || e->reader || e->writer)
        return -EBUSY;
    int r = async__poller_register(&l->poller, fd, e, events, false);
    if (r < 0)
        return r;
    e->watch = w;
    w->context = context_for_callback(l);
    w->active = true;
    l->poller.waiting++;
    return 0;
}

int async_watch_change(async_watch *w, int events)
{
    struct loop *l = async__loop;
    if (!w->active || !l)
        return -EINVAL;
    if (w->events == events)
        return 0;
    struct fd_entry *e = &l->poller.entries[w->fd];
    int r = 0;
    if (events == 0) /* out of epoll: it would go on to speak of a peer that has hung up */
        async__poller_unregister(&l->poller, w->fd, e);
    else
        r = async__poller_register(&l->poller, w->fd, e, events, false);
    if (r == 0)
        w->events = events;
    return r;
}

void async_watch_stop(async_watch *w)
{
    struct loop *l = async__loop;
    if (!w->active || !l)
        return;
    struct fd_entry *e = &l->poller.entries[w->fd];
    if (e->watch == w) { /* else it was closed first, and the number has a new owner */
        e->watch = NULL;
        async__poller_unregister(&l->poller, w->fd, e);
    }
    l->poller.waiting--;
    w->active = false;
    async__context_unref(w->context);
    w->context = NULL;
}
