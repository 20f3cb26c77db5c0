/* SPDX-License-Identifier: MIT */
/* schedule.c - queues of origins, the turns of origins, slots, pauses and the rate. */
#include "schedule.h"

#include "retry.h"
#include "url.h"

#include <string.h>

enum {
    IDLE_ORIGINS = 4096,         /* whose pauses are remembered, at most */
    LOOK_AHEAD_BYTES = 32 << 20, /* of requests that wait, at most */
};

void schedule_init(struct run *f, async_co (*start)(struct job *j), void (*give_up)(struct job *j))
{
    f->schedule.start = start;
    f->schedule.give_up = give_up;
    rate_limit_init(&f->schedule.rate, f->o.rate, f->o.burst);
    origins_init(&f->origins, IDLE_ORIGINS);
}

/* ---- the queue of an origin ---- */

/* Insert a job in the order of the input. A new request goes to the end; one that is repeated goes
 * past the others that are repeated, which are few and at the front. */
static void queue_insert(struct origin_schedule *q, struct job *j)
{
    struct job **at = &q->first;
    if (q->last && q->last->request.index < j->request.index)
        at = &q->last->queued;
    while (*at && (*at)->request.index < j->request.index)
        at = &(*at)->queued;
    j->queued = *at;
    j->in_queue = true;
    *at = j;
    if (!j->queued)
        q->last = j;
}

static struct job *queue_take_first(struct origin_schedule *q)
{
    struct job *j = q->first;
    q->first = j->queued;
    if (!q->first)
        q->last = NULL;
    j->queued = NULL;
    j->in_queue = false;
    return j;
}

/* Remove a job. This is linear, but needed only when a run is stopped, and then from the front. */
static void queue_remove(struct origin_schedule *q, struct job *j)
{
    struct job *before = NULL, **at = &q->first;
    while (*at != j) {
        before = *at;
        at = &before->queued;
    }
    *at = j->queued;
    if (q->last == j)
        q->last = before;
    j->queued = NULL;
}

/* ---- the turns of origins ---- */

static void list_origin(struct run *f, struct origin *o);

static void on_pause_end(void *arg)
{
    struct origin *o = arg;
    o->schedule.armed = false;
    list_origin(o->schedule.run, o);
    schedule_run(o->schedule.run);
}

/* Can the origin start an attempt now? If it has to wait for the end of a pause, arrange that it is
 * examined again then. */
static bool origin_can_start(struct run *f, struct origin *o)
{
    struct origin_schedule *q = &o->schedule;
    if (!q->first || (f->o.per_host && q->active >= f->o.per_host) ||
        (f->o.adaptive && q->active >= (long)q->limit))
        return false;
    int64_t now = monotonic_ns(), wait = origin_delay(o, now);
    int64_t token = rate_limit_delay(&q->rate, now);
    wait = wait > token ? wait : token;
    if (wait > 0 && !q->armed) {
        q->armed = true;
        q->run = f;
        async_call_later(&q->wake, (double)wait * 1e-9, on_pause_end, o);
    }
    return wait <= 0;
}

/* Give the origin a turn if it can use one. */
static void list_origin(struct run *f, struct origin *o)
{
    struct schedule *s = &f->schedule;
    if (o->schedule.listed || !origin_can_start(f, o))
        return;
    o->schedule.listed = true;
    o->schedule.next = NULL;
    if (s->last)
        s->last->schedule.next = o;
    else
        s->first = o;
    s->last = o;
}

/* Remove the origin behind `before`, or the first one if that is NULL. */
static struct origin *unlist_origin(struct schedule *s, struct origin *before)
{
    struct origin **at = before ? &before->schedule.next : &s->first;
    struct origin *o = *at;
    *at = o->schedule.next;
    if (s->last == o)
        s->last = before;
    o->schedule.listed = false;
    return o;
}

