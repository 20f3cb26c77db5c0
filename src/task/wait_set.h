/* SPDX-License-Identifier: MIT */
/* wait_set.h - one task waits for the ends of several others.
 *
 * A task waits in one queue at a time, because the links are in its record. A task that waits for
 * several is represented by a wait node in the queue of each; the nodes of a wait lie in one piece
 * of memory, a wait set. When one of the awaited tasks ends, its node joins the completed list of
 * the set, in the order of the ends, and the waiter is woken if that satisfies it. So a wake
 * allocates nothing, and a cancel finds the waiter parked like any other task.
 *
 * A node stays in the queue of a task that has ended, so that it is detached when the task's record
 * is released: an address that is used again must not be taken for the task that it belonged to. */
#ifndef TASK_WAIT_SET_H
#define TASK_WAIT_SET_H

#include <asyncio/gather.h>

#include "loop/loop.h"

enum wait_node_state {
    WAIT_IDLE,      /* waits for no task */
    WAIT_PENDING,   /* its task has not ended */
    WAIT_COMPLETED, /* its task has ended, and await_wait() has not returned it */
    WAIT_RETURNED,  /* await_wait() has returned it: it has moved the task to the front */
};

struct wait_node {
    struct async_waiter node;      /* in the queue of the task's end; state: enum wait_node_state */
    struct async_waiter completed; /* in the completed list of the set */
    struct wait_set *set;
    size_t slot;
    uint64_t ended; /* copied from the task: its number in the order of the ends */
    bool linked;    /* node stands in a queue */
    bool failed;
};

struct wait_set {
    async_task *self; /* the task that waits */
    /* The caller's array: compared by its address, read and written only during the call. */
    async_task **array;
    size_t first, end; /* the part of the array that the set covers */
    /* How many of these were returned; they stand first, in the order of their ends. */
    size_t returned;
    size_t pending, failed, linked;
    async_waitq completed;
    bool unsorted; /* the tasks that were returned are not in the order of their ends */
    bool waiting;  /* self is parked until the set is satisfied */
    bool busy;     /* in use, so it is not discarded when its last node is detached */
    enum async_return_when when;
    async_task **seen;       /* the task in each slot; a mark if its record was released */
    struct wait_node **node; /* the node of each slot */
    struct wait_node *nodes; /* all of them */
};

/* Allocate a set with n idle slots for the task self. Returns NULL if there is no memory. */
struct wait_set *async__wait_set_new(async_task *self, async_task **array, size_t n);
void async__wait_set_free(struct wait_set *set);

/* Let a slot, which is idle, wait for t; NULL counts as a task that has ended with -ENOMEM. Returns
 * 0; -EDEADLK if t is the task that waits; -EPERM if t belongs to another loop. */
int async__wait_set_add(struct wait_set *set, size_t slot, async_task *t);
void async__wait_set_remove(struct wait_set *set, size_t slot);

/* Take the slot whose task has ended next, in *ret. Returns false if there is none. */
bool async__wait_set_next(struct wait_set *set, size_t *ret);

/* Is set->when satisfied? Wait until it is, or until the timeout in seconds has passed. Returns 0
 * or -ECANCELED. */
bool async__wait_set_satisfied(const struct wait_set *set);
int async__wait_set_wait(struct wait_set *set, double seconds);

/* t, the task of a node, has ended. All nodes in the queue of t: its record is about to be
 * released. */
void async__wait_node_completed(struct wait_node *n, const async_task *t);
void async__wait_nodes_detach(async_task *t);

#endif
