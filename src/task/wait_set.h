/* SPDX-License-Identifier: MIT */
/* watch.h - one task that waits for the ends of several others.
 *
 * A task stands in one line at a time: its links are in its record. Who waits for several has a stand-in, a watch, in the
 * line of each; the watches of a wait lie in one piece of memory, a set. When a watched task ends, its watch joins the
 * set's news, in the order of the ends, and the waiter is woken if that is enough for it: waking allocates nothing, and a
 * cancel finds the waiter parked like any other.
 *
 * A watch stays in the line of a task that has ended, so that it hears when the record goes: an address that is used
 * again is not taken for the task that it belonged to. */
#ifndef TASK_WATCH_H
#define TASK_WATCH_H

#include <asyncio/gather.h>

#include "loop/loop.h"

enum wait_node_state {
    WAIT_IDLE,
    WAIT_PENDING,
    WAIT_COMPLETED,  /* ended, and not told yet */
    WAIT_RETURNED, /* ended, told, and moved to the front */
};

struct wait_node {
    struct async_waiter node; /* in the task's line; state: enum wait_node_state */
    struct async_waiter news; /* among the news of the set */
    struct wait_set *set;
    size_t at;      /* its place */
    uint64_t ended; /* copied from the task: the how-manieth end it was */
    bool linked, failed;
};

struct wait_set {
    async_task *self; /* who waits */
    async_task **array; /* the caller's: an address to compare, read and written only during the call */
    size_t first, end; /* the part of it that is watched */
    size_t front;      /* so many of these have been told, and stand first, in their order */
    size_t pending, failed, linked;
    async_waitq news;
    bool unsorted; /* the news are not in the order of the ends */
    bool waiting;  /* self is parked until there is enough */
    bool busy;     /* in use */
    enum async_return_when when;
    async_task **seen;   /* what stands in each place; GONE: its record has gone */
    struct wait_node **at;   /* the watch of each place */
    struct wait_node *watch; /* all of them */
};

/* A set with that many places, watching none. NULL: no memory. */
struct wait_set *async__wait_set_new(async_task *self, async_task **array, size_t n);
void async__wait_set_free(struct wait_set *set);

/* Watch t from place i, which is idle. A task that has ended is news at once. -EDEADLK: t is who waits; -EPERM: it is
 * another loop's. */
int async__wait_set_add(struct wait_set *set, size_t i, async_task *t);
void async__wait_set_remove(struct wait_set *set, size_t i);

/* The place of the next news, which are taken; false: there are none. */
bool async__wait_set_next(struct wait_set *set, size_t *ret);

/* Is there enough for set->when? Wait until there is, or until so many seconds have passed: 0. -ECANCELED. */
bool async__wait_set_satisfied(const struct wait_set *set);
int async__wait_set_wait(struct wait_set *set, double seconds);

/* From the task's side: it has ended; its record goes. */
void async__wait_node_completed(struct wait_node *w, const async_task *t);
void async__wait_nodes_detach(async_task *t);

#endif
