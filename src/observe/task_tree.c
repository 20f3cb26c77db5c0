/* SPDX-License-Identifier: MIT */
/* task_tree.c - print what every task waits for, as a tree. Nothing is recorded for this while the
 * program runs: the queue in which a task waits, and the reason in its record, show for which
 * object it waits. */
#include <asyncio/future.h>
#include <asyncio/limiter.h>
#include <asyncio/queue.h>
#include <asyncio/rwlock.h>

#include <stdio.h>

#include "observe/observe.h"
#include "pool/async_thread_pool.h"
#include "pool/process_pool.h"
#include "task/group.h"
#include "task/scope.h"
#include "task/task.h"
#include "task/wait_set.h"

enum { LINES_MAX = 200, INDENT_MAX = 60, NAMES_MAX = 3 };

/* The object of that type whose member is the queue. */
#define OBJECT_OF(queue, type, member)                                                             \
    ((const type *)((const char *)(queue)-offsetof(type, member)))

const async_task *async__awaited_by(const async_task *t)
{
    if (t->node.kind != NODE_TASK || t->node.state != TASK_PARKED || !t->queue)
        return NULL;
    if (t->node.why == WAITS_TASK)
        return OBJECT_OF(t->queue, async_task, joiners);
    if (t->node.why == WAITS_LOCK || t->node.why == WAITS_RWLOCK)
        return OBJECT_OF(t->queue, async_lock, waiters)->owner;
    return NULL;
}

/* --- what a task waits for --- */

static void print_lock(const async_lock *k)
{
    fprintf(stderr, "waits for lock %p", (const void *)k);
    if (k->owner)
        fprintf(stderr, ", held by \"%s\"", async__task_label(k->owner).text);
}

static void print_rwlock(const async_rwlock *k)
{
    fprintf(stderr, "waits for read-write lock %p", (const void *)k);
    if (k->lock.owner)
        fprintf(stderr, ", held by \"%s\"", async__task_label(k->lock.owner).text);
    else if (k->readers > 0)
        fprintf(stderr, ", held by %zu readers", k->readers);
}

/* Print the object of the sync layer in whose queue t waits. */
static void print_object(const async_task *t)
{
    static const struct {
        const char *text;
        size_t queue; /* offset of the queue in the object */
    } objects[] = {
        [WAITS_EVENT] = { "waits for event", offsetof(async_event, waiters) },
        [WAITS_CONDITION] = { "waits for condition", offsetof(async_condition, waiters) },
        [WAITS_SEMAPHORE] = { "waits for semaphore", offsetof(async_semaphore, waiters) },
        [WAITS_FUTURE] = { "waits for future", offsetof(async_future, waiters) },
        [WAITS_GET] = { "waits for an item from queue", offsetof(async_queue, getters) },
        [WAITS_PUT] = { "waits for room in queue", offsetof(async_queue, putters) },
        [WAITS_JOIN] = { "waits until all items are done of queue",
                         offsetof(async_queue, joiners) },
        [WAITS_YIELD] = { "waits for the consumer of generator", 0 },
        [WAITS_BARRIER] = { "waits for others at barrier", offsetof(async_barrier, waiters) },
        [WAITS_LIMITER] = { "waits for a token of limiter", offsetof(async_limiter, waiters) },
        [WAITS_BARRIER_LATE] = { "waits for the next round of barrier",
                                 offsetof(async_barrier, late) },
    };
    unsigned what = t->node.why;
    if (what == WAITS_LOCK)
        print_lock(OBJECT_OF(t->queue, async_lock, waiters));
    else if (what == WAITS_RWLOCK)
        print_rwlock(OBJECT_OF(t->queue, async_rwlock, lock.waiters));
    else if (what == WAITS_TASK)
        fprintf(stderr, "waits for task \"%s\"", async__task_label(async__awaited_by(t)).text);
    else if (what < sizeof objects / sizeof *objects && objects[what].text)
        fprintf(stderr, "%s %p", objects[what].text,
                (const void *)((const char *)t->queue - objects[what].queue));
    else
        fputs("waits", stderr);
}

