/* SPDX-License-Identifier: MIT */
/* thread_task.c - thread tasks: tasks that are only a call on a thread.
 *
 * Such a task needs no stack. Where another task would run its first step, it is queued in the
 * thread pool, together with the thread tasks behind it in the ready queue. Where another task
 * would resume, it ends. In everything that can be seen from outside it behaves like a task that
 * awaits the call. For what every task does when it begins and when it ends, the loop's own stack
 * lends it a body. */
#include "pool/thread_task.h"

#include "base/alloc.h"
#include "pool/pools.h"
#include "pool/thread_call.h"
#include "pool/thread_pool.h"
#include "task/scope.h"
#include "task/task.h"

struct thread_task {
    struct task_start start; /* first, because the task's record points to it */
    struct job job;
    struct thread_call *failure; /* the message of its error, or NULL */
    int result;
    bool refused; /* with that result, because there was no thread */
};

static struct thread_task *thread_task_of(const async_task *t)
{
    return (struct thread_task *)t->start;
}

/* --- records --- */

static void keep_call_record(void *record, void *size)
{
    sanitizer_keep(record, *(size_t *)size);
}

static void thread_tasks_keep(struct pools *p)
{
    async__slab_each(&p->thread_tasks, keep_call_record, &(size_t){ p->thread_tasks.size });
}

static struct task_start *thread_task_alloc(struct loop *l)
{
    struct pools *p = async__pools(l);
    if (!p)
        return NULL;
    if (!p->keep_thread_tasks) {
        p->keep_thread_tasks = thread_tasks_keep;
        async__slab_init(&p->thread_tasks, sizeof(struct thread_task));
    }
    struct thread_task *x = slab_take(&p->thread_tasks);
    return x ? &x->start : NULL;
}

static void thread_task_free(struct loop *l, struct task_start *s)
{
    slab_give(&pools_of(l)->thread_tasks, s);
}

static void thread_task_release(struct loop *l, struct thread_task *x)
{
    async__free(x->failure);
    thread_task_free(l, &x->start);
}

/* --- on a thread of the pool --- */

/* Returns a copy, or NULL if there is no memory: then the error has no message. */
static struct thread_call *copy_failure(const struct thread_call *e)
{
    struct thread_call *copy = async__malloc(sizeof *copy);
    if (copy)
        *copy = *e;
    return copy;
}

static void run_thread_task(struct job *j)
{
    struct thread_task *x = (struct thread_task *)((char *)j - offsetof(struct thread_task, job));
    struct thread_call e NOT_CLEARED;
    x->result = async__thread_call_run(&e, j->name, thread_body_of(x->start.co.frame)->run,
                                       x->start.co.frame, x->start.context);
    x->start.context = NULL;
    if (x->result < 0 && e.code == x->result)
        x->failure = copy_failure(&e);
}

/* --- beginning --- */

/* Must the checkpoint of t, which has no scope of its own yet, be passed? */
static bool needs_check(const struct loop *l, const async_task *t)
{
    if (t->node.flags & TASK_CANCELLED_EARLY)
        return true;
    const async_scope *outer = t->group ? &t->group->scope : NULL;
    return outer && (outer->effectively_cancelled || outer->next_deadline != l->no_deadline);
}

/* Pass the checkpoint of t as every task does when it begins. Returns false if t was cancelled, and
 * has ended. */
static bool pass_checkpoint(struct loop *l, async_task *t)
{
    struct thread_task *x = thread_task_of(t);
    struct task_body b NOT_CLEARED;
    async__task_borrow_body(t, &b);
    int r = checkpoint(t);
    if (r == 0)
        t->start = &x->start;
    else
        async__task_end(t, r);
    l->sched.current = NULL;
    if (r < 0)
        thread_task_release(l, x);
    return r == 0;
}

static void begin_thread_task(struct loop *l, async_task *t, struct job_list *list)
{
    struct thread_task *x = thread_task_of(t);
    x->failure = NULL;
    x->refused = false;
    if (unlikely(needs_check(l, t)) && !pass_checkpoint(l, t))
        return;
    x->job = (struct job){ .work = run_thread_task, .name = x->start.co.name, .waiter = t };
    job_list_append(list, &x->job);
    t->node.kind = NODE_THREAD;
    t->node.state = TASK_PARKED;
    wait_is(t, WAITS_THREAD);
    l->external++;
}

/* There is no thread for these: end them as if they had begun, and had failed at once. */
static void refuse_jobs(const struct job_list *list, int err)
{
    for (struct job *j = list->first, *next; j; j = next) {
        struct thread_task *x = thread_task_of(j->waiter);
        next = j->next;
        x->result = err;
        x->refused = true;
        async__job_finish(j);
    }
}

/* Take the next entry of the ready queue if it is a thread task, too. A stepwise loop chooses the
 * order itself. */
static async_task *next_new_thread_task(struct loop *l)
{
    struct async_waiter *w = l->sched.ready.head;
    if (!w || w->kind != NODE_THREAD_NEW || l->stepwise || --l->sched.budget <= 0)
        return NULL;
    waitq_pop(&l->sched.ready, w);
    return task_of(w);
}

/* Begin t and the thread tasks that follow it: one lock and at most one wake-up for up to 64 of
 * them. */
static void begin_thread_tasks(struct loop *l, async_task *t)
{
    struct job_list list = { NULL, NULL };
    for (; t; t = next_new_thread_task(l))
        begin_thread_task(l, t, &list);
    if (!list.first)
        return;
    struct thread_pool *p = async__pool_of_kind(l, ASYNC_POOL_THREADS);
    int r = p ? async__thread_pool_put(p, &list) : -ENOMEM;
    if (r < 0)
        refuse_jobs(&list, r);
}

/* --- ending --- */

static int thread_task_result(struct thread_task *x)
{
    const struct thread_call *e = x->failure;
    if (x->refused)
        return async_fail_at(x->result, NULL, "no thread for %s", x->job.name);
    return e ? async_fail_at(x->result, e->site, "%s", e->message) : x->result;
}

static void end_thread_task(struct loop *l, async_task *t, struct thread_task *x)
{
    struct task_body b NOT_CLEARED;
    l->external--;
    async__task_borrow_body(t, &b);
    async__task_end(t, x->job.done ? thread_task_result(x) : async__deliver_cancel(t));
    l->sched.current = NULL;
    thread_task_release(l, x);
}

static void thread_task_step(struct loop *l, async_task *t)
{
    if (t->node.kind == NODE_THREAD_NEW) {
        begin_thread_tasks(l, t);
        return;
    }
    struct thread_task *x = thread_task_of(t);
    if (x->job.done ||
        async__thread_pool_take_back(pools_of(l)->by_kind[ASYNC_POOL_THREADS], &x->job)) {
        end_thread_task(l, t, x);
        return;
    }
    /* It was cancelled, but the call has begun, and its result counts. */
    t->node.state = TASK_PARKED;
    wait_is(t, WAITS_THREAD);
}

const struct task_kind async__thread_task_kind = { .run = await_thread_,
                                                   .alloc = thread_task_alloc,
                                                   .free = thread_task_free,
                                                   .step = thread_task_step };
