/* SPDX-License-Identifier: MIT */
/* thread_task.c - tasks that are nothing but a call on a thread. Such a task needs no stack: where another one would run its
 * first step, it is put in the line of the pool, together with its like behind it in the ready queue, and where another one
 * would go on, it ends. So in everything that can be seen from outside it is as if it awaited the call. For what a task
 * does at its beginning and at its end, the loop's own stack lends it a body. */
#include "base/alloc.h"
#include "pool/crew.h"
#include "pool/pools.h"
#include "pool/thread_task.h"
#include "task/error.h"
#include "task/scope.h"
#include "task/task.h"

struct direct {
    struct task_start start; /* first: it is what the task's record points to */
    struct job job;
    struct thread_call *said; /* of its failure, or NULL */
    int result;
    bool refused; /* with that result: there was no thread */
};

static const struct async_thread_body *body_of(const void *frame)
{
    const struct async_thread_body *body;
    memcpy(&body, (const char *)frame + ASYNC__THREAD_ROOM, sizeof body);
    return body;
}

void async__thread_unpack(async_co *co)
{
    const struct async_thread_body *body = body_of(co->frame);
    co->run = body->run;
    co->name = body->name;
}

/* The long way: in a task that has a stack. */
int await_thread_(void *frame)
{
    async_co co = { .run = await_thread_ };
    memcpy(co.frame, frame, ASYNC_FRAME_MAX);
    return await_to_thread(co);
}

static struct task_start *thread_task_alloc(struct loop *l)
{
    struct pools *p = async__pools(l);
    if (!p)
        return NULL;
    if (!p->thread_tasks.size)
        async__slab_init(&p->thread_tasks, sizeof(struct direct));
    struct direct *d = slab_take(&p->thread_tasks);
    return d ? &d->start : NULL;
}

static void thread_task_free(struct loop *l, struct task_start *s)
{
    slab_give(&pools_of(l)->thread_tasks, s);
}

static void keep_record(void *record, void *size)
{
    sanitizer_keep(record, *(size_t *)size);
}

void async__thread_tasks_keep(struct pools *p)
{
    async__slab_each(&p->thread_tasks, keep_record, &(size_t){ p->thread_tasks.size });
}

static struct direct *direct_of(const async_task *t)
{
    return (struct direct *)t->start;
}

/* --- on the worker's thread --- */

/* Without memory for its words an error goes without them. */
static struct thread_call *kept(const struct thread_call *e)
{
    struct thread_call *copy = async__malloc(sizeof *copy);
    if (copy)
        *copy = *e;
    return copy;
}

static void make_call(struct job *j)
{
    struct direct *d = (struct direct *)((char *)j - offsetof(struct direct, job));
    struct thread_call e NOT_CLEARED;
    d->result = async__thread_call_run(&e, j->name, body_of(d->start.co.frame)->run, d->start.co.frame,
                                  d->start.context);
    d->start.context = NULL;
    if (d->result < 0 && e.code == d->result)
        d->said = kept(&e);
}

/* --- on the loop's --- */

static void forget(struct loop *l, struct direct *d)
{
    async__free(d->said);
    slab_give(&pools_of(l)->thread_tasks, d);
}

/* Is its checkpoint one that has to look? */
static bool is_alert(const struct loop *l, const async_task *t)
{
    const async_scope *around = t->group ? &t->group->scope : NULL;
    return t->node.flags & TASK_CANCELLED_EARLY || (around && (around->effectively_cancelled || around->next_deadline != l->no_deadline));
}

/* What every task does first. false: it was cancelled, and has ended. */
static bool passes(struct loop *l, async_task *t)
{
    struct direct *d = direct_of(t);
    struct task_body b NOT_CLEARED;
    async__task_borrow_body(t, &b);
    int r = checkpoint(t);
    if (r == 0)
        t->start = &d->start;
    else
        async__task_end(t, r);
    l->sched.current = NULL;
    if (r < 0)
        forget(l, d);
    return r == 0;
}

static void begin(struct loop *l, async_task *t, struct jobs *list)
{
    struct direct *d = direct_of(t);
    d->said = NULL;
    d->refused = false;
    if (unlikely(is_alert(l, t)) && !passes(l, t))
        return;
    d->job = (struct job){ .work = make_call, .name = d->start.co.name, .waiter = t };
    jobs_append(list, &d->job);
    t->node.kind = NODE_THREAD;
    t->node.state = TASK_PARKED;
    wait_is(t, WAITS_THREAD);
    l->external++;
}

/* There is no thread for them: as if they had been there, and had failed at once. */
static void refuse(const struct jobs *list, int err)
{
    for (struct job *j = list->first, *next; j; j = next) {
        struct direct *d = direct_of(j->waiter);
        next = j->next;
        d->result = err;
        d->refused = true;
        async__job_done(j);
    }
}

/* The next in the ready queue, if it is another one. A seeded loop has an order of its own. */
static async_task *next_of_them(struct loop *l)
{
    struct async_waiter *w = l->sched.ready.head;
    if (!w || w->kind != NODE_THREAD_NEW || l->stepwise || --l->sched.budget <= 0)
        return NULL;
    waitq_pop(&l->sched.ready, w);
    return task_of(w);
}

static void begin_all(struct loop *l, async_task *t)
{
    struct jobs list = { NULL, NULL };
    for (; t; t = next_of_them(l))
        begin(l, t, &list);
    if (!list.first)
        return;
    struct crew *c = async__crew_of(l, ASYNC_POOL_THREADS);
    int r = c ? async__crew_put(c, &list) : -ENOMEM;
    if (r < 0)
        refuse(&list, r);
}

static int verdict(struct direct *d)
{
    const struct thread_call *e = d->said;
    if (d->refused)
        return async_fail_at(d->result, NULL, "no thread for %s", d->job.name);
    return e ? async_fail_at(d->result, e->site, "%s", e->message) : d->result;
}

static void end(struct loop *l, async_task *t, struct direct *d)
{
    struct task_body b NOT_CLEARED;
    l->external--;
    async__task_borrow_body(t, &b);
    async__task_end(t, d->job.done ? verdict(d) : async__deliver_cancel(t));
    l->sched.current = NULL;
    forget(l, d);
}

static void thread_task_step(struct loop *l, async_task *t)
{
    if (t->node.kind == NODE_THREAD_NEW) {
        begin_all(l, t);
        return;
    }
    struct direct *d = direct_of(t);
    if (d->job.done || async__crew_take_back(pools_of(l)->threads[ASYNC_POOL_THREADS], &d->job)) {
        end(l, t, d);
        return;
    }
    t->node.state = TASK_PARKED; /* cancelled, but it has begun */
    wait_is(t, WAITS_THREAD);
}

const struct task_kind async__thread_task_kind = {
    .run = await_thread_, .alloc = thread_task_alloc, .free = thread_task_free, .step = thread_task_step
};