/* The last job of the origin ends: neither its turn nor its timer may find it any more. */
static void forget_origin(struct run *f, struct origin *o)
{
    struct origin_schedule *q = &o->schedule;
    if (q->armed)
        async_callback_cancel(&q->wake);
    q->armed = false;
    struct origin *before = NULL;
    for (struct origin *p = f->schedule.first; q->listed && p != o; p = p->schedule.next)
        before = p;
    if (q->listed)
        unlist_origin(&f->schedule, before);
}

/* ---- starting attempts ---- */

/* Return the origin that has the next turn, and whose place in the list is behind *before. NULL if
 * none may start an attempt. When the memory of --keep-order is used up, that is only the origin of
 * the job whose line is printed next. That job is the first in its queue, as it has the smallest
 * index of all. */
static struct origin *next_origin(const struct run *f, struct origin **before)
{
    struct origin *o = f->schedule.first;
    *before = NULL;
    if (!f->o.keep_order || !order_is_full(&f->order))
        return o;
    for (; o; *before = o, o = o->schedule.next)
        if (o->schedule.first && o->schedule.first->request.index == f->order.next)
            return o;
    return NULL;
}

static void on_token(void *arg)
{
    struct run *f = arg;
    f->schedule.armed = false;
    schedule_run(f);
}

/* Does --rate allow an attempt now? Otherwise arrange that it is tried again. */
static bool has_token(struct run *f)
{
    struct schedule *s = &f->schedule;
    int64_t wait = rate_limit_delay(&s->rate, monotonic_ns());
    if (wait > 0 && !s->armed) {
        s->armed = true;
        async_call_later(&s->token, (double)wait * 1e-9, on_token, f);
    }
    return wait <= 0;
}

/* Start an attempt of the first job of an origin. If there is no memory for a task, the group of
 * the run fails, and the job is skipped with those that wait. */
static void start_first_job(struct run *f, struct origin *o)
{
    struct job *j = queue_take_first(&o->schedule);
    f->schedule.waiting--;
    f->schedule.waiting_size -= j->size;
    f->schedule.active++;
    o->schedule.active++;
    rate_limit_take(&o->schedule.rate, monotonic_ns());
    async_spawn(f->group, f->schedule.start(j));
}

static bool is_demanded(const struct run *f)
{
    const struct schedule *s = &f->schedule;
    return !s->first && s->active < f->o.jobs && s->waiting < (size_t)f->o.look_ahead &&
           s->waiting_size < LOOK_AHEAD_BYTES;
}

void schedule_run(struct run *f)
{
    struct schedule *s = &f->schedule;
    struct origin *o, *before;
    if (f->stop != STOP_NONE)
        return;
    while (s->active < f->o.jobs && (o = next_origin(f, &before)) && has_token(f)) {
        unlist_origin(s, before);
        if (!origin_can_start(f, o)) /* a pause has begun since it was listed */
            continue;
        rate_limit_take(&s->rate, monotonic_ns());
        start_first_job(f, o);
        list_origin(f, o);
    }
    if (is_demanded(f))
        async_event_set(&s->demand);
}

/* ---- how an origin does ---- */

static long adaptive_max(const struct run *f)
{
    return f->o.per_host ? f->o.per_host : f->o.jobs;
}

/* Halve the limit of an origin that is overloaded, and raise it by one for each round of good
 * responses. */
static void adapt_limit(struct run *f, struct origin_schedule *q, int status)
{
    double most = (double)adaptive_max(f);
    if (status == 429 || status == 503)
        q->limit = q->limit > 2 ? q->limit / 2 : 1;
    else if (status && status < 500)
        q->limit = q->limit + 1 / q->limit < most ? q->limit + 1 / q->limit : most;
}

static void give_up_job(struct job *j)
{
    struct run *f = j->run;
    f->schedule.waiting--;
    f->schedule.waiting_size -= j->size;
    f->schedule.give_up(j);
}

/* Give an origin up, and all jobs that wait for it. It is remembered until the end of the run. */
static void give_up_origin(struct run *f, struct origin *o)
{
    o->schedule.given_up = true;
    o->kept_until = INT64_MAX;
    o->holds++;
    while (o->schedule.first)
        give_up_job(queue_take_first(&o->schedule));
    origins_release(&f->origins, o, monotonic_ns());
}

