/* SPDX-License-Identifier: MIT */
/* process_worker.c - the loop's side of one worker process, from its start to its end. */
#include <poll.h>
#include <stdio.h>

#include "base/sys.h"
#include "pool/process_pool.h"
#include "pool/worker_start.h"

/* --- starting --- */

static void close_descriptors(struct process_worker *w)
{
    async__sys.close(w->wire);
    async__sys.close(w->peer);
}

/* An idle worker is nothing that the loop waits for; tasks that wait for a reply count. */
static int watch_wire(struct process_worker *w, const struct worker_events *e)
{
    int r = async_watch_start(&w->wire_watch, w->wire, POLLIN, e->readable, w);
    if (r == 0)
        w->pool->loop->poller.waiting--;
    return r;
}

static void unwatch_wire(struct process_worker *w)
{
    w->pool->loop->poller.waiting += w->wire_watch.active;
    async_watch_stop(&w->wire_watch);
}

int async__process_worker_start(struct async_process_pool *p, struct process_worker *w,
                                const struct worker_events *e)
{
    int ends[2];
    *w = (struct process_worker){ .pool = p, .deadline = NEVER };
    int r = async__worker_start(&w->child, &p->orders, ends);
    if (r < 0)
        return r;
    w->wire = ends[0];
    w->peer = ends[1];
    r = watch_wire(w, e);
    if (r == 0)
        r = async__child_watch(&w->child, e->ended, w);
    if (r < 0) {
        unwatch_wire(w);
        async__child_kill(&w->child);
        async__child_reap(&w->child);
        close_descriptors(w);
        return r;
    }
    w->state = WORKER_ALIVE;
    w->started_at = async__sys.clock();
    p->started++;
    return 0;
}

/* --- the end --- */

/* A worker that was killed counts among the things that the loop waits for until it has ended. */
void async__process_worker_kill(struct process_worker *w, enum kill_reason why)
{
    if (w->state != WORKER_ALIVE)
        return;
    w->state = WORKER_DYING;
    w->killed = why;
    w->deadline = NEVER;
    w->pool->killed++;
    w->pool->loop->poller.waiting++;
    async__child_kill(&w->child);
}

/* Describe for the callers how w has ended: why the pool has killed it, or what the kernel
 * reports. */
static void describe_end(const struct process_worker *w, char *text, size_t size)
{
    static const char *const killed[] = {
        [KILL_TIMEOUT] = "the worker was killed because a call in it has exceeded its time",
        [KILL_CANCEL] = "the worker was killed because a call in it was cancelled",
        [KILL_STOPPED] = "the worker did not take the call in time and was killed",
        [KILL_INVALID] = "the worker sent an invalid reply and was killed",
        [KILL_CLOSED] = "the worker closed its connection and was killed",
    };
    char end[MESSAGE_MAX / 2];
    if (w->killed == KILL_START)
        snprintf(text, size, "the worker did not start within %g s and was killed",
                 w->pool->start_timeout);
    else if (w->killed)
        snprintf(text, size, "%s", killed[w->killed]);
    else
        snprintf(text, size, "the worker %s%s",
                 async__child_describe_end(&w->child, end, sizeof end),
                 w->ready ? "" : " before it could begin");
}

/* --- calls that have not begun --- */

/* Find the call of a packet that was taken back. Returns its index in the window, or -1 if it is
 * not there any more. */
static int find_in_window(const struct process_worker *w, uint32_t seq)
{
    for (unsigned i = 0; i < w->count; i++)
        if (w->window[i]->seq == seq)
            return (int)i;
    return -1;
}

/* Take one unread packet out of the worker's end of the socket; we have sent it, so it is valid.
 * Its descriptor, if it has one, is closed by the kernel. Returns false if the worker has read
 * all. */
static bool take_unread(struct process_worker *w, struct packet *ret)
{
    ssize_t n;
    while ((n = async__sys.recv(w->peer, ret, sizeof *ret, MSG_DONTWAIT)) < 0 && errno == EINTR)
        ;
    return n == (ssize_t)sizeof *ret;
}

unsigned async__process_worker_recall(struct process_worker *w, unsigned most)
{
    struct process_call *taken[WINDOW];
    struct packet head;
    unsigned n = 0;
    while (n < most && take_unread(w, &head)) {
        int i = find_in_window(w, head.seq);
        if (i >= 0)
            taken[n++] = window_remove(w, (unsigned)i);
    }
    w->full = w->full && n == 0;
    for (unsigned i = n; i-- > 0;)
        async__process_call_enqueue(w->pool, taken[i], true);
    return n;
}

/* --- the end of the process --- */

/* w ended without having begun a call: each of these calls comes closer to its end, so that there
 * is one if every worker dies. If this worker has never been ready, the first call comes there
 * sooner: it fails if a second worker cannot start for it. */
static void charge_recalled(struct process_worker *w, unsigned recalled, const char *message)
{
    struct async_process_pool *p = w->pool;
    struct process_call *c = p->head, *next;
    for (unsigned i = 0; i < recalled; i++, c = next) {
        next = c->next;
        async__process_call_unshare(c); /* the memory was shared with the worker that has ended */
        c->moves++;
        if (c->moves <= (w->ready || i > 0 ? MOVES_MAX : STARTS_MAX - 1))
            continue;
        async__process_call_dequeue(p, c);
        async__process_call_end(p, c, w->killed == KILL_START ? -ETIMEDOUT : -EOWNERDEAD, message);
    }
}

static void forget_worker(struct process_worker *w)
{
    unwatch_wire(w);
    w->pool->loop->poller.waiting -= w->state == WORKER_DYING;
    close_descriptors(w);
    w->state = WORKER_NONE;
    w->deadline = NEVER;
}

void async__process_worker_ended(struct process_worker *w)
{
    struct async_process_pool *p = w->pool;
    char message[MESSAGE_MAX];
    if (w->killed != KILL_INVALID)
        async__process_read_replies(w); /* what it had sent before it ended */
    unsigned recalled = async__process_worker_recall(w, WINDOW);
    describe_end(w, message, sizeof message);
    if (w->count == 0)
        charge_recalled(w, recalled, message);
    while (w->count > 0)
        async__process_call_end(p, window_remove(w, 0), -EOWNERDEAD, message);
    p->lost += w->killed == KILL_NONE;
    forget_worker(w);
}

void async__process_worker_close(struct process_worker *w, const char *message)
{
    async__child_reap(&w->child);
    while (w->count > 0)
        async__process_call_end(w->pool, window_remove(w, 0), -EPIPE, message);
    forget_worker(w);
}

void async__process_worker_forget(struct process_worker *w)
{
    close_descriptors(w);
    async__child_forget(&w->child);
}
