/* SPDX-License-Identifier: MIT */
/* park.c - how a task leaves, and who comes next. The hot path of everything. */
#include "arch/fp.h"
#include "arch/switch.h"
#include "loop/loop.h"

_Thread_local struct loop *async__loop;

/* A task that has slept is out of every cache. Fetch what the switch to it will touch while others run: the stack of the
 * fourth in line, a page of its own, and, for those who read on here, the records some places behind its own: a guess,
 * but tasks often run in the order in which they were made. */
static inline void fetch_ahead(struct loop *l)
{
    const struct async_waiter *w = l->ready.head;
    for (int i = 0; i < 3 && w; i++)
        w = w->next;
    if (w && w->kind == NODE_TASK) {
        const async_task *t = (const async_task *)w;
        const char *frame = t->sp;
        __builtin_prefetch(t + 8);
        __builtin_prefetch(frame - 24);
        __builtin_prefetch(frame + 8);
        __builtin_prefetch(frame + 72);
        __builtin_prefetch(frame + 136);
    }
}

static inline struct async_waiter *ready_pop(struct loop *l)
{
    struct async_waiter *w = l->ready.head;
    if (unlikely(l->seed))
        w = async__pick(l);
    waitq_remove(&l->ready, w);
    return w;
}

static inline struct sanitizer_stack *sanitizer_of(async_task *t)
{
    return &t->body->sanitizer;
}

/* Who is next is not a task with a stack, or it is time for a turn. */
static NOINLINE void *next_place(struct loop *l)
{
    struct async_waiter *w = l->ready.head;
    if (!w || w->kind != NODE_NEW || --l->budget <= 0) {
        if (unlikely(l->debug))
            async__step_parks(l, l->current);
        l->current = NULL;
        return l->sp;
    }
    l->current = NULL;
    async_task *fresh = task_of(w);
    waitq_pop(&l->ready, w);
    void *sp = async__begin(l, fresh);
    if (!sp)
        return l->sp;
    l->current = fresh;
    return sp;
}

/* From t, which is parked or ready, to whoever is next: a task that has a stack, straight; else by way of the loop. */
static inline __attribute__((always_inline)) void leave(struct loop *l, async_task *t)
{
    int saved = *l->errno_at;
    struct async_waiter *w = l->ready.head;
    void *sp;
    if (likely(w && w->kind == NODE_TASK && --l->budget > 0)) {
        async_task *to = task_of(w);
        waitq_pop(&l->ready, w);
        if (unlikely(to == t))
            goto stay;
        fetch_ahead(l);
        l->current = to;
        sp = to->sp;
    } else {
        sp = next_place(l);
    }
    sanitizer_switch_begin(sanitizer_of(t), l->current ? sanitizer_of(l->current) : &l->sanitizer, 0);
    async__switch(&t->sp, sp);
    sanitizer_switch_end(sanitizer_of(t));
stay:
    t->node.state = TASK_RUNNING;
    *l->errno_at = saved;
}

enum wake async__park(struct loop *l, async_task *t, async_waitq *q)
{
    t->queue = q;
    if (q)
        waitq_push(q, &t->node);
    t->node.state = TASK_PARKED;
    leave(l, t);
    return t->node.why & WHY;
}

int async__yield(struct loop *l, async_task *t)
{
    t->node.state = TASK_READY;
    t->node.why = WOKEN | HAS_SUSPENDED;
    ready_push(l, &t->node);
    leave(l, t);
    return 0;
}

/* The task on this stack has ended, its record may be gone. The next one to start takes the stack over, the next one
 * to go on is switched to, else the loop. Whom to run here next: at once, or when the stack, kept at hand, has been
 * taken up again. */
