/* SPDX-License-Identifier: MIT */
/* real_timer.h - a timer of real time, also in a loop with a virtual clock.
 *
 * Other processes run in real time, whatever the clock of the loop is. So what limits them must be
 * measured in real time, too. The timer is a timerfd that the loop watches. It does not count among
 * the things that the loop waits for: a loop in which nothing else can happen is deadlocked
 * although such a timer is set. */
#ifndef CHILD_REAL_TIMER_H
#define CHILD_REAL_TIMER_H

#include <asyncio/loop.h>

struct real_timer {
    int fd;       /* -1: not open */
    int64_t when; /* by async__sys.clock(); NEVER: not set */
    void (*fn)(void *arg);
    void *arg;
    async_watch watch;
};

/* Open a timer that calls fn(arg) on the loop's own stack. It is not set yet. Returns 0 or a
 * negative errno. */
int async__real_timer_open(struct real_timer *t, void (*fn)(void *arg), void *arg);

/* Set the timer to that time, or to NEVER. It may be set again at any time, also by fn. */
void async__real_timer_set(struct real_timer *t, int64_t when);

/* Close the timer if it is open. In a child of fork() only the copy of the descriptor is closed. */
void async__real_timer_close(struct real_timer *t);

#endif
