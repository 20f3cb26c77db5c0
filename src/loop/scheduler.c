/* SPDX-License-Identifier: MIT */
/* scheduler.c - how a task leaves its stack and which one runs next. The hot path of everything. */
#include "loop/scheduler.h"

#include <stdlib.h>

_Thread_local struct loop *async__loop;

/* gcc drops a branch that does nothing but prefetch, unless something else is in it. */
static inline void prefetch(const void *p)
{
    __builtin_prefetch(p);
    __asm__ volatile("");
}

/* A task that has slept is out of every cache. Fetch, while other tasks run, what the switch to it
 * will touch: the stack of the fourth entry of the ready queue, and records a few slots behind its
 * own, which is a guess, but tasks often run in the order in which they were created. */
static inline void prefetch_next(const struct scheduler *s)
{
    const struct async_waiter *w = s->ready.head;
    if (w && (w = w->next) && (w = w->next) && (w = w->next) && w->kind == NODE_TASK) {
        const async_task *t = (const async_task *)w;
        const char *frame = t->sp;
        prefetch(t + 8);
        prefetch(frame - 8);
        prefetch(frame + 56);
        prefetch(frame + 120);
        if (!(t->node.why & YIELDED))
            prefetch(t->body); /* the task may end */
    }
}

static inline struct sanitizer_stack *sanitizer_of(async_task *t)
{
    return &t->body->sanitizer;
}

/* t, which is suspended, is about to run. Returns what its switch returns: why it runs again. */
static inline int task_resume(struct scheduler *s, async_task *t)
{
    s->current = t;
    t->node.state = TASK_RUNNING;
    return t->node.why & WHY;
}

/* Count a step. Returns false if it is time for an iteration of the loop. */
static inline bool use_budget(struct loop *l)
{
    return likely(--l->sched.budget > 0) || async__budget_renew(l);
}

/* A body at the top of a stack from the pool. */
static NOINLINE struct task_body *body_on_new_stack(struct loop *l, uint8_t class, int *err)
{
    struct stack k;
    *err = async__stack_take(&l->stacks, class, &k);
    if (unlikely(*err < 0))
        return NULL;
    struct task_body *b = (struct task_body *)(void *)stack_top(&k) - 1;
    b->stack = k;
    return b;
}

void async__body_init(async_task *t, struct task_body *b)
{
    struct task_start *s = t->start;
    co_copy(&b->co, &s->co);
    b->context = s->context;
    b->site = s->site;
    body_reset(b);
    slab_give(&t->loop->starts, s);
    t->body = b;
}

/* --- the end of a task, and the start of the next one on the same stack --- */

/* The task on this stack has ended, and its record may be gone. If the next ready task is new, it
 * takes over this stack. If it is suspended, switch to it; otherwise switch to the loop. Returns
 * the task that runs on this stack next: at once, or later, when a new task has been given this
 * stack, which was kept in the cache. */
static inline async_task *switch_after_end(struct loop *l, struct task_body *b)
{
    struct scheduler *s = &l->sched;
    struct async_waiter *w = s->ready.head;
    bool direct = w && use_budget(l);
    s->credit = CREDIT;
    if (direct && w->kind == NODE_NEW && task_of(w)->start->stack_class == b->stack.class) {
        waitq_pop(&s->ready, w);
        fp_control_set(&s->fp);
        return task_of(w);
    }
    void *gone, **save = &gone, *sp = s->sp;
    struct sanitizer_stack *to = &s->sanitizer;
    int value = 0;
    s->current = NULL;
    if (direct && has_stack(w)) {
        async_task *t = task_of(w);
        waitq_pop(&s->ready, w);
        prefetch_next(s);
        value = task_resume(s, t);
        sp = t->sp;
        to = sanitizer_of(t);
    }
    if (likely(!s->cached.body && b->stack.class == s->default_class)) {
        s->cached.body = b;
        save = &s->cached.sp;
    } else {
        async__stack_give(&l->stacks, &b->stack);
    }
    sanitizer_switch_begin(&b->sanitizer, to, 1);
    async__switch_in_place(save, sp, value, &s->switching);
    if (!SWITCH_RESETS_FP)
        fp_control_set(&s->fp);
    return s->current; /* the new task for which this stack was taken from the cache */
}

