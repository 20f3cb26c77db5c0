/* SPDX-License-Identifier: MIT */
/* poller.h - epoll, and a table with one entry for each descriptor that is waited for.
 *
 * Descriptors are of two kinds. Those of the user may be closed at any time behind the library's
 * back, so nothing is assumed of them between two waits: a task that waits registers for one event,
 * and a watch (loop/watch.c) stays registered, level-triggered. The generation of an entry travels
 * with the registration, so that an event for a former owner of the number is recognised and
 * dropped.
 *
 * Owned descriptors are the library's own sockets and pipes. One is registered once,
 * edge-triggered, when a task first waits for it, and forgotten when it is closed. Its entry keeps
 * what the kernel has reported, so that a task tries the system call first and waits only after
 * that has failed. */
#ifndef LOOP_POLLER_H
#define LOOP_POLLER_H

#include <asyncio/base.h>

struct loop;
struct async_watch;

struct fd_entry {
    struct async_watch *watch;
    async_task *reader, *writer;
    uint32_t generation;
    bool registered; /* probably known to epoll */
    bool owned;
    bool urgent;          /* the reader waits for POLLPRI */
    bool readable_wanted; /* the reader waits for POLLIN */
    uint8_t ready;        /* of an owned one: enum fd_ready */
};

enum fd_ready {
    FD_READABLE = 1, /* a read may succeed: none has failed since */
    FD_WRITABLE = 2,
    /* The end, an error or urgent data was reported: a short read does not mean that nothing is
     * left. */
    FD_ENDING = 4,
};

struct poller {
    int ep;
    struct fd_entry *entries;
    int count;
    int waiting; /* watches, and tasks that wait for a descriptor */
    int owned;
    int events; /* that the latest poll has reported */
};

/* Open the poller; event is the descriptor of the loop's handle. Returns 0 or a negative errno. */
int async__poller_open(struct poller *p, int event);
void async__poller_close(struct poller *p);

/* The entry of fd; NULL: no memory. The pointer is valid until the next call. */
struct fd_entry *async__poller_entry(struct poller *p, int fd);

/* Register e, the entry of fd, for events; once: for one event only. Returns 0 or a negative
 * errno. */
int async__poller_register(struct poller *p, int fd, struct fd_entry *e, int events, bool once);
void async__poller_unregister(struct poller *p, int fd, struct fd_entry *e);

/* The events for which the tasks wait that are entered in e. */
int async__poller_wanted(const struct fd_entry *e);

/* Take over fd as owned, and as ready. Returns 0 or -ENOMEM. */
int async__poller_add_owned(struct poller *p, int fd);

/* Give fd up before it is closed. Tasks that wait for it wake with -EPIPE. */
void async__poller_remove_owned(struct poller *p, int fd);

/* Register an owned descriptor unless it is registered. Returns 0 or a negative errno. */
int async__poller_register_owned(struct poller *p, int fd);

/* Wake the tasks that wait for e with -EPIPE. */
void async__poller_fail_waiters(struct fd_entry *e);

/* Poll the kernel for at most timeout ns (no limit if negative), wake tasks and call watches.
 * Returns whether there were events, or a signal has cut the wait short. */
bool async__poller_poll(struct loop *l, int64_t timeout);

#endif
