/* SPDX-License-Identifier: MIT */
/* own.h - waiting for descriptors of the library's own: sockets that connect, listen, or carry a stream.
 *
 * The way to use one: as long as its entry says that it may be ready, make the system call; when that says EAGAIN, clear
 * the bit and wait. Nobody else has the number, so nothing has to be asked of the kernel before. */
#ifndef IO_OWN_H
#define IO_OWN_H

#include "task/scope.h"

static inline uint8_t *own_ready(const struct loop *l, int fd)
{
    return &l->poller.entries[fd].ready;
}

/* Wait until one of fds is ready for that: 0; -EPIPE: it was closed; -ECANCELED; -ENOMEM, -ENOSPC of the poller. The
 * checkpoint is passed here. The task must be the only one that waits for them on that side. */
int async__own_wait(async_task *t, const int *fds, int n, enum fd_ready side);

/* Whoever waits for it wakes with -EPIPE. */
void async__own_close(struct loop *l, int fd);

#endif
