/* SPDX-License-Identifier: MIT */
/* run.c - async_run() and async_main(): run a main task in a loop of its own, and return its
 * result. */
#include "run/run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "observe/observe.h"
#include "pool/thread_task.h"
#include "run/signal.h"
#include "task/error.h"
#include "task/group.h"
#include "task/scope.h"
#include "task/task.h"

/* --- the main task --- */

/* The error that main's result is reported as. After a deadlock main is cancelled, but the error is
 * -EDEADLK. */
static int reported_error(const struct loop *l, int result)
{
    return l->deadlocked && result == -ECANCELED ? -EDEADLK : result;
}

/* Keep the message of main's error, and report the error. In the child of a fork() there is no
 * message: the task has left its blocks without a loop, and what explains the error may have lain
 * in one of them. */
static void keep_failure(struct run *r, async_task *self)
{
    struct loop *l = r->runner->loop;
    if (r->result >= 0 || l->forked)
        return;
    snprintf(r->message, sizeof r->message, "%s", async__task_message(self, r->result));
    if (r->verbose && !(r->result == -ECANCELED && async__interrupted(l)))
        async__report_as(self, r->result, reported_error(l, r->result));
}

/* Keep the context of main: the next run of the runner starts with the values that main has set. */
static void keep_context(async_runner *rn, const async_task *self)
{
    struct context *before = rn->context;
    rn->context = async__context_ref(self->body->context);
    async__context_unref(before);
}

/* The function of the main task: run the coroutine of the user, and keep its result. */
static int run_main(void *frame)
{
    struct run *r = *(struct run **)frame;
    struct loop *l = r->runner->loop;
    async_task *self = l->sched.current;
    if (r->watched && async__interrupted(l)) {
        r->result = -ECANCELED; /* Ctrl-C came before the first step, so the body never runs */
    } else {
        async_co co = *r->co;
        r->result = co.run(co.frame);
    }
    keep_failure(r, self);
    keep_context(r->runner, self);
    l->main_task = NULL;
    if (r->watched && !l->forked)
        async__interrupt_unwatch();
    return r->result;
}

/* After Ctrl-C, cancel the main task, or stop a loop that runs for ever. A main task that has not
 * started is not cancelled here, because it would then never run; run_main() checks for Ctrl-C when
 * it starts. */
void async__task_interrupt(struct loop *l)
{
    if (likely(!l->interruptible) || !async__interrupted(l))
        return;
    async_task *t = l->main_task;
    if (l->forever) {
        async__loop_stop(l);
    } else if (t && task_has_started(t)) {
        l->main_task = NULL; /* so that it is cancelled once */
        async__task_request_cancel(t, ASYNC_CANCEL_SIGNAL, "interrupted by Ctrl-C", l->run_site);
    }
}

/* --- a run --- */

/* Create the main task, in the context that the previous run has left. Returns 0 or a negative
 * errno. */
static int create_main(async_runner *rn, struct run *r)
{
    struct loop *l = rn->loop;
    int err;
    const char *name = async__co_name(r->co);
    async_co co = { .run = run_main, .name = name ? name : "main" };
    memcpy(co.frame, &r, sizeof r);
    struct thread_context before = async__thread_context;
    if (rn->context)
        before = context_enter(async__context_ref(rn->context));
    async_task *t = async__task_new(l, &co, NULL, NULL, true, &err);
    if (rn->context)
        context_leave(before);
    l->root_task = l->main_task = t;
    return t ? 0 : err;
}

/* Reset what the previous run of the loop has left, and create the main task. */
int async__run_begin(async_runner *rn, struct run *r)
{
    struct loop *l = rn->loop;
    r->result = r->forever ? 0 : -ENOMEM; /* in case there is no stack for the main task */
    int err = r->forever ? 0 : create_main(rn, r);
    if (err < 0)
        return err;
    l->forever = r->forever;
    l->interruptible = r->watched;
    l->stop = l->deadlocked = false;
    l->last.node.kind = 0;
    l->last_poll = loop_now(l);
    return 0;
}

bool async__returned_in_child(const struct loop *l)
{
    if (l->forked)
        async__warn("a child of fork() has returned from a task of its parent: it should call exec "
                    "or _exit()");
    return l->forked;
}

/* Returns -EINTR if Ctrl-C has ended the run: main was cancelled by it, and has not returned
 * anything else. */
static int interrupted_result(const struct loop *l, const struct run *r)
{
    bool ended = r->watched && async__interrupted(l) && (r->forever || r->result == -ECANCELED);
    return ended ? async_fail_at(-EINTR, NULL, "interrupted by Ctrl-C") : 0;
}

/* Return the result of the run: a deadlock and Ctrl-C come before the result of main, which was
 * only cancelled because of them. */
