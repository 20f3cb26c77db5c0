/* SPDX-License-Identifier: MIT */
/* owned_fd.h - wait for owned descriptors: the library's own sockets and pipes, which connect,
 * listen or carry a stream.
 *
 * Use one as follows. While the bit in its entry of the poller's table is set, make the system
 * call. If the call fails with EAGAIN, clear the bit and wait. No other code can close the
 * descriptor or use its number again, so no poll() is needed before. */
#ifndef IO_OWNED_FD_H
#define IO_OWNED_FD_H

#include "task/scope.h"

/* The bits (enum fd_ready) for which fd may be ready. */
static inline uint8_t *owned_fd_ready(const struct loop *l, int fd)
{
    return &l->poller.entries[fd].ready;
}

/* Wait until fd is ready on that side. t must be the only task that waits for fd on that side.
 * Passes the checkpoint of t. Returns 0; -EPIPE if fd was closed meanwhile; -ECANCELED; or the
 * error with which epoll refuses the descriptor. */
int async__owned_fd_wait(async_task *t, int fd, enum fd_ready side);

/* The same for n descriptors: wait until one of them is ready. */
int async__owned_fd_wait_any(async_task *t, const int *fds, int n, enum fd_ready side);

/* Close fd. Tasks that wait for it wake with -EPIPE. */
void async__owned_fd_close(struct loop *l, int fd);

#endif
