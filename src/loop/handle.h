/* SPDX-License-Identifier: MIT */
/* handle.h - how other threads and signal handlers reach a loop. The public async_loop is this
 * handle, and it is the only part of a loop that other threads may touch.
 *
 * A handle outlives its loop, so that a thread that comes late finds a closed handle and not freed
 * memory: the handles of closed loops are used again only after RETIRED_MIN others. */
#ifndef LOOP_HANDLE_H
#define LOOP_HANDLE_H

#include <asyncio/loop.h>

#include <stdatomic.h>

struct async_loop {
    _Atomic(async_post *) posts; /* latest first; a mark once the handle is closed */
    /* Threads and signal handlers that use the handle now; it is not closed under them. */
    atomic_uint inside;
    atomic_bool wake_pending; /* the loop has been woken and has not looked yet */
    /* The loop will look at wake_pending before it waits for the kernel, so waking it needs no
     * write to the eventfd. Always false for an embedded loop. */
    atomic_bool awake;
    atomic_uint interrupts; /* Ctrl-C, counted by the signal handler */
    uint64_t serial;        /* of the loop: unique in this process, never 0 */
    int event;              /* an eventfd in the poller */
    async_post *taken;      /* posts in the order of the calls; for the loop's thread only */
    async_post *of_parent[2]; /* in a child of fork(): what never runs there, for leak checkers */
    async_loop *next;       /* in the list of open handles, or of retired ones */
};

/* Open a handle. Returns 0 or a negative errno. */
int async__handle_open(async_loop **ret);

/* Reject further posts, wait until no other thread or signal handler is inside, then run the posts
 * that were accepted. Calling it again does nothing. */
void async__handle_stop(async_loop *h);

/* The same, then close and retire the handle. */
void async__handle_close(async_loop *h);

/* Is the loop with that serial number open? A loop that is closed, or that this process has from
 * before a fork(), is not. */
bool async__handle_is_open(uint64_t serial);

/* Post a call, from any thread. Does not allocate. Returns 0: p belongs to the loop now; or -EPIPE:
 * the loop is closed. */
int async__handle_post(async_loop *h, async_post *p);

/* Run some of the posts, on the loop's thread. Returns whether there are more. */
bool async__handle_run_posts(async_loop *h);

/* Make the loop look at its posts and signals. From any thread or signal handler, between
 * handle_enter() and handle_leave(), or on the loop's thread. */
void async__handle_wake(async_loop *h);

/* Called by the loop around each wait for the kernel. Before it: from here on the loop is woken by
 * the eventfd. Returns true if it was woken already and must not wait. */
static inline bool handle_fall_asleep(async_loop *h)
{
    atomic_store(&h->awake, false);
    return atomic_load(&h->wake_pending);
}

/* The loop is embedded from here on: whatever wakes it makes the eventfd readable. */
void async__handle_embed(async_loop *h);

static inline void handle_set_awake(async_loop *h, bool awake)
{
    atomic_store_explicit(&h->awake, awake, memory_order_relaxed);
}

/* Take or release the lock of the list of handles, around a fork(). */
void async__handles_lock(bool lock);

/* Close all handles in a child of fork(): their loops belong to the parent, and the threads that
 * were inside a handle do not exist here. */
void async__handles_forked(void);

/* Unless the handle was closed before handle_enter(), it is not closed until handle_leave(). */
static inline void handle_enter(async_loop *h)
{
    atomic_fetch_add(&h->inside, 1);
}

static inline void handle_leave(async_loop *h)
{
    atomic_fetch_sub(&h->inside, 1);
}

#endif
