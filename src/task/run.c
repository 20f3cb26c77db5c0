/* SPDX-License-Identifier: MIT */
/* run.c - from an ordinary function into the first task and out again: run, Runner, main. */
#include <asyncio/run.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "task/error.h"
#include "task/run.h"
#include "task/scope.h"
#include "task/signal.h"
#include "task/task.h"

/* By what name main's error is reported: its cancellation is only how it hears of a deadlock. */
static int main_error(const struct loop *l, int result)
{
    return l->deadlocked && result == -ECANCELED ? -EDEADLK : result;
}

/* Why main failed. Its words are kept, since it suspends once more before it ends. A child of fork() has none: it has left
 * its blocks without a loop, and what says why it failed may have lain there. */
static void tell_failure(struct run *run, async_task *self)
{
    struct loop *l = run->runner->loop;
    if (run->result >= 0 || l->forked)
        return;
    snprintf(run->text, sizeof run->text, "%s", async__text_of(self, run->result));
    if (run->verbose && !(run->result == -ECANCELED && async__interrupted(l)))
        async__report_as(self, run->result, main_error(l, run->result));
}

static int run_main(void *frame)
{
    struct run *run = *(struct run **)frame;
    struct loop *l = run->runner->loop;
    async_task *self = l->current;
    run->result = 0;
    if (run->watched && async__interrupted(l)) {
        run->result = -ECANCELED; /* before its first step: the body never runs */
    } else {
        async_co co = *run->co;
        run->result = co.run(co.frame);
    }
    tell_failure(run, self);
    l->main = NULL;
    if (run->watched)
        async__interrupt_forget(); /* from here on Ctrl-C ends the program */
    if (run->shutdown && !l->forked)
        async__shut_down(run, self);
    return run->result;
}

/* Make r's main task: it is ready to run. */
int async__run_begin(async_runner *rn, struct run *r)
{
    struct loop *l = rn->loop;
    async_co co = { .run = run_main, .name = r->co->name ? r->co->name : "main" };
    memcpy(co.frame, &r, sizeof r);
    async_task *t = async__task_new(l, &co, NULL, NULL, true);
    if (!t)
        return -ENOMEM;
    l->root_task = t;
    l->main = t;
    l->stop = l->deadlocked = false;
    l->last_poll = loop_now(l);
    r->result = -ENOMEM; /* should there be no stack for it */
    return 0;
}

bool async__has_come_back(const struct loop *l)
{
    if (l->forked)
        async__warn(
                "a child of fork() has returned from its parent's task: it should call _exit() or exec");
    return l->forked;
}

/* The loop has stopped: the run's result. */
int async__run_end(async_runner *rn, struct run *r)
{
    struct loop *l = rn->loop;
    l->root_task = NULL;
    if (async__has_come_back(l))
        return -EPERM;
    if (r->shutdown && !l->abandoned)
        async__forget_records(l);
    if (l->deadlocked)
        return async_fail_at(-EDEADLK, NULL, "every task waits, and nothing can wake any");
    return r->result < 0 ? async_fail_at(r->result, NULL, "%s", r->text) : r->result;
}

int async__run(async_runner *rn, struct run *r)
{
    int err = async__run_begin(rn, r);
    if (err < 0)
        return err;
    rn->running = true;
    async__loop_run(rn->loop);
    rn->running = false;
    return async__run_end(rn, r);
}

int async__runner_init(async_runner *rn, const struct async_run_opts *opts)
{
    if (async__loop) {
        async__warn("async_run inside a running loop: await the coroutine, or make a task of it");
        return -EBUSY;
    }
    *rn = (async_runner){ 0 };
    int r = async__loop_open(&rn->loop, opts);
    if (r < 0)
        return r;
    rn->background = (async_group){ .open = true, .loose = true, .background = true };
    rn->background.scope = async_scope_group(&rn->background, NULL);
    rn->background.scope.state = SCOPE_IN;
    rn->background.scope.next_deadline = NEVER;
    rn->loop->background = &rn->background;
    rn->limit = opts ? opts->shutdown_timeout : 0;
    return 0;
}

/* Its stack stays as it is, but nobody asks for its name any more. */
static void abandon(void *record, void *arg)
{
    async_task *t = record;
    (void)arg;
    if (t->node.kind && t->node.flags & TASK_OWNS_NAME) {
        async__free((char *)t->name);
        t->node.flags &= (uint8_t)~TASK_OWNS_NAME;
        t->name = "";
    }
}

void async__runner_finish(struct loop *l)
{
    if (l->forked)
        return; /* it is the parent's */
    if (!l->abandoned) {
        async__loop_close(l);
        return;
    }
    async__remote_strand(l);
    async__slab_each(&l->tasks, abandon, NULL);
    async__loop_abandon(l);
}

static int run_once(async_co *co, const struct async_run_opts *opts, bool program, bool *interrupted)
{
    async_runner rn;
    int r = async__runner_init(&rn, opts);
    if (r < 0)
        return r;
    bool watched = program && async__interrupt_watch(rn.loop);
    rn.loop->interruptible = watched;
    struct run once = { .runner = &rn,
                        .co = co,
                        .shutdown = true,
                        .verbose = program,
                        .watched = watched,
                        .limit = rn.limit };
    r = async__run(&rn, &once);
    if (watched) {
        *interrupted = async__interrupted(rn.loop);
        async__interrupt_forget();
    }
    async__runner_finish(rn.loop);
    return r;
}

int async_run_opt(async_co co, const struct async_run_opts *opts)
{
    return run_once(&co, opts, false, NULL);
}

int async_main(async_co co)
{
    bool interrupted = false;
    int r = run_once(&co, NULL, true, &interrupted);
    if (r == -ECANCELED && interrupted)
        return 130;
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
