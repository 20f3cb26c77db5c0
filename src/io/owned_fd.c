/* SPDX-License-Identifier: MIT */
/* owned_fd.c - wait for owned descriptors, and close them. */
#include "io/owned_fd.h"

static async_task **waiter_slot(struct loop *l, int fd, enum fd_ready side)
{
    struct fd_entry *e = &l->poller.entries[fd];
    return side == FD_READABLE ? &e->reader : &e->writer;
}

static int park_until_ready(struct loop *l, async_task *t)
{
    l->poller.waiting++;
    enum wake why = wait_in(t, NULL);
    l->poller.waiting--;
    if (why == INTERRUPTED)
        return async__deliver_cancel(t);
    return t->value < 0 ? t->value : 0;
}

/* The table may have moved during the wait, and the number may have a new owner. */
static void owned_fd_remove_waiter(struct loop *l, async_task *t, int fd, enum fd_ready side)
{
    async_task **waiter = waiter_slot(l, fd, side);
    if (*waiter == t)
        *waiter = NULL;
}

int async__owned_fd_wait(async_task *t, int fd, enum fd_ready side)
{
    struct loop *l = t->loop;
    int r = checkpoint(t);
    if (likely(r == 0))
        r = async__poller_register_owned(&l->poller, fd);
    if (unlikely(r < 0))
        return r;
    *waiter_slot(l, fd, side) = t;
    r = park_until_ready(l, t);
    owned_fd_remove_waiter(l, t, fd, side);
    return r;
}

int async__owned_fd_wait_any(async_task *t, const int *fds, int n, enum fd_ready side)
{
    struct loop *l = t->loop;
    int r = checkpoint(t);
    for (int i = 0; i < n && r == 0; i++)
        r = async__poller_register_owned(&l->poller, fds[i]);
    if (r < 0)
        return r;
    for (int i = 0; i < n; i++)
        *waiter_slot(l, fds[i], side) = t;
    r = park_until_ready(l, t);
    for (int i = 0; i < n; i++)
        owned_fd_remove_waiter(l, t, fds[i], side);
    return r;
}

void async__owned_fd_close(struct loop *l, int fd)
{
    async__poller_remove_owned(&l->poller, fd);
    async__sys.close(fd);
}
