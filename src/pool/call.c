/* SPDX-License-Identifier: MIT */
/* call.c - await_to_thread(): a coroutine object's call on a worker's thread. */
#include "base/alloc.h"
#include "pool/thread.h"
#include "task/error.h"
#include "task/scope.h"

struct call {
    struct job job;
    async_co co;
    struct context *context; /* a reference of its own, until it begins */
    struct thread_call errand;
    int result;
    void *owned;
    void (*release)(void *owned);
};

int async__thread_call_run(struct thread_call *e, const char *name, int (*run)(void *frame), void *frame,
                      struct context *locals)
{
    e->name = name;
    e->run = run;
    e->code = 0;
    async__thread_call = e;
    struct thread_context before = context_enter(locals);
    int r = run(frame);
    context_leave(before);
    async__thread_call = NULL;
    return r;
}

static void make_call(struct job *j)
{
    struct call *c = (struct call *)j;
    c->result = async__thread_call_run(&c->errand, j->name, c->co.run, c->co.frame, c->context);
    c->context = NULL;
}

static void init(struct call *c, const async_co *co)
{
    c->job = (struct job){ .work = make_call, .name = co->name ? co->name : "a call" };
    co_copy(&c->co, co);
    c->context = async__context_of_caller();
}

/* Before it is known whether it will begin. */
static int no_thread(struct call *c, int r)
{
    async__context_unref(c->context);
    return r == -ECANCELED ? r : async_fail_at(r, NULL, "no thread for %s", c->job.name);
}

/* What was said there of its error is said here. */
static int verdict(const struct call *c)
{
    const struct thread_call *e = &c->errand;
    if (c->result < 0 && e->code == c->result)
        return async_fail_at(c->result, e->site, "%s", e->message);
    return c->result;
}

static int call_in_frame(async_task *t, const async_co *co)
{
    struct call c;
    init(&c, co);
    int r = async__job_await(t, ASYNC_POOL_THREADS, &c.job);
    return r < 0 ? no_thread(&c, r) : verdict(&c);
}

static void let_go(struct job *j)
{
    struct call *c = (struct call *)j;
    if (c->release)
        c->release(c->owned);
    async__context_unref(c->context);
    async__free(c);
}

static int call_apart(async_task *t, const async_co *co, const struct async_thread_opts *opts)
{
    struct call *c = async__malloc(sizeof *c);
    if (!c)
        return -ENOMEM;
    init(c, co);
    c->job.release = let_go;
    c->job.heard = opts->release;
    c->owned = opts->owned;
    c->release = opts->release;
    int r = async__job_await(t, ASYNC_POOL_THREADS, &c->job);
    if (r == -ECANCELED)
        return r;
    r = r < 0 ? no_thread(c, r) : verdict(c);
    if (r == -ECANCELED) { /* its own word: the same holds for what it owned */
        let_go(&c->job);
        return r;
    }
    async__free(c);
    return r;
}

/* What ASYNC_THREAD makes without room for its body is on a thread here, and brings another call, which has its name. */
static bool is_on_its_way_twice(const async_co *co)
{
    const struct thread_call *e = async__thread_call;
    return e && !async__loop && e->run && e->run != co->run && co->name && !strcmp(co->name, e->name);
}

/* What was said to await_to_thread() before, it cannot hand on. */
static int goes_by_itself(const char *name)
{
    async__warn("\"%s\" is an ASYNC_THREAD with large arguments, which goes to a thread by itself: await it "
                    "as any coroutine; for .abandon give it a pointer to them, or use an async_call()",
                    name);
    return async_fail_at(-EPERM, NULL,
                         "await_to_thread() of \"%s\", which goes to a thread by itself", name);
}

int await_to_thread_opt(async_co co, const struct async_thread_opts *opts)
{
    static const struct async_thread_opts none;
    async_task *t;
    if (!opts)
        opts = &none;
    if (unlikely(is_on_its_way_twice(&co)))
        return goes_by_itself(co.name);
    if (co.run == await_thread_)
        async__thread_unpack(&co);
    int r = await_begin(&t, "await_to_thread");
    if (r < 0) {
        if (r == -ECANCELED && opts->abandon && opts->release)
            opts->release(opts->owned);
        return r;
    }
    return opts->abandon ? call_apart(t, &co, opts) : call_in_frame(t, &co);
}
