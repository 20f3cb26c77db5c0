/* SPDX-License-Identifier: MIT */
/* handle.c - what the owner of a task's handle does with it: await, cancel, drop, query. */
#include <asyncio/task.h>

#include <stdio.h>

#include "task/error.h"
#include "task/scope.h"
#include "task/task.h"

int async__not_in_task(const char *what)
{
    if (async__forked && !async__loop)
        async__warn("%s() in a child of fork(), whose loop belongs to the parent: call exec or "
                    "_exit(), or async_run() for a loop of its own",
                    what);
    else if (async__thread_call)
        async__warn(
                "%s() on the thread that runs \"%s\": a function on a thread must not await; do "
                "it in a task",
                what, async__thread_call->name);
    else if (async__loop)
        async__warn(
                "%s() in a callback: a callback must not await; create a task with async_spawn()",
                what);
    else
        async__warn("%s() outside of a task: no loop runs on this thread; call it in a coroutine "
                    "that async_run() or async_main() runs",
                    what);
    return -EPERM;
}

async_task *async_create_task_opt(const async_co *co, const struct async_task_opts *opts)
{
    struct loop *l = async__loop;
    if (!l) {
        async__not_in_task("async_create_task");
        async__task_opts_drop(opts);
        return NULL;
    }
    return async__task_new(l, co, opts, NULL, false, NULL);
}

static void mark_retrieved(async_task *t)
{
    if (unlikely(t->error != NULL)) {
        async__error_free(t->error);
        t->error = NULL;
    }
}

static int check_awaited(const async_task *self, const async_task *t)
{
    if (unlikely(t->loop != self->loop)) {
        async__warn("task \"%s\" awaits a task of another thread's loop; use "
                    "async_create_task_threadsafe()",
                    async__task_label(self).text);
        return -EPERM;
    }
    if (unlikely(t == self)) {
        async__warn("task \"%s\" awaits itself", async__task_label(t).text);
        return -EDEADLK;
    }
    return 0;
}

static int result_of_ended(async_task *self, async_task *t)
{
    if (unlikely(t->error != NULL)) {
        async__error_set_cause(self, t->error);
        t->error = NULL;
    }
    return t->result;
}

/* The value travels with the wake-up, because the record of t may have gone with its handle when
 * the waiter runs. */
int await_task(async_task *t)
{
    async_task *self;
    int r = await_begin(&self, "await_task");
    if (r < 0)
        return r;
    if (!t)
        return -ENOMEM;
    r = check_awaited(self, t);
    if (unlikely(r < 0))
        return r;
    if (t->node.state == TASK_DONE)
        return result_of_ended(self, t);
    wait_is(self, WAITS_TASK);
    r = wait_for_event(self, &t->joiners);
    return r < 0 ? r : self->value;
}

ASYNC__MAKE(joining, "await_task", await_task, (async_task *)t)

async_co async_joining(async_task *t)
{
    return joining(t);
}

/* --- cancellation --- */

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

/* Of two requests the first one is the cause. */
static void cancel_root(async_task *t, enum async_cancel_kind kind, const char *reason,
                        const async_site *site)
{
    struct task_body *b = t->body;
    const async_task *canceller = t->loop->sched.current;
    copy_text(b->canceller, sizeof b->canceller,
              canceller ? async__task_label(canceller).text : "");
    copy_text(b->reason, sizeof b->reason, reason);
    async__scope_cancel(&b->root, (async_cause){ kind, b->canceller, b->reason, site });
}

bool async__task_request_cancel(async_task *t, enum async_cancel_kind kind, const char *reason,
                                const async_site *site)
{
    if (!t || t->node.state == TASK_DONE)
        return false;
    if (t->node.kind != NODE_TASK) { /* it has no scopes: it has not started, or is a thread task */
        t->node.flags |= TASK_CANCELLED_EARLY;
        if (t->node.state == TASK_PARKED)
            async__wake(t, INTERRUPTED);
        return true;
    }
    struct task_body *b = t->body;
    if (b->requests < UINT16_MAX)
        b->requests++;
    if (!b->root.cancelled)
        cancel_root(t, kind, reason, site);
    return true;
}

