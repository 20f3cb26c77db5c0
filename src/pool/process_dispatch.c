/* SPDX-License-Identifier: MIT */
/* process_dispatch.c - which call goes to which worker, and how one that runs too long, or was
 * cancelled, is stopped. */
#include <stdio.h>

#include "base/sys.h"
#include "loop/scheduler.h"
#include "pool/process_pool.h"

/* The shortest time between two looks at the processor time of a worker, ns. */
#define CPU_CHECK_MIN INT64_C(10000000)

static const struct worker_events events;

/* --- deadlines --- */

/* When to look at the processor time of the first call of w again: not before it can be used up by
 * all processors together. */
static int64_t next_cpu_check(const struct process_worker *w, int64_t now)
{
    int64_t limit = w->pool->max_cpu * INT64_C(1000000000);
    int64_t left = limit - (async__child_cpu_time(&w->child) - w->head_cpu);
    int64_t wait = left / async__sys.processors();
    return ns_after(now, wait > CPU_CHECK_MIN ? wait : CPU_CHECK_MIN);
}

static int64_t call_deadline(struct process_worker *w)
{
    const struct async_process_pool *p = w->pool;
    int64_t when = NEVER;
    if (w->count == 0 || (p->timeout <= 0 && !p->max_cpu))
        return NEVER;
    int64_t now = async__sys.clock();
    if (!w->head_since) {
        w->head_since = now;
        w->head_cpu = p->max_cpu ? async__child_cpu_time(&w->child) : 0;
    }
    if (p->timeout > 0)
        when = ns_after(w->head_since, ns_of(p->timeout));
    if (p->max_cpu) {
        int64_t check = next_cpu_check(w, now);
        when = check < when ? check : when;
    }
    return when;
}

/* Set the deadline of w after its first call has changed, or after it was checked. It is a time
 * of the real clock, which the worker cannot change, and does not depend on anything that the
 * worker sends, except that it is ready: a packet that counts once, and that it sends before it has
 * run any call. */
static void set_deadline(struct process_worker *w)
{
    struct async_process_pool *p = w->pool;
    if (w->state != WORKER_ALIVE)
        w->deadline = NEVER;
    else if (!w->ready)
        w->deadline = ns_after(w->started_at, ns_of(p->start_timeout));
    else
        w->deadline = call_deadline(w);
    if (w->deadline < p->timer.when)
        async__real_timer_set(&p->timer, w->deadline);
}

/* --- reading replies --- */

static void read_replies(struct process_worker *w)
{
    enum kill_reason why = async__process_read_replies(w);
    if (why)
        async__process_worker_kill(w, why);
    set_deadline(w);
}

static void wire_is_readable(void *arg, int ready)
{
    struct process_worker *w = arg;
    (void)ready;
    if (w->state == WORKER_ALIVE)
        read_replies(w);
    if (w->state == WORKER_ALIVE)
        async__process_dispatch(w->pool);
    else if (w->wire_watch.active) { /* the rest is read when the worker has ended */
        w->pool->loop->poller.waiting++;
        async_watch_stop(&w->wire_watch);
    }
}

static void worker_has_ended(void *arg)
{
    struct process_worker *w = arg;
    struct async_process_pool *p = w->pool;
    async__process_worker_ended(w);
    async__process_dispatch(p);
}

static const struct worker_events events = { wire_is_readable, worker_has_ended };

/* --- giving out calls --- */

/* Take a call that has not begun back from the worker that has the most calls. */
static bool recall_one(struct async_process_pool *p)
{
    struct process_worker *most = NULL;
    for (unsigned i = 0; i < p->max_workers; i++) {
        struct process_worker *w = &p->workers[i];
        if (w->state == WORKER_ALIVE && w->count > (most ? most->count : 1))
            most = w;
    }
    return most && async__process_worker_recall(most, 1) > 0;
}

/* Return an idle worker, else an empty slot in which one can be started, else the worker with the
 * fewest calls. NULL if every worker is full. */
