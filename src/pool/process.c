/* SPDX-License-Identifier: MIT */
/* process.c - which call goes to which worker, and how one that runs is stopped. */
#include "loop/scheduler.h"
#include "pool/process.h"

#include "base/sys.h"

#include <stdio.h>

/* --- giving calls out --- */

/* The last of w's calls that has not begun, back into the queue. */
static bool take_back(struct process_worker *w)
{
    for (uint32_t seq = w->next; seq-- != w->first;) {
        struct call *c = *place(w, seq);
        if (!c || !mark_turn(w->process.board, seq, MARK_REMOVED))
            continue;
        *place(w, seq) = NULL;
        w->pool->running--;
        async__call_enqueue(w->pool, c, true);
        return true;
    }
    return false;
}

/* From whoever has most. */
static bool take_back_one(struct async_process_pool *p)
{
    struct process_worker *most = NULL;
    for (unsigned i = 0; i < p->max_workers; i++) {
        struct process_worker *w = &p->workers[i];
        if (w->state == WORKER_ALIVE && on_its_way(w) > (most ? on_its_way(most) : 1))
            most = w;
    }
    return most && take_back(most);
}

/* Who has least to do; of a place without a worker, the place. NULL: all have enough. */
static struct process_worker *least_busy(struct async_process_pool *p)
{
    struct process_worker *best = NULL, *vacant = NULL;
    for (unsigned i = 0; i < p->max_workers; i++) {
        struct process_worker *w = &p->workers[i];
        if (w->state == WORKER_NONE)
            vacant = vacant ? vacant : w;
        else if (w->state == WORKER_ALIVE && !w->full &&
                 on_its_way(w) < (best ? on_its_way(best) : WINDOW))
            best = w;
        if (best && !on_its_way(best))
            return best;
    }
    return vacant ? vacant : best;
}

static bool any_alive(const struct async_process_pool *p)
{
    for (unsigned i = 0; i < p->max_workers; i++)
        if (p->workers[i].state != WORKER_NONE)
            return true;
    return false;
}

/* The first in the queue to w. false: there is no going on at the moment. */
static bool give(struct async_process_pool *p, struct process_worker *w)
{
    struct call *c = p->head;
    int r = 0;
    if (w->state == WORKER_NONE && (r = async__worker_start(p, w)) < 0) {
        if (any_alive(p))
            return false;
        async__call_dequeue(p, c);
        async__call_end(p, c, r, "no worker could be started");
        return true;
    }
    bool first = !on_its_way(w);
    async__call_dequeue(p, c);
    r = async__call_send(w, c);
    if (r == 0) {
        if (first)
            async__worker_limit(w);
        return true;
    }
    if (r == -EAGAIN && on_its_way(w)) {
        w->full = true;
        async__call_enqueue(p, c, true);
    } else {
        async__call_unload(c);
        async__call_end(p, c, r, "the call could not be sent");
    }
    return true;
}

static void give_out(struct async_process_pool *p)
{
    for (;;) {
        struct process_worker *w = least_busy(p);
        if (!w || (!p->head && (on_its_way(w) || !take_back_one(p))))
            return;
        if (!give(p, w))
            return;
    }
}

void async__pool_dispatch(struct async_process_pool *p)
{
    give_out(p);
    if (!p->queued && !p->running)
        async__wake_all(&p->idle, 0);
}

/* --- stopping one --- */

/* Take everything from w but c, which is to be stopped. true: c is all that it can be at, so that it may be killed;
 * false: it is at another one, or its answer to c is here. */
static bool isolate(struct process_worker *w, struct call *c)
{
    bool alone = true;
    for (uint32_t seq = w->next; seq-- != w->first;) {
        struct call *other = *place(w, seq);
        if (!other || other == c)
            continue;
        if (!mark_turn(w->process.board, seq, MARK_REMOVED)) {
            alone = false; /* it has begun, so the answers to those before it have been sent */
            continue;
        }
        *place(w, seq) = NULL;
        w->pool->running--;
        async__call_enqueue(w->pool, other, true);
    }
    if (!alone)
        async__worker_listen(w);
    return alone;
}

static void forget(struct process_worker *w, struct call *c)
{
    *place(w, c->seq) = NULL;
    w->pool->running--;
}

void async__pool_withdraw(struct async_process_pool *p, struct call *c)
{
    struct process_worker *w = c->worker;
    if (c->queued) {
        async__call_dequeue(p, c);
    } else if (mark_turn(w->process.board, c->seq, MARK_REMOVED)) {
        forget(w, c);
    } else {
        bool alone = isolate(w, c);
        if (!c->done)
            forget(w, c);
        if (alone)
            async__worker_doom(w);
    }
    async__call_unload(c);
    async__pool_dispatch(p);
}

/* A worker that is still starting is given the time. One that is there and does not begin has been stopped. */
void async__worker_overdue(void *arg)
{
    struct process_worker *w = arg;
    struct async_process_pool *p = w->pool;
    struct board *b = w->process.board;
    struct call *c = *place(w, w->first);
    char text[SENTENCE_MAX];
    unsigned sent = mark_of(w->first, MARK_SENT);
    async__worker_listen(w);
    if (w->state != WORKER_ALIVE || c != *place(w, w->first)) {
        async__pool_dispatch(p);
        return;
    }
    if (!atomic_load(&b->alive)) {
        async__worker_limit(w);
        return;
    }
    if (atomic_load(&b->marks[w->first % WINDOW]) == sent || !c) {
        async__worker_doom(w);
    } else if (isolate(w, c)) {
        forget(w, c);
        async__worker_doom(w);
        snprintf(text, sizeof text, "the call ran longer than %g s", p->timeout);
        async__call_end(p, c, -ETIMEDOUT, text);
    }
    async__pool_dispatch(p);
}

/* In a child of fork() they are its parent's. */
static void let_go(struct process_worker *w)
{
    async__sys.close(w->process.wire);
    if (w->process.pidfd >= 0)
        async__sys.close(w->process.pidfd);
    async__sys.unmap(w->process.board, sizeof *w->process.board);
}

void async__pool_end(struct async_process_pool *p)
{
    for (unsigned i = 0; i < p->max_workers && p->loop->forked; i++)
        if (p->workers[i].state != WORKER_NONE)
            let_go(&p->workers[i]);
    if (p->loop->forked)
        return;
    static const char closed[] = "the process pool was closed";
    for (struct call *c; (c = p->head);) {
        async__call_dequeue(p, c);
        async__call_end(p, c, -EPIPE, closed);
    }
    for (unsigned i = 0; i < p->max_workers; i++)
        if (p->workers[i].state == WORKER_ALIVE)
            async__process_kill(&p->workers[i].process); /* all, before the first is waited for */
    for (unsigned i = 0; i < p->max_workers; i++) {
        struct process_worker *w = &p->workers[i];
        if (w->state == WORKER_NONE)
            continue;
        for (uint32_t seq = w->first; seq != w->next; seq++) {
            struct call *c = *place(w, seq);
            if (c)
                async__call_end(p, c, -EPIPE, closed);
        }
        async__worker_unwatch(w);
        p->loop->poller.waiting -= w->state == WORKER_DYING;
        async__process_bury(&w->process);
        w->state = WORKER_NONE;
    }
}