static inline async_task *after_end(struct loop *l, struct body *b)
{
    struct async_waiter *w = l->ready.head;
    bool direct = w && --l->budget > 0;
    if (direct && w->kind == NODE_NEW && task_of(w)->start->stack_class == b->stack.class) {
        waitq_pop(&l->ready, w);
        return task_of(w);
    }
    void *gone, **save = &gone, *sp = l->sp;
    struct sanitizer_stack *to = &l->sanitizer;
    l->current = NULL;
    if (direct && w->kind == NODE_TASK) {
        async_task *t = task_of(w);
        waitq_pop(&l->ready, w);
        fetch_ahead(l);
        l->current = t;
        sp = t->sp;
        to = sanitizer_of(t);
    }
    if (likely(!l->cached_body && b->stack.class == l->default_class)) {
        l->cached_body = b;
        save = &l->cached_sp;
    } else {
        async__stack_give(&l->stacks, &b->stack);
    }
    sanitizer_switch_begin(&b->sanitizer, to, 1);
    async__switch(save, sp);
    return l->current; /* the stack was at hand for it */
}

/* The first function on every stack. */
static void entry(void)
{
    struct loop *l = async__loop;
    async_task *t = l->current;
    struct body *b = t->body;
    sanitizer_switch_end_first(&b->sanitizer, &l->sanitizer);
    fp_control_set(&l->fp);
    for (;;) {
        l->current = t;
        t->node.kind = NODE_TASK;
        t->node.state = TASK_RUNNING;
        async__task_run(t);
        t = after_end(l, b);
        fp_control_set(&l->fp);
        async__body_init(t, b);
    }
}

/* Turn what the task starts with into a body. */
void async__body_init(async_task *t, struct body *b)
{
    struct start *s = t->start;
    co_copy(&b->co, &s->co);
    b->context = s->context;
    b->site = s->site;
    body_fresh(b);
    slab_give(&t->loop->starts, s);
    t->body = b;
}

/* A body on a stack from the pool. */
static NOINLINE struct body *new_body(struct loop *l, uint8_t class, int *err)
{
    struct stack k;
    *err = async__stack_take(&l->stacks, class, &k);
    if (unlikely(*err < 0))
        return NULL;
    struct body *b = (struct body *)(k.bottom + stack_size(&k)) - 1;
    b->stack = k;
    return b;
}

/* The stack of the task that ended last, if it has the usual size, is kept at hand, and the function at its bottom goes
 * on where it was left. A sanitizer wants to hear of a new stack. */
void *async__begin(struct loop *l, async_task *t)
{
    struct body *b = l->cached_body;
    if (likely(b && t->start->stack_class == l->default_class)) {
        l->cached_body = NULL;
        if (!SANITIZED)
            return t->sp = l->cached_sp;
    } else {
        int err;
        b = new_body(l, t->start->stack_class, &err);
        if (unlikely(!b)) {
            async__task_fail_start(t, err);
            return NULL;
        }
    }
    async__body_init(t, b);
    sanitizer_stack_init(&b->sanitizer, b->stack.bottom, stack_size(&b->stack));
    t->sp = async__switch_prepare(b, entry, b->stack.bottom);
    return t->sp;
}

/* From the loop's own stack. */
static void run_task(struct loop *l, async_task *t)
{
    if (t->node.kind == NODE_NEW && !async__begin(l, t))
        return;
    l->current = t;
    sanitizer_switch_begin(&l->sanitizer, sanitizer_of(t), 0);
    async__switch(&l->sp, t->sp);
    sanitizer_switch_end(&l->sanitizer);
    l->current = NULL;
}

static void run_callback(async_callback *cb)
{
    cb->state = 0; /* before it runs: it may be used again in it, or its memory freed */
    struct thread_context before = context_enter(cb->context);
    cb->fn(cb->arg);
    context_leave(before);
}

void async__loop_run(struct loop *l)
{
    while (!loop_is_over(l) && !l->iteration_over) {
        if (!l->ready.head || (l->stepwise ? --l->steps : --l->budget) <= 0)
            async__loop_iterate(l);
        if (!l->ready.head)
            continue;
        struct async_waiter *w = ready_pop(l);
        if (unlikely(l->debug))
            async__step_begins(l, w);
        if (w->kind == NODE_CALLBACK)
            run_callback((async_callback *)w);
        else if (w->kind == NODE_THREAD || w->kind == NODE_THREAD_NEW)
            async__thread_task_step(l, task_of(w));
        else
            run_task(l, task_of(w));
        if (unlikely(l->debug))
            async__step_ends(l);
    }
}

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
