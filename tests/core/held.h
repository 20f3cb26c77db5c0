/* SPDX-License-Identifier: MIT */
/* held.h - functions on threads that return only when the test opens a door. */
#ifndef TESTS_HELD_H
#define TESTS_HELD_H

#include "../frame/loop_test.h"

#include <pthread.h>
#include <stdatomic.h>

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open;
} door = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
static atomic_int inside, most_inside,
        left_room; /* calls at the door; at most so far; that have passed it */

static inline void open_door(bool open)
{
    pthread_mutex_lock(&door.mutex);
    door.open = open;
    pthread_cond_broadcast(&door.changed);
    pthread_mutex_unlock(&door.mutex);
}

ASYNC_THREAD(held, (int)result)
{
    pthread_mutex_lock(&door.mutex);
    if (++inside > most_inside)
        most_inside = inside;
    while (!door.open)
        pthread_cond_wait(&door.changed, &door.mutex);
    inside--;
    left_room++;
    pthread_mutex_unlock(&door.mutex);
    return result;
}

ASYNC_DEF(until_inside, (int)n)
{
    while (inside < n)
        ASYNC_TRY(await_sleep(0.001));
    return 0;
}

/* How many threads the loop's own pool may have. */
static inline unsigned most_threads(void)
{
    cpu_set_t ours;
    expect_int(sched_getaffinity(0, sizeof ours, &ours), 0);
    unsigned n = 4 + (unsigned)CPU_COUNT(&ours);
    return n < 32 ? n : 32;
}

/* A group of calls that keeps every thread of that pool busy until the door is opened. */
ASYNC_DEF(fills_the_pool)
{
    int r;
    await_group (r, g) {
        for (unsigned i = 0; i < most_threads(); i++)
            async_spawn(g, held(0));
    }
    return r;
}

#endif