int async__run_end(async_runner *rn, struct run *r)
{
    struct loop *l = rn->loop;
    l->root_task = l->main_task = NULL;
    if (async__returned_in_child(l))
        return -EPERM;
    if (r->watched)
        async__interrupt_unwatch();
    if (l->deadlocked)
        return async_fail_at(-EDEADLK, NULL, "all tasks are waiting and nothing can wake them");
    int err = interrupted_result(l, r);
    if (err < 0)
        return err;
    return r->result < 0 ? async_fail_at(r->result, NULL, "%s", r->message) : r->result;
}

static int run_loop(async_runner *rn, struct run *r)
{
    int err = async__run_begin(rn, r);
    if (err < 0)
        return err;
    rn->running = true;
    async__loop_run(rn->loop, NULL);
    rn->running = false;
    return 0;
}

int async__run(async_runner *rn, struct run *r)
{
    int err = run_loop(rn, r);
    if (err == 0)
        return async__run_end(rn, r);
    if (r->watched)
        async__interrupt_unwatch();
    return err;
}

/* --- the loop of a run --- */

static void init_loop_group(async_group *g, enum group_policy policy)
{
    *g = (async_group){ .open = true, .policy = (uint8_t)policy };
    g->scope = async_scope_group(g, NULL);
    g->scope.state = SCOPE_IN;
    g->scope.next_deadline = NEVER;
}

/* Refuse a loop inside a loop and stacks that are too large, then open the loop and register what
 * it calls. */
int async__runner_init(async_runner *rn, const struct async_run_opts *opts)
{
    uint8_t class;
    if (async__loop) {
        async__warn("async_run() inside a running loop: await the coroutine, or create a task");
        return -EBUSY;
    }
    if (opts && !async__stack_class(opts->stack_size, &class)) {
        async__warn("async_run(): .stack_size of %zu bytes is more than 1 GiB", opts->stack_size);
        return -EINVAL;
    }
    *rn = (async_runner){ .shutdown_timeout = opts ? opts->shutdown_timeout : 0 };
    int r = async__loop_open(&rn->loop, opts);
    if (r < 0)
        return r;
    init_loop_group(&rn->background, GROUP_BACKGROUND);
    init_loop_group(&rn->lost, GROUP_LOST);
    rn->loop->background = &rn->background;
    rn->loop->thread_task = &async__thread_task_kind;
    r = async__observe(rn->loop, opts);
    if (r < 0)
        async__loop_close(rn->loop);
    return r;
}

/* The stack of an abandoned task stays as it is, but its name is not needed any more. */
static void release_name(void *record, void *arg)
{
    async_task *t = record;
    (void)arg;
    if (t->node.kind)
        async__task_release_extra(t);
}

/* A loop with abandoned tasks is not freed, because their stacks may still be used by other
 * threads. */
void async__runner_finish(async_runner *rn)
{
    struct loop *l = rn->loop;
    rn->loop = NULL;
    async__context_unref(rn->context);
    rn->context = NULL;
    if (l->forked)
        return; /* the loop belongs to the parent process */
    if (!l->abandoned) {
        async__loop_close(l);
        return;
    }
    async__remote_fail_waiters(l);
    async__slab_each(&l->tasks, release_name, NULL);
    async__loop_abandon(l);
}

/* --- async_run() and async_main() --- */

/* Open a loop, run co in it, shut it down and close it. *interrupted receives whether Ctrl-C has
 * ended the run. */
static int run_once(async_co *co, const struct async_run_opts *opts, bool program,
                    bool *interrupted)
{
    async_runner rn;
    int r = async__runner_init(&rn, opts);
    if (r < 0)
        return r;
    struct run once = { .runner = &rn,
                        .co = co,
                        .verbose = program,
                        .watched = program && async__interrupt_watch(rn.loop) };
    r = run_loop(&rn, &once);
    if (r == 0) {
        if (!rn.loop->forked)
            async__shut_down(&rn, &once);
        r = async__run_end(&rn, &once);
    }
    *interrupted = r == -EINTR && once.watched && async__interrupted(rn.loop);
    if (once.watched && !rn.loop->forked)
        async__interrupt_unwatch();
    async__runner_finish(&rn);
    return r;
}

int async_run_opt(async_co co, const struct async_run_opts *opts)
{
    bool interrupted;
    return run_once(&co, opts, false, &interrupted);
}

int async_main_opt(async_co co, const struct async_run_opts *opts)
{
    enum { EXIT_INTERRUPTED = 130 };
    bool interrupted = false;
    int r = run_once(&co, opts, true, &interrupted);
    if (interrupted)
        return EXIT_INTERRUPTED;
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
