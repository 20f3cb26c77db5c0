/* SPDX-License-Identifier: MIT */
/* fds.h - descriptors that somebody waits for: one entry for each number, and the poller behind them.
 *
 * A watch (adapters) stays registered, level-triggered. A task that waits registers for one event: its descriptor is
 * the user's, who may close it at any time behind our back, so nothing is assumed of it between two waits. An
 * entry's generation travels with the registration: what the kernel says of a former owner of the number is dropped. */
#ifndef LOOP_FDS_H
#define LOOP_FDS_H

#include <asyncio/base.h>

struct loop;
struct async_watch;

struct fd_entry {
    struct async_watch *watch;
    async_task *reader, *writer;
    uint32_t generation;
    bool known; /* the kernel probably has a registration */
};

struct fds {
    int ep;
    struct fd_entry *entries;
    int count;
    int waiting; /* watches and tasks */
};

int async__fds_open(struct fds *f, int event); /* event: the gate's descriptor. 0, or a negative errno */
void async__fds_close(struct fds *f);

/* The entry of fd, or NULL: no memory. Valid until the next call. */
struct fd_entry *async__fds_entry(struct fds *f, int fd);

/* Say what e, fd's entry, wants now. once: disarm after one event. 0, or a negative errno. */
int async__fds_register(struct fds *f, int fd, struct fd_entry *e, int events, bool once);
void async__fds_unregister(struct fds *f, int fd, struct fd_entry *e);

/* Ask the kernel, waiting at most timeout ns (< 0: no limit); wake tasks and call watches. true: something came. */
bool async__fds_poll(struct loop *l, int64_t timeout);

#endif
