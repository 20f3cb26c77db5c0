/* SPDX-License-Identifier: MIT */
/* thread_call.c - await_to_thread(): the call of a coroutine object on a thread of a pool. */
#include "pool/thread_call.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "pool/job.h"
#include "pool/pools.h"
#include "task/scope.h"
#include "task/task.h"

struct call {
    struct job job; /* first */
    async_co co;
    struct context *context; /* a reference, until the call begins */
    struct thread_call here; /* what is known of it on its thread */
    int result;
    void *owned;
    void (*release)(void *owned);
    struct call_end end;
};

int async__thread_call_run(struct thread_call *e, const char *name, int (*run)(void *frame),
                           void *frame, struct context *context)
{
    e->name = name;
    e->run = run;
    e->code = 0;
    async__thread_call = e;
    struct thread_context before = context_enter(context);
    int r = run(frame);
    context_leave(before);
    async__thread_call = NULL;
    return r;
}

static void run_call(struct job *j)
{
    struct call *c = (struct call *)j;
    c->result = async__thread_call_run(&c->here, j->name, c->co.run, c->co.frame, c->context);
    c->context = NULL;
}

static void init_call(struct call *c, const async_co *co, struct call_end end)
{
    co_copy(&c->co, co);
    const char *name = async__co_name(&c->co);
    c->job = (struct job){ .work = run_call, .name = name ? name : "a call" };
    c->context = async__context_of_caller();
    c->end = end;
}

static void end_call(const struct call_end *end)
{
    if (end->fn)
        end->fn(end->arg);
}

/* The result of waiting for a call that has not begun. */
static int result_not_begun(struct call *c, int r)
{
    async__context_unref(c->context);
    if (r == -ECANCELED)
        return r;
    return async_fail_at(r, NULL,
                         r == -EPIPE ? "the thread pool was dropped before %s began"
                                     : "no thread for %s",
                         c->job.name);
}

/* The result of a call that is over. The message that it gave its error on its thread becomes that
 * of the task's error. */
static int result_of_call(const struct call *c)
{
    const struct thread_call *e = &c->here;
    if (c->result < 0 && e->code == c->result)
        return async_fail_at(c->result, e->site, "%s", e->message);
    return c->result;
}

static int call_in_frame(async_task *t, struct thread_pool *p, const async_co *co,
                         struct call_end end)
{
    struct call c;
    init_call(&c, co, end);
    int r = async__job_await_in(t, p, &c.job);
    r = r < 0 ? result_not_begun(&c, r) : result_of_call(&c);
    end_call(&end);
    return r;
}

/* If the release function has called fork() and this is the child, end the process. The child must
 * not go on with what the parent does next: it would release other calls a second time, or wait for
 * threads that exist only in the parent. */
static void release_owned(const struct call *c)
{
    unsigned generation = async__fork_generation;
    c->release(c->owned);
    if (likely(async__fork_generation == generation))
        return;
    async__warn("a child of fork() has returned from the .release function of \"%s\", and ends "
                "here; end it by exec or _exit()",
                c->job.name);
    _exit(EXIT_FAILURE);
}

/* Release a call that no task waits for. A thread without a loop runs this only if the loop has
 * closed; then nothing is left that its end could be told to. */
static void release_call(struct job *j)
{
    struct call *c = (struct call *)j;
    struct call_end end = c->end;
    if (c->release)
        release_owned(c);
    async__context_unref(c->context);
    async__free(c);
    if (async__loop)
        end_call(&end);
}

/* Make the call in memory of its own, so that a cancel can abandon it. */
static int call_apart(async_task *t, struct thread_pool *p, const async_co *co,
                      const struct async_thread_opts *opts, struct call_end end)
{
    struct call *c = async__malloc(sizeof *c);
    if (!c) {
        end_call(&end);
        return -ENOMEM;
    }
    init_call(c, co, end);
    c->job.release = release_call;
    c->job.may_wake = opts->release || end.fn;
    c->owned = opts->owned;
    c->release = opts->release;
    int r = async__job_await_in(t, p, &c->job);
    if (r == -ECANCELED)
        return r;
    r = r < 0 ? result_not_begun(c, r) : result_of_call(c);
    /* Returned by the call itself: what it owned is released as after a cancel. */
    if (r == -ECANCELED) {
        release_call(&c->job);
        return r;
    }
    async__free(c);
    end_call(&end);
    return r;
}

int async__thread_call_await(async_task *t, struct thread_pool *p, const async_co *co,
                             const struct async_thread_opts *opts, struct call_end end)
{
    if (p)
        return opts->abandon ? call_apart(t, p, co, opts, end) : call_in_frame(t, p, co, end);
    end_call(&end);
    return -ENOMEM;
}

/* --- ASYNC_THREAD objects --- */

/* An ASYNC_THREAD without room for its body was given to a pool as a function, and now calls
 * await_to_thread() on a thread: it brings another call with the same name. Returns 0, or -EPERM
 * and warns. */
static int check_thread_function(const async_co *co)
{
    const struct thread_call *e = async__thread_call;
    if (likely(!e) || async__loop || !e->run || e->run == co->run || !co->name ||
        strcmp(co->name, e->name))
        return 0;
    async__warn("\"%s\" is an ASYNC_THREAD with large arguments, which goes to a thread by itself: "
                "await it as any coroutine; for .abandon, or for a pool of your own, give it a "
                "pointer to them, or use an async_call()",
                co->name);
    return async_fail_at(-EPERM, NULL,
                         "await_to_thread() of \"%s\", which goes to a thread by itself", co->name);
}

void async__thread_call_unpack(async_co *co)
{
    if (co->run != await_thread_)
        return;
    const struct async_thread_body *body = thread_body_of(co->frame);
    co->run = body->run;
    co->name = body->name;
}

/* In a task that has a stack an ASYNC_THREAD object is awaited like any coroutine. */
int await_thread_(void *frame)
{
    async_co co = { .run = await_thread_ };
    memcpy(co.frame, frame, ASYNC_FRAME_MAX);
    return await_to_thread(co);
}

/* --- the loop's own pool --- */

int async__thread_call_cancelled(const struct async_thread_opts *opts)
{
    if (opts->abandon && opts->release)
        opts->release(opts->owned);
    return -ECANCELED;
}

int await_to_thread_opt(async_co co, const struct async_thread_opts *opts)
{
    static const struct async_thread_opts defaults;
    async_task *t;
    if (!opts)
        opts = &defaults;
    int r = check_thread_function(&co);
    if (unlikely(r < 0))
        return r;
    async__thread_call_unpack(&co);
    r = await_begin(&t, "await_to_thread");
    if (r < 0)
        return r == -ECANCELED ? async__thread_call_cancelled(opts) : r;
    return async__thread_call_await(t, async__pool_of_kind(t->loop, ASYNC_POOL_THREADS), &co, opts,
                                    (struct call_end){ 0 });
}
