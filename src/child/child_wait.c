/* SPDX-License-Identifier: MIT */
/* child_wait.c - wait for the end of a child process: by a watch of its pidfd, or by polling it. */
#include <poll.h>
#include <sys/wait.h>

#include "child/child.h"
#include "task/scope.h"

/* ns between two polls of a child without a pidfd: the first, and the longest. */
#define POLL_FIRST INT64_C(1000000)
#define POLL_LAST  INT64_C(50000000)

static void stop_watching(struct child *c)
{
    async__real_timer_close(&c->poll);
    if (!c->watch.active)
        return;
    async__loop->poller.waiting++; /* see watch_pidfd() */
    async_watch_stop(&c->watch);
}

/* c has ended. Reap it, and wake all tasks that wait for it. */
static void child_ended(struct child *c)
{
    stop_watching(c);
    async__child_collect(c);
    async__wake_all(&c->waiters, 0);
    if (c->ended)
        c->ended(c->arg); /* the record of c may be gone afterwards */
}

static void pidfd_is_readable(void *arg, int events)
{
    (void)events;
    child_ended(arg);
}

static int watch_pidfd(struct child *c)
{
    int r = async_watch_start(&c->watch, c->pidfd, POLLIN, pidfd_is_readable, c);
    if (r == 0)
        /* A child that no task waits for does not keep the loop waiting. */
        async__loop->poller.waiting--;
    return r;
}

static void poll_again(struct child *c)
{
    int64_t now = async__sys.clock();
    async__real_timer_set(&c->poll, ns_after(now, c->interval));
}

static bool has_ended(const struct child *c)
{
    siginfo_t info = { 0 };
    int r = waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return r == 0 ? info.si_pid == c->pid : errno == ECHILD;
}

static void poll_child(void *arg)
{
    struct child *c = arg;
    if (has_ended(c)) {
        child_ended(c);
        return;
    }
    c->interval = 2 * c->interval < POLL_LAST ? 2 * c->interval : POLL_LAST;
    poll_again(c);
}

int async__child_watch(struct child *c, void (*ended)(void *arg), void *arg)
{
    c->ended = ended;
    c->arg = arg;
    if (c->pidfd >= 0)
        return watch_pidfd(c);
    c->interval = POLL_FIRST;
    int r = async__real_timer_open(&c->poll, poll_child, c);
    if (r == 0)
        poll_again(c);
    return r;
}

int async__child_wait(async_task *t, struct child *c)
{
    if (child_was_reaped(c))
        return 0;
    struct poller *p = &t->loop->poller;
    p->waiting++;
    wait_is(t, WAITS_PROCESS);
    int r = wait_for_event(t, &c->waiters);
    p->waiting--;
    return r;
}

void async__child_reap(struct child *c)
{
    stop_watching(c);
    if (!child_was_reaped(c))
        async__child_collect(c);
}
