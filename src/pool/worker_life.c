/* SPDX-License-Identifier: MIT */
/* worker_life.c - the loop's side of a worker, from its start to its end. */
#include "pool/process.h"

#include "base/sys.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>

static void on_life(void *arg, int events);

/* --- beginning --- */

void async__worker_unwatch(struct process_worker *w)
{
    struct loop *l = w->pool->loop;
    l->poller.waiting += w->wire.active + w->life.active; /* see add_watches */
    async_watch_stop(&w->wire);
    async_watch_stop(&w->life);
    async_callback_cancel(&w->limit);
}

/* An idle worker is nothing that the loop waits for, and may die unheard until it is needed; who waits for an answer counts.
 * A worker that was killed counts until it is buried. */
static int add_watches(struct process_worker *w)
{
    struct loop *l = w->pool->loop;
    int r = async_watch_start(&w->wire, w->process.wire, POLLIN, async__worker_heard, w);
    if (r < 0)
        return r;
    l->poller.waiting--;
    if (w->process.pidfd < 0)
        return 0;
    r = async_watch_start(&w->life, w->process.pidfd, POLLIN, on_life, w);
    l->poller.waiting -= w->life.active;
    return r;
}

int async__worker_start(struct async_process_pool *p, struct process_worker *w)
{
    *w = (struct process_worker){ .pool = p };
    int r = async__process_start(&w->process, &p->orders);
    if (r < 0)
        return r;
    r = add_watches(w);
    if (r < 0) {
        async__worker_unwatch(w);
        async__process_kill(&w->process);
        async__process_bury(&w->process);
        return r;
    }
    w->state = WORKER_ALIVE;
    p->started++;
    return 0;
}

/* --- the end of a worker --- */

void async__worker_doom(struct process_worker *w)
{
    if (w->state != WORKER_ALIVE)
        return;
    w->state = WORKER_DYING;
    w->pool->lost++;
    w->pool->loop->poller.waiting++;
    async_callback_cancel(&w->limit);
    async__process_kill(&w->process);
}

static void describe(char *text, size_t size, struct ending e, bool alive, bool mad)
{
    const char *when = mad     ? "; what it had said made no sense"
                       : alive ? ""
                               : " before it could begin";
    const char *name = e.how == END_SIGNAL ? sigabbrev_np(e.number) : NULL;
    if (e.how == END_EXIT)
        snprintf(text, size, "the worker ended by exit(%d)%s", e.number, when);
    else if (e.how == END_UNKNOWN)
        snprintf(text, size, "the worker has ended%s", when);
    else if (name)
        snprintf(text, size, "the worker was killed by SIG%s%s", name, when);
    else
        snprintf(text, size, "the worker was killed by signal %d%s", e.number, when);
}

static bool has_begun(const struct process_worker *w, uint32_t seq)
{
    return atomic_load(&w->process.board->marks[seq % WINDOW]) != mark_of(seq, MARK_SENT);
}

/* Those that it was given: what it has begun is lost, the rest goes back to the head of the queue. Should it have died of
 * none of them, all are closer to their end by one, so that there is one if every worker dies, and the first pays if this
 * one has never lived. */
static void give_back(struct process_worker *w, const char *text, bool alive)
{
    struct async_process_pool *p = w->pool;
    struct call *c;
    bool of_one = false;
    for (uint32_t seq = w->first; seq != w->next; seq++)
        of_one = of_one || (*place(w, seq) && has_begun(w, seq));
    for (uint32_t seq = w->next; seq-- != w->first;) {
        if (!(c = *place(w, seq)))
            continue;
        *place(w, seq) = NULL;
        p->running--;
        c->moves += !of_one;
        if (has_begun(w, seq) || (!alive && seq == w->first) || c->moves > MOVES_MAX) {
            async__call_end(p, c, -EOWNERDEAD, text);
        } else {
            async__call_unload(c); /* the memory was shared with what has died */
            async__call_enqueue(p, c, true);
        }
    }
    w->first = w->next;
}

void async__worker_bury(struct process_worker *w)
{
    struct async_process_pool *p = w->pool;
    char text[SENTENCE_MAX];
    async__worker_doom(w);
    while (!w->mad && async__worker_read(w) > 0) /* what it had said before it died */
        ;
    async__worker_unwatch(w);
    p->loop->poller.waiting--; /* since it was doomed */
    struct board *board = w->process.board;
    bool alive = atomic_load(&board->alive);
    struct process process = w->process;
    w->process.board = &(struct board){ 0 };
    for (unsigned i = 0; i < WINDOW; i++)
        atomic_store(&w->process.board->marks[i], atomic_load(&board->marks[i]));
    describe(text, sizeof text, async__process_bury(&process), alive, w->mad);
    give_back(w, text, alive);
    w->state = WORKER_NONE;
    async__pool_dispatch(p);
}

static void on_life(void *arg, int events)
{
    (void)events;
    async__worker_bury(arg);
}
