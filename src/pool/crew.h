/* SPDX-License-Identifier: MIT */
/* crew.h - one pool: a line of jobs, the threads that take them, and what is done and not yet told to the loop.
 *
 * The loop's thread puts jobs in and takes them back; workers take them out. All of it is behind one mutex, which nobody
 * holds for longer than it takes to move a few pointers. What is not: a worker's word, by which it is woken. It says
 * whether the worker really sleeps, so that only then a system call is made.
 *
 * Nobody is called while somebody is about to look: a worker that was called or made counts as `looking` until it does,
 * and calls the next one itself if it leaves work behind. So a burst of jobs costs the loop one call. What is done is
 * collected, and told by one post, which is under way as long as the collection is not empty.
 *
 * The crew outlives its loop if a worker is at a job that was abandoned. The last one to leave frees it. */
#ifndef POOL_CREW_H
#define POOL_CREW_H

#include <pthread.h>

#include "loop/handle.h"
#include "pool/thread.h"

enum { CALLABLE, ASLEEP, CALLED };

struct worker {
    struct worker *next, *prev; /* in the crew */
    struct worker *below;       /* among the idle, the latest on top */
    struct job *job;            /* it is at */
    int64_t since;
    atomic_uint word;
};

struct crew {
    pthread_mutex_t mutex;
    struct jobs queue, done;
    struct worker *all, *idle;
    unsigned most;    /* threads */
    unsigned workers; /* threads, also those that are being made */
    unsigned looking; /* of them, those that were made or called and have not looked yet */
    unsigned busy, resting, queued;
    bool closed, orphaned;
    atomic_uint left; /* changes when a worker leaves a crew that is closed */
    async_loop *home;
    async_post post;
    uint64_t begun; /* jobs */
    int64_t waited, longest;
};

struct crew *async__crew_open(async_loop *home, unsigned most); /* NULL: no memory */

/* Put all of list, which is not empty, in the line: 0, and the list is empty; or a negative errno if there is no thread and
 * none can be made, then those that will not begin are in it again. */
int async__crew_put(struct crew *c, struct jobs *list);

/* Take j back. false: it has begun. */
bool async__crew_take_back(struct crew *c, struct job *j);

/* The gate is closed, and there will be no more jobs. Wait for the workers that have none, and for the others as long as
 * the clock is before `until`; then say what they are at, if they are to be named. c is gone, for the caller. */
void async__crew_close(struct crew *c, int64_t until, bool named);

#endif