static void count_failures(struct run *f, struct origin *o, const struct failure *failure,
                           int status)
{
    if (failure->kind == FAILURE_CANCELLED || failure->kind == FAILURE_LOCAL)
        return;
    o->schedule.failures = status ? 0 : o->schedule.failures + 1;
    if (f->o.host_failures && o->schedule.failures >= f->o.host_failures && !o->schedule.given_up &&
        f->stop == STOP_NONE)
        give_up_origin(f, o);
}

bool schedule_is_given_up(const struct job *j)
{
    return j->origin->schedule.given_up;
}

/* ---- jobs ---- */

/* Set up the part of the schedule of an origin that is new. */
static void begin_origin(struct run *f, struct origin *o)
{
    struct origin_schedule *q = &o->schedule;
    if (q->begun)
        return;
    q->begun = true;
    q->limit = (double)adaptive_max(f);
    rate_limit_init(&q->rate, f->o.rate_host, f->o.burst);
}

static void queue_job(struct job *j)
{
    if (j->origin->schedule.given_up) {
        give_up_job(j);
        return;
    }
    queue_insert(&j->origin->schedule, j);
    list_origin(j->run, j->origin);
    schedule_run(j->run);
}

int schedule_job(struct job *j)
{
    struct run *f = j->run;
    char name[URL_ORIGIN_MAX];
    url_origin(j->request.url, name);
    int r = origins_hold(&f->origins, name, &j->origin);
    if (r < 0)
        return r;
    begin_origin(f, j->origin);
    f->schedule.waiting++;
    f->schedule.waiting_size += j->size;
    queue_job(j);
    return 0;
}

static void on_delay_end(void *arg)
{
    struct job *j = arg;
    j->delayed = false;
    j->run->display.retrying--;
    queue_job(j);
}

void schedule_retry(struct job *j, double seconds)
{
    struct run *f = j->run;
    f->schedule.waiting++;
    f->schedule.waiting_size += j->size;
    f->display.retrying++;
    j->delayed = true;
    async_call_later(&j->delay, seconds, on_delay_end, j);
}

void schedule_end(struct job *j, const struct failure *failure, int status)
{
    j->origin->schedule.active--;
    adapt_limit(j->run, &j->origin->schedule, status);
    count_failures(j->run, j->origin, failure, status);
    list_origin(j->run, j->origin);
    schedule_run(j->run);
}

void schedule_leave(struct run *f)
{
    f->schedule.active--;
    schedule_run(f);
}

void schedule_remove(struct job *j)
{
    struct run *f = j->run;
    struct origin *o = j->origin;
    if (!o)
        return;
    if (j->delayed) {
        async_callback_cancel(&j->delay);
        f->display.retrying--;
    } else if (j->in_queue) {
        queue_remove(&o->schedule, j);
    }
    if (o->holds == 1) {
        forget_origin(f, o);
        o->kept_until =
                o->kept_until > o->schedule.rate.full ? o->kept_until : o->schedule.rate.full;
    }
    origins_release(&f->origins, o, monotonic_ns());
}

double schedule_pause(struct run *f, const async_http_response *response)
{
    bool may_request = response && retry_status(response->status);
    double seconds = may_request ? async_http_retry_after(response) : -1;
    char name[URL_ORIGIN_MAX];
    struct origin *o;
    if (seconds < 0)
        return 0;
    if (seconds > f->o.retry_after_max)
        seconds = f->o.retry_after_max;
    url_origin(response->url, name);
    if (origins_hold(&f->origins, name, &o) == 0) {
        origin_pause(o, monotonic_ns(), (int64_t)(seconds * 1e9));
        origins_release(&f->origins, o, monotonic_ns());
    }
    return seconds;
}

int await_demand(struct run *f)
{
    while (!is_demanded(f)) {
        async_event_clear(&f->schedule.demand);
        ASYNC_TRY(await_event_wait(&f->schedule.demand));
    }
    return 0;
}
