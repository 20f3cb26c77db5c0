/* SPDX-License-Identifier: MIT */
#include "io/own.h"

static async_task **place(struct loop *l, int fd, enum fd_ready side)
{
    struct fd_entry *e = &l->poller.entries[fd];
    return side == FD_READABLE ? &e->reader : &e->writer;
}

int async__own_wait(async_task *t, const int *fds, int n, enum fd_ready side)
{
    struct loop *l = t->loop;
    int r = checkpoint(t);
    for (int i = 0; i < n && r == 0; i++)
        r = async__poller_register_owned(&l->poller, fds[i]);
    if (unlikely(r < 0))
        return r;
    for (int i = 0; i < n; i++)
        *place(l, fds[i], side) = t;
    l->poller.waiting++;
    enum wake why = wait_in(t, NULL);
    l->poller.waiting--;
    for (int i = 0; i < n; i++) {
        async_task **p =
                place(l, fds[i], side); /* the table may have moved, the number have a new owner */
        if (*p == t)
            *p = NULL;
    }
    if (why == INTERRUPTED)
        return async__deliver_cancel(t);
    return t->value < 0 ? t->value : 0;
}

void async__own_close(struct loop *l, int fd)
{
    async__poller_remove_owned(&l->poller, fd);
    async__sys.close(fd);
}
