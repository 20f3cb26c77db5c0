/* SPDX-License-Identifier: MIT */
/* tree.c - what every task waits for, as a tree: for who looks, and when nothing can go on. All of it is found in what
 * the tasks have anyway: a line is told by what it is a part of, or by what its waiter has said. */
#include <asyncio/future.h>
#include <asyncio/queue.h>
#include <asyncio/sync.h>

#include <stdio.h>

#include "pool/process.h"
#include "pool/thread.h"
#include "task/scope.h"
#include "task/task.h"
#include "task/wait_set.h"

enum { LINES = 200 };

struct printer {
    struct loop *loop;
    int lines, left_out;
    const async_waitq *line; /* a search: */
    const async_task *found;
    const async_task *waiter; /* another: */
    int watched;
};

static void find_awaited(void *record, void *arg)
{
    struct printer *p = arg;
    const async_task *t = record;
    if (t->node.kind && &t->joiners == p->line)
        p->found = t;
}

/* The task whose end, or next item, is waited for in line q; or NULL. */
static const async_task *awaited_in(struct printer *p, const async_waitq *q)
{
    p->line = q;
    p->found = NULL;
    async__slab_each(&p->loop->tasks, find_awaited, p);
    return p->found;
}

static const async_group *group_of_line(const async_task *t)
{
    for (const async_scope *s = t->scope; s && s->task == t; s = s->outer)
        if (s->kind == SCOPE_GROUP && &((const async_group *)s->owner)->idle == t->queue)
            return s->owner;
    const async_group *bg = t->loop->background;
    return bg && t->queue == &bg->idle ? bg : NULL;
}

#define whole(line, type, member) ((const type *)((const char *)(line)-offsetof(type, member)))

static void print_lock(const char *what, const async_lock *k)
{
    fprintf(stderr, "waits for %s %p", what, (const void *)k);
    if (k->owner)
        fprintf(stderr, ", which \"%s\" holds", k->owner->name);
}

/* It has said itself what it waits for. */
static void print_said(const async_task *t)
{
    static const char *const words[] = {
        [WAITS_EVENT] = "waits for event",
        [WAITS_SEMAPHORE] = "waits for semaphore",
        [WAITS_FUTURE] = "waits for future",
        [WAITS_GET] = "waits for an item of queue",
        [WAITS_PUT] = "waits for room in queue",
        [WAITS_JOIN] = "waits until all is done of queue",
        [WAITS_YIELD] = "waits for who takes its items, generator",
        [WAITS_BARRIER] = "waits for others at barrier",
        [WAITS_BARRIER_LATE] = "waits for the next round of barrier",
    };
    static const size_t lines[] = {
        [WAITS_EVENT] = offsetof(async_event, waiters),
        [WAITS_SEMAPHORE] = offsetof(async_semaphore, waiters),
        [WAITS_FUTURE] = offsetof(async_future, waiters),
        [WAITS_GET] = offsetof(async_queue, getters),
        [WAITS_PUT] = offsetof(async_queue, putters),
        [WAITS_JOIN] = offsetof(async_queue, joiners),
        [WAITS_YIELD] = 0,
        [WAITS_BARRIER] = offsetof(async_barrier, waiters),
        [WAITS_BARRIER_LATE] = offsetof(async_barrier, late),
    };
    unsigned what = t->node.why;
    if (what == WAITS_LOCK)
        print_lock("lock", whole(t->queue, async_lock, waiters));
    else if (what == WAITS_CONDITION)
        fprintf(stderr, "waits for condition %p",
                (const void *)whole(t->queue, async_condition, waiters));
    else if (what < sizeof words / sizeof *words && words[what])
        fprintf(stderr, "%s %p", words[what], (const void *)((const char *)t->queue - lines[what]));
    else
        fputs("waits", stderr);
}

static void print_process(const struct process_wait *w)
{
    if (w->pid)
        fprintf(stderr, "waits for \"%s\" in process %ld", w->function, (long)w->pid);
    else
        fprintf(stderr, "waits for a process for \"%s\"", w->function);
    if (w->pool)
        fprintf(stderr, " of pool \"%s\"", w->pool);
}

static void print_unlined(const async_task *t)
{
    const struct poller *f = &t->loop->poller;
    for (int fd = 0; fd < f->count; fd++)
        if (f->entries[fd].reader == t || f->entries[fd].writer == t) {
            fprintf(stderr, "waits to %s descriptor %d",
                    f->entries[fd].reader == t ? "read" : "write", fd);
            return;
        }
    struct process_wait process;
    const char *job = t->node.why == WAITS_THREAD ? async__job_of(t) : NULL;
    if (job)
        fprintf(stderr, "waits for \"%s\" on a thread", job);
    else if (async__process_wait_of(t, &process))
        print_process(&process);
    else if (t->node.why == WAITS_FILE)
        fputs("waits for a file", stderr);
    else if (t->node.timer)
        fputs("sleeps", stderr);
    else
        fputs(f->waiting ? "waits" : "sleeps for ever", stderr);
}

