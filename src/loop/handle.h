/* SPDX-License-Identifier: MIT */
/* inbox.h - how other threads, and signal handlers, reach a loop: the only part of it that they may touch.
 *
 * The public async_loop is this gate. It outlives its loop for a long while, so that a thread that comes late finds a
 * closed gate and not a ruin: gates of closed loops are used again only after RETIRED_MIN others. */
#ifndef LOOP_INBOX_H
#define LOOP_INBOX_H

#include <asyncio/base.h>

#include <stdatomic.h>

struct loop;

struct post {
    struct post *next;
    void (*fn)(void *arg);
    void *arg;
    struct context *context; /* of the poster, a reference */
    bool kept;            /* in memory of the poster's, not freed here */
};

struct async_loop {
    _Atomic(struct post *) posts; /* latest first; CLOSED */
    atomic_uint inside; /* threads, and signal handlers, that may ring: it is not closed under them */
    atomic_bool wake_pending; /* the loop has been told to look and has not yet */
    atomic_uint signals; /* Ctrl-C, counted by its handler */
    bool kept;           /* and not used again: objects are told by it whose they were */
    int event;
    struct post *taken; /* in the order of the calls; the loop's thread only */
    async_loop *next;
};

int async__handle_open(struct loop *l); /* 0, or a negative errno */
void async__handle_close(async_loop *g);
bool async__handle_is_open(async_loop *g);

/* Post what was allocated before: cannot fail for lack of memory. 0: p is the loop's; -EPIPE: closed. From any thread. */
int async__handle_post(async_loop *g, struct post *p);

/* The loop's thread: run some of what has been posted. true: there is more. */
bool async__handle_run_posts(async_loop *g);

/* In the child of a fork(): the gate belongs to its parent. The others' lock, around the fork. */
void async__handle_forked(async_loop *g);
void async__handles_lock(bool lock);

/* Make the loop look. From any thread, and from a signal handler, within a visit: while it lasts, the gate cannot be
 * closed, if it was not before. */
void async__handle_wake(async_loop *g);

static inline void handle_enter(async_loop *g)
{
    atomic_fetch_add(&g->inside, 1);
}

static inline void handle_leave(async_loop *g)
{
    atomic_fetch_sub(&g->inside, 1);
}

#endif
