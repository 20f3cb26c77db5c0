/* SPDX-License-Identifier: MIT */
/* remote.c - a task of this loop whose handle belongs to another thread.
 *
 * The handle is shared: the thread has a share of it, the loop has one from the moment the post is
 * accepted until the task has ended, and a cancel that is on its way has one. The posts are part of
 * the same piece of memory, so that neither a cancel nor an end can fail. */
#include <asyncio/remote.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "task/error.h"
#include "task/task.h"

struct async_remote {
    async_loop *home;
    async_post start, cancel;
    async_co co;
    struct async_task_opts opts; /* name points to the member below, or is NULL */
    async_task *task; /* for the loop's thread only; NULL: it has not started, or has ended */
    atomic_uint shares;
    pthread_mutex_t mutex; /* protects what follows */
    pthread_cond_t ended;
    int result;
    bool done, read, cancelled, detached;
    char message[MESSAGE_SIZE]; /* of an error; written before done is set */
    char name[];
};

static void release_share(async_remote *r)
{
    if (atomic_fetch_sub(&r->shares, 1) > 1)
        return;
    pthread_cond_destroy(&r->ended);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

static const char *name_of(const async_remote *r)
{
    const char *name = r->opts.name ? r->opts.name : async__co_name(&r->co);
    return name ? name : "task";
}

static bool read_flag(async_remote *r, const bool *flag)
{
    pthread_mutex_lock(&r->mutex);
    bool value = *flag;
    pthread_mutex_unlock(&r->mutex);
    return value;
}

/* --- on the loop's thread --- */

static void finish(async_remote *r, int result, const char *message)
{
    r->task = NULL;
    snprintf(r->message, sizeof r->message, "%s", message);
    pthread_mutex_lock(&r->mutex);
    r->result = result;
    r->done = true;
    pthread_cond_broadcast(&r->ended);
    pthread_mutex_unlock(&r->mutex);
    release_share(r);
}

/* The task was not created, so what it should own is dropped here. */
static void finish_unstarted(async_remote *r, int result, const char *message)
{
    async__task_opts_drop(&r->opts);
    finish(r, result, message);
}

static int run_remote(void *frame)
{
    async_remote *r = *(async_remote **)frame;
    return r->co.run(r->co.frame);
}

/* Also called for a task that never started. */
void async__remote_ended(async_task *t)
{
    async_remote *r = *(async_remote **)t->body->co.frame;
    if (t->result < 0 && t->result != -ECANCELED && read_flag(r, &r->detached))
        async__report(t, t->result);
    finish(r, t->result, t->result < 0 ? async__task_message(t, t->result) : "");
}

static void fail_waiters(void *record, void *arg)
{
    async_task *t = record;
    (void)arg;
    if (!t->node.kind || t->node.state == TASK_DONE || !(t->node.flags & TASK_REMOTE))
        return;
    const async_co *co = has_stack(&t->node) ? &t->body->co : &t->start->co;
    finish(*(async_remote *const *)co->frame, -EPIPE,
           "the loop was closed, and its task abandoned");
}

void async__remote_fail_waiters(struct loop *l)
{
    async__slab_each(&l->tasks, fail_waiters, NULL);
}

/* This may run while the loop closes. Then the task is not created, and its waiters fail. */
static void start_remote(void *arg)
{
    async_remote *r = arg;
    struct loop *l = async__loop;
    async_group *g = l->background;
    if (!g->open || g->scope.effectively_cancelled) {
        finish_unstarted(r, -EPIPE, "the loop is closing");
        return;
    }
    if (read_flag(r, &r->cancelled)) {
        finish_unstarted(r, -ECANCELED, "");
        return;
    }
    int err;
    async_co co = { .run = run_remote, .name = async__co_name(&r->co) };
    memcpy(co.frame, &r, sizeof r);
    r->task = async__task_new(l, &co, &r->opts, g, true, &err);
    if (r->task)
        r->task->node.flags |= TASK_REMOTE;
    else
        finish(r, err, "the task could not be created");
}

static void cancel_remote(void *arg)
{
    async_remote *r = arg;
    if (r->task)
        async__task_request_cancel(r->task, ASYNC_CANCEL_TASK, "another thread has cancelled it",
                                   NULL);
    release_share(r);
}

/* --- on the other thread --- */

static void init_sync(async_remote *r)
{
    pthread_condattr_t attr;
    pthread_mutex_init(&r->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->ended, &attr);
    pthread_condattr_destroy(&attr);
}

/* The memory comes from libc, because it may outlive the loop, and so the allocator. */
static async_remote *new_remote(async_loop *home, const async_co *co,
                                const struct async_task_opts *opts)
{
    const char *name = opts ? opts->name : NULL;
    size_t size = name ? strlen(name) + 1 : 0;
    async_remote *r = calloc(1, sizeof *r + size);
    if (!r)
        return NULL;
    r->home = home;
    r->co = *co;
    if (opts)
        r->opts = *opts;
    r->opts.name = name ? memcpy(r->name, name, size) : NULL;
    r->start = (async_post){ .fn = start_remote, .arg = r, .borrowed = true };
    r->cancel = (async_post){ .fn = cancel_remote, .arg = r, .borrowed = true };
    init_sync(r);
    return r;
}

async_remote *async_create_task_threadsafe_opt(async_loop *loop, const async_co *co,
                                               const struct async_task_opts *opts)
{
    async_remote *r = new_remote(loop, co, opts);
    if (!r) {
        async__task_opts_drop(opts);
        return NULL;
    }
    atomic_store(&r->shares, 2);
    struct context *context = r->start.context = async__context_of_caller();
    int err = async__handle_post(loop, &r->start);
    if (err < 0) {
        async__context_unref(context);
        finish_unstarted(r, err, "the loop is closed");
    }
    return r;
}

static bool is_own_loop(const async_remote *r)
{
    return async__loop && async__loop->handle == r->home;
}

/* The mutex is held. */
static void wait_until_done(async_remote *r, double seconds)
{
    int64_t now = async__sys.clock(), until = ns_after(now, ns_of(seconds));
    struct timespec at = { .tv_sec = until / 1000000000, .tv_nsec = until % 1000000000 };
    int err = 0;
    while (!r->done && err == 0)
        err = until == NEVER ? pthread_cond_wait(&r->ended, &r->mutex)
                             : pthread_cond_timedwait(&r->ended, &r->mutex, &at);
}

int async_remote_wait(async_remote *r, double seconds)
{
    if (!r)
        return -ENOMEM;
    bool own = is_own_loop(r);
    pthread_mutex_lock(&r->mutex);
    if (!own)
        wait_until_done(r, seconds);
    bool done = r->done;
    int result = done ? r->result : own ? -EDEADLK : -ETIMEDOUT;
    r->read |= done;
    pthread_mutex_unlock(&r->mutex);
    if (done && result < 0)
        return async_fail_at(result, NULL, "%s", r->message);
    if (!done && own)
        async__warn(
                "async_remote_wait() on the thread whose loop runs the task would wait for ever; "
                "await the coroutine instead");
    return result;
}

bool async_remote_done(async_remote *r)
{
    return !r || read_flag(r, &r->done);
}

bool async_remote_cancel(async_remote *r)
{
    if (!r)
        return false;
    pthread_mutex_lock(&r->mutex);
    bool lives = !r->done, first = lives && !r->cancelled;
    r->cancelled |= lives;
    pthread_mutex_unlock(&r->mutex);
    if (!first)
        return lives;
    atomic_fetch_add(&r->shares, 1);
    if (async__handle_post(r->home, &r->cancel) < 0)
        release_share(r); /* the loop is closing, which ends the task anyway */
    return true;
}

/* An error must not get lost with its handle. The mutex is held. */
static void report_unread(const async_remote *r)
{
    if (r->done && !r->read && r->result < 0 && r->result != -ECANCELED && r->result != -EPIPE)
        async__warn("task error was never retrieved: %s: %s%s%s", name_of(r), strerror(-r->result),
                    r->message[0] ? ": " : "", r->message);
}

void async_remote_detach(async_remote *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->mutex);
    r->detached = true;
    report_unread(r);
    pthread_mutex_unlock(&r->mutex);
    release_share(r);
}

void async_remote_drop(async_remote **handle)
{
    async_remote *r = *handle;
    *handle = NULL;
    if (!r)
        return;
    if (async_remote_cancel(r)) {
        if (is_own_loop(r))
            async__warn(
                    "the handle of \"%s\" is dropped on the thread of its own loop: the task is "
                    "cancelled, but not waited for",
                    name_of(r));
        else
            async_ignore(async_remote_wait(r, ASYNC_FOREVER));
    }
    async_remote_detach(r);
}

int async_run_coroutine_threadsafe(async_loop *loop, async_co co)
{
    if (async__loop && async__loop->handle == loop) {
        async__warn(
                "async_run_coroutine_threadsafe() on the loop's own thread would wait for ever; "
                "await the coroutine, or create a task");
        return -EDEADLK;
    }
    async_remote_auto r = async_create_task_threadsafe_opt(loop, &co, NULL);
    return async_remote_wait(r, ASYNC_FOREVER);
}