/* The function at the bottom of every stack. It runs one task after another. */
static void stack_main(void)
{
    struct loop *l = async__loop;
    async_task *t = l->sched.current;
    struct task_body *b = t->body;
    sanitizer_switch_end_first(&b->sanitizer, &l->sched.sanitizer);
    fp_control_set(&l->sched.fp);
    for (;;) {
        l->sched.current = t;
        t->node.kind = NODE_TASK;
        t->node.state = TASK_RUNNING;
        async__task_run(t);
        t = switch_after_end(l, b);
        if (t->node.kind == NODE_NEW)
            async__body_init(t, b);
    }
}

/* Give a new task a stack. Returns where to switch to; NULL if there is no memory for a stack: then
 * the task has ended. */
static void *give_stack(struct loop *l, async_task *t)
{
    struct task_body *b = NULL;
    if (likely(t->start->stack_class == l->sched.default_class)) {
        b = take_cached_stack(l, t);
        if (!SANITIZED && likely(b != NULL))
            return t->sp;
    }
    if (!b) {
        int err;
        b = body_on_new_stack(l, t->start->stack_class, &err);
        if (unlikely(!b)) {
            async__task_fail_start(t, err);
            return NULL;
        }
    }
    async__body_init(t, b);
    sanitizer_stack_init(&b->sanitizer, b->stack.bottom, stack_size(&b->stack));
    t->sp = async__switch_prepare(b, stack_main, b->stack.bottom);
    return t->sp;
}

/* --- the switch --- */

/* The next ready entry is not a task that has a stack, or the budget is spent. Returns the stack
 * pointer to switch to. */
static NOINLINE void *next_stack(struct loop *l)
{
    struct scheduler *s = &l->sched;
    struct async_waiter *w = s->ready.head;
    if (!w || w->kind != NODE_NEW || !use_budget(l)) {
        if (unlikely(l->debug))
            l->observer->step_park(l, s->current);
        s->current = NULL;
        return s->sp;
    }
    s->current = NULL;
    async_task *new_task = task_of(w);
    waitq_pop(&s->ready, w);
    void *sp = give_stack(l, new_task);
    if (!sp)
        return s->sp;
    s->current = new_task;
    return sp;
}

/* Leave the stack of t for the stack `to`. Returns why t runs again. */
static inline __attribute__((always_inline)) enum wake leave_stack(struct scheduler *s,
                                                                   async_task *t, void *to,
                                                                   int value)
{
    sanitizer_switch_begin(sanitizer_of(t), s->current ? sanitizer_of(s->current) : &s->sanitizer,
                           0);
#if SANITIZED
    int why = async__switch(&t->sp, to, value, &s->switching);
    sanitizer_switch_end(sanitizer_of(t));
    return (enum wake)why;
#else
    return (enum wake)async__switch(&t->sp, to, value, &s->switching);
#endif
}

/* Switch from t to the task `to`, the first entry of the ready queue, which has a stack. */
static inline __attribute__((always_inline)) enum wake switch_to_task(struct loop *l, async_task *t,
                                                                      async_task *to)
{
    struct scheduler *s = &l->sched;
    s->credit = CREDIT;
    waitq_pop(&s->ready, &to->node);
    int value = task_resume(s, to);
    if (unlikely(to == t))
        return (enum wake)value;
    prefetch_next(s);
    return leave_stack(s, t, to->sp, value);
}

/* Slow path of switch_away(). */
static NOINLINE enum wake switch_away_slowly(struct loop *l, async_task *t)
{
    struct scheduler *s = &l->sched;
    struct async_waiter *w = s->ready.head;
    if (w && has_stack(w) && async__budget_renew(l))
        return switch_to_task(l, t, task_of(w));
    s->credit = CREDIT;
    return leave_stack(s, t, next_stack(l), 0);
}

/* Switch away from t, which is parked or ready. If the next ready entry is a task that has a stack,
 * switch to it directly; otherwise return to the loop's own stack, or start a new task. Returns why
 * t runs again. */