/* One of several, found by the watch in its line. */
static void print_watched(void *record, void *arg)
{
    struct printer *p = arg;
    const async_task *t = record;
    if (!t->node.kind || t->node.state == TASK_DONE)
        return;
    for (const struct async_waiter *w = t->joiners.head; w; w = w->next)
        if (w->kind == NODE_WAIT && ((const struct wait_node *)w)->set->self == p->waiter) {
            if (++p->watched <= 3)
                fprintf(stderr, "%s\"%s\"", p->watched > 1 ? ", " : "", t->name);
            return;
        }
}

static void print_several(struct printer *p, const async_task *t)
{
    p->waiter = t;
    p->watched = 0;
    fputs("waits for tasks ", stderr);
    async__slab_each(&p->loop->tasks, print_watched, p);
    if (p->watched > 3)
        fprintf(stderr, " and %d more", p->watched - 3);
}

static void print_wait(struct printer *p, const async_task *t)
{
    const async_group *g;
    const async_task *other;
    if (!task_has_begun(t))
        fputs("has not begun", stderr);
    else if (t->node.state != TASK_PARKED)
        fputs(t->node.state == TASK_RUNNING ? "runs" : "is ready", stderr);
    else if (t->node.why == WAITS_TASKS)
        print_several(p, t);
    else if (t->node.why == WAITS_STREAM)
        fputs("waits for a stream in memory", stderr);
    else if (!t->queue)
        print_unlined(t);
    else if (t->node.why >= WAITS_LOCK)
        print_said(t);
    else if ((g = group_of_line(t)))
        fprintf(stderr, "waits for the %zu tasks of its group", g->running);
    else if ((other = awaited_in(p, t->queue)))
        fprintf(stderr, "waits for task \"%s\"", other->name);
    else
        fputs("waits", stderr);
}

static void print_task(struct printer *p, const async_task *t, int depth)
{
    if (p->lines == LINES) {
        p->left_out++;
        return;
    }
    p->lines++;
    const struct body *b = t->node.kind == NODE_TASK ? t->body : NULL;
    const async_site *site = b ? b->site : t->start->site;
    fprintf(stderr, "%*s%s: ", 4 + 2 * depth, "", t->name);
    print_wait(p, t);
    if (b && t->loop->debug && t->node.state == TASK_PARKED)
        fprintf(stderr, ", for %.3f s", 1e-9 * (double)(async__sys.clock() - b->since));
    if (b ? b->root.cancelled : task_has_begun(t) && t->node.flags & TASK_CANCELLED_EARLY)
        fputs("; it was cancelled", stderr);
    if (site)
        fprintf(stderr, "; created in %s, %s:%d", site->func, site->file, site->line);
    fputc('\n', stderr);
    for (const async_scope *s = b ? t->scope : NULL; s && s->task == t; s = s->outer)
        if (s->kind == SCOPE_GROUP)
            for (const async_task *c = ((const async_group *)s->owner)->first; c; c = c->next)
                if (c->node.state != TASK_DONE)
                    print_task(p, c, depth + 1); /* not deeper than there are lines */
}

/* Those that stand in no task's group. */
static void print_root(void *record, void *arg)
{
    struct printer *p = arg;
    const async_task *t = record;
    if (t->node.kind && t->node.state != TASK_DONE && (!t->group || t->group->background))
        print_task(p, t, 0);
}

void async_print_tasks(void)
{
    struct loop *l = async__loop;
    if (!l || async__log.silent)
        return;
    struct printer p = { .loop = l };
    async__slab_each(&l->tasks, print_root, &p);
    if (p.left_out)
        fprintf(stderr, "    and more\n");
}

static void find_patient(void *record, void *arg)
{
    const async_task *t = record;
    if (t->node.kind == NODE_TASK && t->node.state == TASK_PARKED && !t->queue && !t->node.timer &&
        t->node.why < WAITS_LOCK)
        *(bool *)arg = true;
}

/* Only Ctrl-C could wake anybody: somebody who sleeps for ever means to wait for that. */
static bool waits_for_interrupt(struct loop *l)
{
    bool patient = false;
    if (l->main && l->interruptible)
        async__slab_each(&l->tasks, find_patient, &patient);
    return patient;
}

static void give_up(struct loop *l)
{
    async__warn("deadlock: and these cannot be cancelled:");
    async_print_tasks();
    l->abandoned = true;
    loop_stop(l);
}

bool async__deadlock(struct loop *l)
{
    if (waits_for_interrupt(l))
        return false;
    if (!l->deadlocked) {
        async__warn("deadlock: every task waits, and nothing can wake any:");
        async_print_tasks();
        l->deadlocked = true;
        async__task_request(l->root_task, ASYNC_CANCEL_SHUTDOWN, "deadlock", NULL);
    }
    if (!l->ready.head) /* it has been told, and stays where it is */
        give_up(l);
    return true;
}