static struct process_worker *least_busy(struct async_process_pool *p)
{
    struct process_worker *best = NULL, *vacant = NULL;
    for (unsigned i = 0; i < p->max_workers; i++) {
        struct process_worker *w = &p->workers[i];
        if (w->state == WORKER_NONE)
            vacant = vacant ? vacant : w;
        else if (w->state == WORKER_ALIVE && !w->full && w->count < (best ? best->count : WINDOW))
            best = w;
        if (best && best->count == 0)
            return best;
    }
    return vacant ? vacant : best;
}

static bool any_worker(const struct async_process_pool *p)
{
    for (unsigned i = 0; i < p->max_workers; i++)
        if (p->workers[i].state != WORKER_NONE)
            return true;
    return false;
}

static void check_deadlines(void *arg);

static int start_worker(struct async_process_pool *p, struct process_worker *w)
{
    int r = p->timer.fd < 0 ? async__real_timer_open(&p->timer, check_deadlines, p) : 0;
    return r < 0 ? r : async__process_worker_start(p, w, &events);
}

/* The worker's socket was shut down: nothing can be sent to it. */
static void lose_worker(struct async_process_pool *p, struct process_worker *w,
                        struct process_call *c)
{
    async__process_worker_kill(w, KILL_CLOSED);
    if (++c->moves > MOVES_MAX) {
        async__process_call_end(p, c, -EOWNERDEAD,
                                "the worker closed its connection and was killed");
    } else {
        async__process_call_enqueue(p, c, true);
    }
}

/* Send the first call of the queue to w. */
static void send_first(struct async_process_pool *p, struct process_worker *w)
{
    struct process_call *c = p->head;
    async__process_call_dequeue(p, c);
    int r = async__process_send(w, c);
    if (r == -EPIPE) {
        lose_worker(p, w, c);
    } else if (r == -EAGAIN && w->count > 0) {
        w->full = true;
        async__process_call_enqueue(p, c, true);
    } else if (r < 0) {
        async__process_call_end(p, c, r, "the call could not be sent");
    }
    set_deadline(w);
}

/* Give the first call of the queue to w, which may be an empty slot. Returns false if calls must
 * wait. */
static bool give_first(struct async_process_pool *p, struct process_worker *w)
{
    int r = w->state == WORKER_NONE ? start_worker(p, w) : 0;
    if (r == 0) {
        send_first(p, w);
        return true;
    }
    if (any_worker(p))
        return false;
    struct process_call *c = p->head;
    async__process_call_dequeue(p, c);
    async__process_call_end(p, c, r, "no worker could be started");
    return true;
}

void async__process_dispatch(struct async_process_pool *p)
{
    for (;;) {
        struct process_worker *w = least_busy(p);
        if (!w || (!p->head && (w->count > 0 || !recall_one(p))))
            break;
        if (!give_first(p, w))
            break;
    }
    if (!p->queued && !p->running)
        async__wake_all(&p->idle, 0);
}

/* --- stopping a call --- */

/* Find out whether c, in the window of w, has begun. Afterwards c is done; or it is in the queue,
 * because it had not begun; or w has nothing but calls that have begun, of which a worker that
 * keeps to the protocol has one. Calls behind c are in the queue again in any case, so that killing
 * w harms no other call. */
static void isolate_call(struct process_worker *w, struct process_call *c)
{
    async__process_worker_recall(w, WINDOW);
    if (!c->queued) /* it was read before that, so replies to those before it have been sent */
        read_replies(w);
}

/* Take c, which has begun, out of the window of its worker. */
static void remove_begun(struct process_call *c)
{
    struct process_worker *w = c->worker;
    for (unsigned i = 0; i < w->count; i++)
        if (w->window[i] == c) {
            window_remove(w, i);
            return;
        }
}