bool async_task_cancel_opt(async_task *t, const struct async_cancel_opts *opts)
{
    if (t && t->loop != async__loop) {
        async__warn("async_task_cancel() of task \"%s\" from a thread that does not run its loop: "
                    "ignored; use async_call_soon_threadsafe()",
                    async__task_label(t).text);
        return false;
    }
    return async__task_request_cancel(t, ASYNC_CANCEL_TASK, opts ? opts->reason : NULL,
                                      opts ? opts->site : NULL);
}

void async__task_cancel_and_wait(async_task *self, async_task *t, enum async_cancel_kind kind,
                                 const char *reason, const async_site *site)
{
    async_scope shield;
    async__task_request_cancel(t, kind, reason, site);
    t->node.flags |= TASK_DROPPED;
    shield_enter(&shield, self);
    while (t->node.state != TASK_DONE) {
        wait_is(self, WAITS_TASK);
        wait_in(self, &t->joiners);
    }
    shield_leave(&shield, self);
}

/* --- the end of a handle --- */

/* The group of a child keeps its record until the group ends, because the program may still read
 * the child's result. After the handle is dropped, nothing reads it. */
static void release(async_task *t)
{
    if (t->group)
        async__group_unlink(t->group, t);
    t->group = NULL;
    async__report_unretrieved(t);
    async__task_free(t);
}

static bool can_wait_for(const async_task *t)
{
    const struct loop *l = async__loop;
    return l && l == t->loop && l->sched.current && l->sched.current != t;
}

void async__task_drop(async_task **handle, const char *reason)
{
    async_task *t = *handle;
    *handle = NULL;
    if (!t)
        return;
    if (t->node.state != TASK_DONE) {
        if (!can_wait_for(t)) {
            async__warn("the handle of task \"%s\" is dropped where the task cannot be awaited: it "
                        "goes on; drop the handle in another task of its loop",
                        t->loop == async__loop ? async__task_label(t).text : "?");
            return;
        }
        async__task_cancel_and_wait(async__loop->sched.current, t, ASYNC_CANCEL_TASK, reason,
                                    task_site(t));
    }
    release(t);
}

void await_task_drop(async_task **handle)
{
    async__task_drop(handle, "its handle was dropped");
}

/* --- questions; the handle of a task that could not be created is NULL, and counts as one that has
 * ended with -ENOMEM --- */

bool async_task_done(const async_task *t)
{
    return !t || t->node.state == TASK_DONE;
}

bool async_task_cancelled(const async_task *t)
{
    return t && t->node.state == TASK_DONE && t->result == -ECANCELED;
}

int async_task_result(const async_task *t)
{
    if (!t)
        return -ENOMEM;
    if (t->node.state != TASK_DONE)
        return -EINPROGRESS;
    mark_retrieved((async_task *)t); /* the record is the library's, const for the user only */
    return t->result;
}

uint64_t async_task_id(const async_task *t)
{
    return t ? task_id(t) : 0;
}

/* The default name is made at the first call. If there is no memory for it, return the name of the
 * coroutine alone. */
const char *async_task_name(const async_task *t)
{
    if (!t)
        return "";
    if (!(t->node.flags & TASK_HAS_EXTRA))
        async_ignore(async__task_rename((async_task *)t, async__task_label(t).text));
    return t->name;
}

void async_task_set_name(async_task *t, const char *name)
{
    if (t && name)
        async__task_rename(t, name);
    else if (t)
        async__warn("async_task_set_name() of task \"%s\" to NULL: ignored",
                    async__task_label(t).text);
}

async_task *async_current_task(void)
{
    return async__loop ? async__loop->sched.current : NULL;
}