/* Return the group whose end t waits for, or NULL if it waits for something else. */
static const async_group *awaited_group(const async_task *t)
{
    for (const async_scope *s = t->scope; s && s->task == t; s = s->outer)
        if (s->kind == SCOPE_GROUP && &((const async_group *)s->owner)->idle == t->queue)
            return s->owner;
    return NULL;
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

static void print_thread(const struct thread_wait *w)
{
    if (w->job)
        fprintf(stderr, "waits for \"%s\" on a thread", w->job);
    else
        fputs("waits for room in the queue", stderr);
    if (w->pool)
        fprintf(stderr, " of pool \"%s\"", w->pool);
}

static bool print_descriptor(const async_task *t)
{
    const struct poller *p = &t->loop->poller;
    for (int fd = 0; fd < p->count; fd++) {
        bool reads = p->entries[fd].reader == t;
        if (reads || p->entries[fd].writer == t) {
            fprintf(stderr, "waits to %s descriptor %d", reads ? "read" : "write", fd);
            return true;
        }
    }
    return false;
}

/* Print what t waits for if it waits in no queue, or in that of a thread pool. */
static void print_unqueued(const async_task *t)
{
    struct process_wait process;
    struct thread_wait thread;
    if (t->node.why == WAITS_STREAM)
        fputs("waits for a stream in memory", stderr);
    else if (print_descriptor(t))
        ;
    else if (async__thread_wait_of(t, &thread))
        print_thread(&thread);
    else if (async__process_wait_of(t, &process))
        print_process(&process);
    else if (t->node.why == WAITS_FILE)
        fputs("waits for a file", stderr);
    else if (t->node.timer)
        fputs("sleeps", stderr);
    else
        fputs(t->loop->poller.waiting ? "waits" : "sleeps for ever", stderr);
}

struct awaited_list {
    const async_task *waiter;
    int count;
};

/* Print the name of a task if the waiter of the list waits for it, among others. */
static void print_awaited(void *record, void *arg)
{
    struct awaited_list *list = arg;
    const async_task *t = record;
    if (!t->node.kind || t->node.state == TASK_DONE)
        return;
    for (const struct async_waiter *w = t->joiners.head; w; w = w->next)
        if (w->kind == NODE_WAIT && ((const struct wait_node *)w)->set->self == list->waiter) {
            if (++list->count <= NAMES_MAX)
                fprintf(stderr, "%s\"%s\"", list->count > 1 ? ", " : "", async__task_label(t).text);
            return;
        }
}

static void print_several(const async_task *t)
{
    struct awaited_list list = { t, 0 };
    fputs("waits for tasks ", stderr);
    async__slab_each(&t->loop->tasks, print_awaited, &list);
    if (list.count > NAMES_MAX)
        fprintf(stderr, " and %d more", list.count - NAMES_MAX);
}

/* Print the state of t, and what it waits for. */
static void print_wait(const async_task *t)
{
    const async_group *g;
    if (!task_has_started(t))
        fputs("has not started", stderr);
    else if (t->node.state != TASK_PARKED)
        fputs(t->node.state == TASK_RUNNING ? "runs" : "is ready", stderr);
    else if (t->node.why == WAITS_TASKS)
        print_several(t);
    else if (!t->queue || t->node.why == WAITS_THREAD)
        print_unqueued(t);
    else if (t->node.why >= WAITS_LOCK)
        print_object(t);
    else if ((g = awaited_group(t)))
        fprintf(stderr, "waits for the %zu task%s of its group", g->running, PLURAL(g->running));
    else
        fputs("waits", stderr);
}

/* --- the tree --- */

struct printer {
    int lines;
    size_t left_out;
};

/* Print one line about t, unless too many were printed already. */
static void print_task(struct printer *p, const async_task *t, int depth)
{
    if (p->lines == LINES_MAX) {
        p->left_out++;
        return;
    }
    p->lines++;
    const struct task_body *b = t->node.kind == NODE_TASK ? t->body : NULL;
    const async_site *site = task_site(t);
    int indent = 4 + 2 * depth < INDENT_MAX ? 4 + 2 * depth : INDENT_MAX;
    fprintf(stderr, "%*s%s: ", indent, "", async__task_label(t).text);
    print_wait(t);
    if (b && t->loop->debug && t->node.state == TASK_PARKED)
        fprintf(stderr, ", for %.3f s", 1e-9 * (double)(async__sys.clock() - b->since));
    if (b ? b->root.cancelled : task_has_started(t) && t->node.flags & TASK_CANCELLED_EARLY)
        fputs("; it was cancelled", stderr);
    if (site)
        fprintf(stderr, "; created in %s, %s:%d", site->func, site->file, site->line);
    fputc('\n', stderr);
}

static const async_task *first_live(const async_task *t)
{
    while (t && t->node.state == TASK_DONE)
        t = t->next;
    return t;
}

/* The first live child of a group of t, beginning with the scope s of t and going outwards. */
static const async_task *first_child(const async_task *t, const async_scope *s)
{
    for (; s && s->task == t; s = s->outer) {
        const async_task *child =
                s->kind == SCOPE_GROUP ? first_live(((const async_group *)s->owner)->first) : NULL;
        if (child)
            return child;
    }
    return NULL;
}

/* The task after t in the tree below root, depth first; NULL: there is none. It needs no stack,
 * because groups may be nested deeply: the way back from a child leads through its group. */
static const async_task *next_in_tree(const async_task *t, const async_task *root, int *depth)
{
    const async_task *child = t->node.kind == NODE_TASK ? first_child(t, t->scope) : NULL;
    if (child) {
        ++*depth;
        return child;
    }
    for (; t != root; --*depth) {
        const async_task *sibling = first_live(t->next), *parent = t->group->scope.task;
        if (!sibling)
            sibling = first_child(parent, t->group->scope.outer);
        if (sibling)
            return sibling;
        t = parent;
    }
    return NULL;
}

/* Print the tree below a root. A root is a task that is in no group of another task. */
static void print_root(void *record, void *arg)
{
    const async_task *root = record;
    int depth = 0;
    if (!root->node.kind || root->node.state == TASK_DONE ||
        (root->group && root->group->scope.task))
        return;
    for (const async_task *t = root; t; t = next_in_tree(t, root, &depth))
        print_task(arg, t, depth);
}

void async_print_tasks(void)
{
    struct loop *l = async__loop;
    if (!l || async__log.silent)
        return;
    struct printer p = { 0 };
    async__slab_each(&l->tasks, print_root, &p);
    if (p.left_out)
        fprintf(stderr, "    and %zu more tasks\n", p.left_out);
}