void async__process_withdraw(struct async_process_pool *p, struct process_call *c)
{
    struct process_worker *w = c->worker;
    if (!c->queued)
        isolate_call(w, c);
    if (c->queued) {
        async__process_call_dequeue(p, c);
    } else if (!c->done) {
        remove_begun(c);
        async__process_worker_kill(w, KILL_CANCEL);
    }
    async__process_call_unshare(c);
    async__process_dispatch(p);
}

/* Has the first call of w exceeded a limit? Then write which one to text. */
static bool has_exceeded(const struct process_worker *w, char *text, size_t size)
{
    const struct async_process_pool *p = w->pool;
    if (p->timeout > 0 && async__sys.clock() >= ns_after(w->head_since, ns_of(p->timeout)))
        snprintf(text, size, "the call ran longer than %g s", p->timeout);
    else if (p->max_cpu &&
             async__child_cpu_time(&w->child) - w->head_cpu >= p->max_cpu * INT64_C(1000000000))
        snprintf(text, size, "the call used more than %u s of processor time", p->max_cpu);
    else
        return false;
    return true;
}

/* The first call of w has exceeded its time. If it has not even begun, the worker was stopped, and
 * another one gets the call. */
static void stop_first(struct process_worker *w, const char *message)
{
    struct process_call *c = w->window[0];
    isolate_call(w, c);
    if (c->done || w->state != WORKER_ALIVE)
        return;
    if (c->queued) {
        async__process_worker_kill(w, KILL_STOPPED);
        if (++c->moves <= MOVES_MAX)
            return;
        async__process_call_dequeue(w->pool, c);
        message = "no worker took the call in time";
    } else {
        remove_begun(c);
        async__process_worker_kill(w, KILL_TIMEOUT);
    }
    async__process_call_end(w->pool, c, -ETIMEDOUT, message);
}

/* The deadline of w has passed. */
static void check_worker(struct process_worker *w)
{
    char message[MESSAGE_MAX];
    const struct process_call *first = w->count > 0 ? w->window[0] : NULL;
    w->deadline = NEVER;
    read_replies(w);
    if (w->state != WORKER_ALIVE)
        return;
    if (!w->ready) {
        async__process_worker_kill(w, KILL_START);
        return;
    }
    if (first && w->count > 0 && w->window[0] == first && has_exceeded(w, message, sizeof message))
        stop_first(w, message);
    set_deadline(w);
}

/* Look at all workers whose deadlines have passed, then set the timer to the next one. */
static void check_deadlines(void *arg)
{
    struct async_process_pool *p = arg;
    int64_t now = async__sys.clock(), next = NEVER;
    for (unsigned i = 0; i < p->max_workers; i++)
        if (p->workers[i].state == WORKER_ALIVE && p->workers[i].deadline <= now)
            check_worker(&p->workers[i]);
    async__process_dispatch(p);
    for (unsigned i = 0; i < p->max_workers; i++)
        if (p->workers[i].state == WORKER_ALIVE && p->workers[i].deadline < next)
            next = p->workers[i].deadline;
    async__real_timer_set(&p->timer, next);
}

/* --- the end of the pool --- */

void async__process_pool_end(struct async_process_pool *p)
{
    static const char closed[] = "the process pool was closed";
    if (p->loop->forked) { /* the workers are those of the parent */
        for (unsigned i = 0; i < p->max_workers; i++)
            if (p->workers[i].state != WORKER_NONE)
                async__process_worker_forget(&p->workers[i]);
        async__real_timer_close(&p->timer);
        return;
    }
    for (struct process_call *c; (c = p->head);) {
        async__process_call_dequeue(p, c);
        async__process_call_end(p, c, -EPIPE, closed);
    }
    for (unsigned i = 0; i < p->max_workers; i++) /* all, before the first is waited for */
        if (p->workers[i].state == WORKER_ALIVE)
            async__child_kill(&p->workers[i].child);
    for (unsigned i = 0; i < p->max_workers; i++)
        if (p->workers[i].state != WORKER_NONE)
            async__process_worker_close(&p->workers[i], closed);
    async__real_timer_close(&p->timer);
}
