/* SPDX-License-Identifier: MIT */
#include "child/real_timer.h"

#include <poll.h>

#include "loop/loop.h"

static void real_timer_expired(void *arg, int events)
{
    struct real_timer *t = arg;
    uint64_t times;
    (void)events;
    /* The call fails if the timer was set again a moment ago. Then it will expire later. */
    if (async__sys.read(t->fd, &times, sizeof times) < 0)
        return;
    t->when = NEVER;
    t->fn(t->arg);
}

int async__real_timer_open(struct real_timer *t, void (*fn)(void *arg), void *arg)
{
    *t = (struct real_timer){ .fd = async__sys.timerfd(), .when = NEVER, .fn = fn, .arg = arg };
    if (t->fd < 0)
        return -errno;
    int r = async_watch_start(&t->watch, t->fd, POLLIN, real_timer_expired, t);
    if (r < 0) {
        async__sys.close(t->fd);
        t->fd = -1;
        return r;
    }
    async__loop->poller.waiting--; /* see real_timer.h; undone when the watch is stopped */
    return 0;
}

void async__real_timer_set(struct real_timer *t, int64_t when)
{
    if (when != t->when)
        async__sys.timerfd_set(t->fd, when == NEVER ? 0 : when > 0 ? when : 1);
    t->when = when;
}

void async__real_timer_close(struct real_timer *t)
{
    if (t->fd < 0)
        return;
    if (async__loop && t->watch.active) {
        async__loop->poller.waiting++;
        async_watch_stop(&t->watch);
    }
    async__sys.close(t->fd);
    t->fd = -1;
}
