/* SPDX-License-Identifier: MIT */
/* inbox.h - how other threads, and signal handlers, reach a loop: the only part of it that they may touch.
 *
 * The public async_loop is this gate. It outlives its loop for a long while, so that a thread that comes late finds a
 * closed gate and not a ruin: gates of closed loops are used again only after QUARANTINE others. */
#ifndef LOOP_INBOX_H
#define LOOP_INBOX_H

#include <asyncio/base.h>

#include <stdatomic.h>

struct loop;

struct post {
    struct post *next;
    void (*fn)(void *arg);
    void *arg;
    struct local *locals; /* of the poster, a reference */
    bool kept;            /* in memory of the poster's, not freed here */
};

struct async_loop {
    _Atomic(struct post *) posts; /* latest first; CLOSED */
    atomic_uint visitors; /* threads, and signal handlers, that may ring: it is not closed under them */
    atomic_bool ringing; /* the loop has been told to look and has not yet */
    atomic_uint signals; /* Ctrl-C, counted by its handler */
    bool kept;           /* and not used again: objects are told by it whose they were */
    int event;
    struct post *taken; /* in the order of the calls; the loop's thread only */
    async_loop *next;
};

int async__gate_open(struct loop *l); /* 0, or a negative errno */
void async__gate_close(async_loop *g);
bool async__gate_is_open(async_loop *g);

/* Post what was allocated before: cannot fail for lack of memory. 0: p is the loop's; -EPIPE: closed. From any thread. */
int async__gate_post(async_loop *g, struct post *p);

/* The loop's thread: run some of what has been posted. true: there is more. */
bool async__gate_drain(async_loop *g);

/* In the child of a fork(): the gate belongs to its parent. The others' lock, around the fork. */
void async__gate_orphan(async_loop *g);
void async__gates_lock(bool lock);

/* Make the loop look. From any thread, and from a signal handler, within a visit: while it lasts, the gate cannot be
 * closed, if it was not before. */
void async__gate_ring(async_loop *g);

static inline void gate_visit(async_loop *g)
{
    atomic_fetch_add(&g->visitors, 1);
}

static inline void gate_leave(async_loop *g)
{
    atomic_fetch_sub(&g->visitors, 1);
}

#endif
