/* SPDX-License-Identifier: MIT */
/* fd_ready.c - await_fd_ready(): wait until a descriptor of the user is ready. */
#include <asyncio/loop.h>

#include <poll.h>

#include "task/scope.h"

/* Ask the kernel, without waiting. Returns the events that are there, 0, or a negative errno. */
static int poll_now(int fd, int events)
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

/* Does another task or a watch use the descriptor for one of these events? */
static bool is_in_use(const struct fd_entry *e, int events)
{
    return e->owned || e->watch || (events & (POLLIN | POLLPRI) && e->reader) ||
           (events & POLLOUT && e->writer);
}

/* Take t out of the entry. The events for which other tasks wait stay registered. */
static void unregister_waiter(struct loop *l, async_task *t, int fd)
{
    struct fd_entry *e = &l->poller.entries[fd];
    if (e->reader == t)
        e->reader = NULL;
    if (e->writer == t)
        e->writer = NULL;
    int left = async__poller_wanted(e);
    if (left)
        async_ignore(async__poller_register(&l->poller, fd, e, left, true));
    else
        async__poller_unregister(&l->poller, fd, e);
}

static int wait_until_ready(struct loop *l, async_task *t, int fd, int events)
{
    struct fd_entry *e = async__poller_entry(&l->poller, fd);
    if (!e)
        return -ENOMEM;
    int r = async__poller_register(&l->poller, fd, e, async__poller_wanted(e) | events, true);
    if (r < 0)
        return r;
    if (events & (POLLIN | POLLPRI)) {
        e->reader = t;
        e->readable_wanted = events & POLLIN;
        e->urgent = events & POLLPRI;
    }
    if (events & POLLOUT)
        e->writer = t;
    l->poller.waiting++;
    enum wake why = wait_in(t, NULL);
    l->poller.waiting--;
    e = &l->poller.entries[fd]; /* the table may have moved */
    /* Otherwise the descriptor was closed, and its number may have a new owner. */
    if (e->reader == t || e->writer == t)
        unregister_waiter(l, t, fd);
    return why == INTERRUPTED ? async__deliver_cancel(t) : t->value;
}

int await_fd_ready(int fd, int events)
{
    async_task *t;
    int r = await_begin(&t, "await_fd_ready");
    if (r < 0)
        return r;
    struct loop *l = t->loop;
    events &= POLLIN | POLLOUT | POLLPRI;
    if (!events)
        return -EINVAL;
    if (fd >= 0 && fd < l->poller.count && is_in_use(&l->poller.entries[fd], events))
        return -EBUSY;
    r = poll_now(fd, events);
    return r != 0 ? r : wait_until_ready(l, t, fd, events);
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
