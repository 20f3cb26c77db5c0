/* SPDX-License-Identifier: MIT */
/* fds.h - descriptors that somebody waits for: one entry for each number, and the poller behind them.
 *
 * A watch (adapters) stays registered, level-triggered. A task that waits registers for one event: its descriptor is
 * the user's, who may close it at any time behind our back, so nothing is assumed of it between two waits. An
 * entry's generation travels with the registration: what the kernel says of a former owner of the number is dropped.
 *
 * A descriptor of the library's own (sockets, pipes) is registered once, edge-triggered, when somebody first waits for it,
 * and forgotten when it is closed. What the kernel has said of it is kept, so that whoever uses it tries the system call
 * first and waits only after that has failed. */
#ifndef LOOP_FDS_H
#define LOOP_FDS_H

#include <asyncio/base.h>

struct loop;
struct async_watch;

struct fd_entry {
    struct async_watch *watch;
    async_task *reader, *writer;
    uint32_t generation;
    bool registered; /* the kernel probably has a registration */
    bool owned;
    uint8_t ready; /* owned: enum fd_ready */
};

enum fd_ready {
    FD_READABLE = 1, /* a read may succeed, was not seen to fail */
    FD_WRITABLE = 2,
    FD_ENDING = 4, /* the end, an error or urgent data was seen: a short read does not mean that nothing is left */
};

struct poller {
    int ep;
    struct fd_entry *entries;
    int count;
    int waiting; /* watches and tasks */
    int owned;
    int events; /* events of this turn */
};

int async__poller_open(struct poller *f, int event); /* event: the gate's descriptor. 0, or a negative errno */
void async__poller_close(struct poller *f);

/* The entry of fd, or NULL: no memory. Valid until the next call. */
struct fd_entry *async__poller_entry(struct poller *f, int fd);

/* Say what e, fd's entry, wants now. once: disarm after one event. 0, or a negative errno. */
int async__poller_register(struct poller *f, int fd, struct fd_entry *e, int events, bool once);
void async__poller_unregister(struct poller *f, int fd, struct fd_entry *e);

/* fd is ours from now on, taken to be ready: 0, -ENOMEM. Its entry is found by number, it moves. */
int async__poller_add_owned(struct poller *f, int fd);
void async__poller_remove_owned(struct poller *f, int fd); /* before it is closed; wakes who waits, with -EPIPE */

/* Register fd, which is ours, unless it is: 0, or a negative errno. */
int async__poller_register_owned(struct poller *f, int fd);

/* Wake the tasks that wait for e with -EPIPE. */
void async__poller_fail_waiters(struct fd_entry *e);

/* Ask the kernel, waiting at most timeout ns (< 0: no limit); wake tasks and call watches. true: something came, or a signal cut it short. */
bool async__poller_poll(struct loop *l, int64_t timeout);

#endif
