/* SPDX-License-Identifier: MIT */
#include "io/own.h"

static async_task **place(struct loop *l, int fd, enum fd_ready side)
{
    struct fd_entry *e = &l->fds.entries[fd];
    return side == FD_READABLE ? &e->reader : &e->writer;
}

int async__own_wait(async_task *t, const int *fds, int n, enum fd_ready side)
{
    struct loop *l = t->loop;
    int r = checkpoint(l, t);
    for (int i = 0; i < n && r == 0; i++)
        r = async__fds_attach(&l->fds, fds[i]);
    if (unlikely(r < 0))
        return r;
    for (int i = 0; i < n; i++)
        *place(l, fds[i], side) = t;
    l->fds.waiting++;
    enum wake why = wait_in(t, NULL);
    l->fds.waiting--;
    for (int i = 0; i < n; i++) {
        async_task **p =
                place(l, fds[i], side); /* the table may have moved, the number have a new owner */
        if (*p == t)
            *p = NULL;
    }
    if (why == INTERRUPTED)
        return async__deliver(t);
    return t->value < 0 ? t->value : 0;
}

void async__own_close(struct loop *l, int fd)
{
    async__fds_disown(&l->fds, fd);
    async__sys.close(fd);
}