static inline __attribute__((always_inline)) enum wake switch_away(struct loop *l, async_task *t)
{
    struct async_waiter *w = l->sched.ready.head;
    if (likely(w && has_stack(w) && --l->sched.budget > 0))
        return switch_to_task(l, t, task_of(w));
    return switch_away_slowly(l, t);
}

enum wake async__park(struct loop *l, async_task *t, async_waitq *q)
{
    t->queue = q;
    if (q)
        waitq_push(q, &t->node);
    t->node.state = TASK_PARKED;
    return switch_away(l, t);
}

/* Nothing wakes a task that yields, so the result is WOKEN, which is 0. */
int async__yield(struct loop *l, async_task *t)
{
    t->node.state = TASK_READY;
    t->node.why = WOKEN | HAS_SUSPENDED | YIELDED;
    ready_push(l, &t->node);
    return (int)switch_away(l, t);
}

/* --- steps that the loop itself runs, on its own stack --- */

static void run_task(struct loop *l, async_task *t)
{
    struct scheduler *s = &l->sched;
    if (t->node.kind == NODE_NEW && !give_stack(l, t))
        return;
    int value = task_resume(s, t);
    sanitizer_switch_begin(&s->sanitizer, sanitizer_of(t), 0);
    async__switch_in_place(&s->sp, t->sp, value, &s->switching);
    sanitizer_switch_end(&s->sanitizer);
    s->current = NULL;
}

static inline struct async_waiter *ready_pop(struct loop *l)
{
    struct async_waiter *w = l->sched.ready.head;
    if (unlikely(l->seed))
        w = async__pick_random(l);
    waitq_remove(&l->sched.ready, w);
    return w;
}

static void run_step(struct loop *l, struct async_waiter *w)
{
    switch (w->kind) {
    case NODE_MARKER:
        ((struct ready_marker *)w)->passed = true;
        break;
    case NODE_CALLBACK:
        async__callback_run((async_callback *)w);
        break;
    case NODE_THREAD:
    case NODE_THREAD_NEW:
        l->thread_task->step(l, task_of(w));
        break;
    default:
        run_task(l, task_of(w));
    }
}

void async__loop_run(struct loop *l, const struct ready_marker *until)
{
    while (!loop_is_over(l) && !(until && until->passed)) {
        if (!l->sched.ready.head || !(l->stepwise ? --l->steps > 0 : use_budget(l)))
            async__loop_iterate(l);
        if (!l->sched.ready.head)
            continue;
        struct async_waiter *w = ready_pop(l);
        bool observed = unlikely(l->debug) && w->kind != NODE_MARKER;
        if (observed)
            l->observer->step_begin(l, w);
        run_step(l, w);
        if (observed)
            l->observer->step_end(l);
    }
}

void async__marker_put(struct loop *l, struct ready_marker *m)
{
    *m = (struct ready_marker){ .node.kind = NODE_MARKER };
    ready_push(l, &m->node);
}

void async__marker_remove(struct loop *l, struct ready_marker *m)
{
    if (!m->passed && !l->forked) /* in the child of a fork() the queue was emptied */
        waitq_remove(&l->sched.ready, &m->node);
    m->node.kind = 0;
}

/* Ctrl-C stops a loop again in each iteration, but the marker may be put only once. */
void async__loop_stop(struct loop *l)
{
    if (l->done_callbacks > 0 && !l->stop)
        async__marker_put(l, &l->last);
    l->stop = true;
    l->sched.budget = 0; /* so that the next switch returns to the loop */
}

/* --- the end of a wait --- */

async_task *async__wake_first(async_waitq *q, int value)
{
    struct async_waiter *w = q->head;
    if (!w)
        return NULL;
    async_task *t = task_of(w);
    t->value = value;
    async__wake(t, WOKEN);
    return t;
}

void async__wake_all(async_waitq *q, int value)
{
    while (async__wake_first(q, value))
        ;
}

void async__wrong_thread(const async_task *t)
{
    struct task_label label = async__task_label(t);
    if (t->loop->forked)
        async__warn("a child of fork() wakes task \"%s\" of its parent's loop; in the child, call "
                    "exec or _exit(), or async_run() for a loop of its own",
                    label.text);
    else
        async__warn("a thread wakes task \"%s\" of another thread's loop; use "
                    "async_call_soon_threadsafe()",
                    label.text);
    abort();
}
