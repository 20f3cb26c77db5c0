/* SPDX-License-Identifier: MIT */
/* park.c - how a task leaves, and who comes next. The hot path of everything. */
#include "arch/fp.h"
#include "arch/switch.h"
#include "loop/loop.h"

_Thread_local struct loop *async__loop;

/* How far ahead in the ready queue a task's saved frame is fetched into the cache. */
static inline void fetch_ahead(struct loop *l)
{
    struct async_waiter *w = l->ready.head;
    if (w && w->kind == NODE_TASK)
        __builtin_prefetch(task_of(w)->sp);
}

static inline struct async_waiter *ready_pop(struct loop *l)
{
    struct async_waiter *w = l->ready.head;
    if (unlikely(l->seed))
        w = async__pick(l);
    waitq_remove(&l->ready, w);
    return w;
}

static inline struct stack_note *note_of(async_task *t)
{
    return &t->body->note;
}

/* What runs after a switch, on the new stack. */
static inline void arrived(struct loop *l, async_task *t)
{
    l->current = t;
    t->node.state = TASK_RUNNING;
    note_arrive(note_of(t));
}

/* From t, which is parked, to whoever is next: the next task, if it has a stack, or the loop. */
static inline void leave(struct loop *l, async_task *t)
{
    int saved = errno;
    struct async_waiter *w = l->ready.head;
    if (likely(w && w->kind == NODE_TASK && --l->budget > 0 && !l->seed)) {
        async_task *to = task_of(w);
        waitq_remove(&l->ready, w);
        if (likely(to != t)) {
            fetch_ahead(l);
            note_leave(note_of(t), note_of(to), 0);
            l->current = to;
            async__switch(&t->sp, to->sp);
        }
    } else {
        async_task *fresh = NULL;
        void *sp = l->sp;
        if (w && w->kind == NODE_NEW && l->budget > 0 && !l->seed) {
            fresh = task_of(w);
            waitq_remove(&l->ready, w);
            sp = async__begin(l, fresh);
            if (!sp)
                fresh = NULL, sp = l->sp;
        }
        l->current = fresh;
        note_leave(note_of(t), fresh ? note_of(fresh) : &l->note, 0);
        async__switch(&t->sp, sp);
    }
    arrived(l, t);
    errno = saved;
}

enum wake async__park(struct loop *l, async_task *t, async_waitq *q)
{
    t->queue = q;
    if (q)
        waitq_push(q, &t->node);
    t->node.state = TASK_PARKED;
    leave(l, t);
    return t->node.why;
}

void async__yield(struct loop *l, async_task *t)
{
    t->node.state = TASK_READY;
    t->node.why = WOKEN;
    ready_push(l, &t->node);
    leave(l, t);
}

/* The task on this stack has ended, its record may be gone. The next one to start takes the stack over, the next one
 * to go on is switched to, else the loop. */
static inline async_task *after_end(struct loop *l, struct body *b)
{
    struct async_waiter *w = l->ready.head;
    bool direct = w && --l->budget > 0 && !l->seed;
    if (direct && w->kind == NODE_NEW && task_of(w)->start->stack_class == b->stack.class) {
        waitq_remove(&l->ready, w);
        return task_of(w);
    }
    void *gone, *sp = l->sp;
    struct stack_note *to = &l->note;
    l->current = NULL;
    if (direct && w->kind == NODE_TASK) {
        async_task *t = task_of(w);
        waitq_remove(&l->ready, w);
        fetch_ahead(l);
        l->current = t;
        sp = t->sp;
        to = note_of(t);
    }
    async__stack_give(&l->stacks, &b->stack);
    note_leave(&b->note, to, 1);
    async__switch(&gone, sp);
    __builtin_unreachable();
}

/* The first function on every stack. */
static void entry(void)
{
    struct loop *l = async__loop;
    async_task *t = l->current;
    struct body *b = t->body;
    note_arrive_first(&b->note, &l->note);
    for (;;) {
        fp_control_set(&l->fp);
        l->current = t;
        t->node.kind = NODE_TASK;
        t->node.state = TASK_RUNNING;
        async__task_run(t);
        t = after_end(l, b);
        async__body_init(t, b);
    }
}

/* Turn what the task starts with into a body. */
void async__body_init(async_task *t, struct body *b)
{
    struct start *s = t->start;
    b->co = s->co;
    b->locals = s->locals;
    b->site = s->site;
    b->cause = NULL;
    b->trace_code = b->trace_depth = 0;
    b->text[0] = b->who[0] = b->why[0] = '\0';
    slab_give(&t->loop->starts, s);
    t->body = b;
}

void *async__begin(struct loop *l, async_task *t)
{
    struct stack k;
    int r = async__stack_take(&l->stacks, t->start->stack_class, &k);
    if (unlikely(r < 0)) {
        async__task_refuse(t, r);
        return NULL;
    }
    struct body *b = (struct body *)(k.bottom + stack_size(&k)) - 1;
    async__body_init(t, b);
    b->stack = k;
    note_init(&b->note, k.bottom, stack_size(&k));
    t->sp = async__switch_prepare(b, entry, k.bottom);
    return t->sp;
}

/* From the loop's own stack. */
static void run_task(struct loop *l, async_task *t)
{
    if (t->node.kind == NODE_NEW && !async__begin(l, t))
        return;
    l->current = t;
    note_leave(&l->note, note_of(t), 0);
    async__switch(&l->sp, t->sp);
    note_arrive(&l->note);
    l->current = NULL;
}

static void run_callback(struct loop *l, async_callback *cb)
{
    cb->state = 0; /* before it runs: it may be used again in it, or its memory freed */
    l->callbacks--;
    cb->fn(cb->arg);
}

void async__loop_run(struct loop *l)
{
    while (!l->stop) {
        if (!l->ready.head || --l->budget <= 0)
            async__turn(l);
        if (!l->ready.head)
            continue;
        struct async_waiter *w = ready_pop(l);
        if (w->kind == NODE_CALLBACK)
            run_callback(l, (async_callback *)w);
        else
            run_task(l, task_of(w));
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
