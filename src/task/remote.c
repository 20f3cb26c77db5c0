/* SPDX-License-Identifier: MIT */
/* remote.c - a task here, a handle on another thread. The handle is shared: the thread has one share of it, the
 * loop has one from the moment the post is accepted until the task has ended, a cancel on its way has one. Posts and all
 * are one piece of memory, so that neither a cancel nor an end can fail. */
#include <asyncio/remote.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "task/error.h"
#include "task/task.h"

struct async_remote {
    async_loop *home;
    struct post start, cancel;
    async_co co;
    async_task *task; /* the loop's thread only; NULL: not begun, or ended */
    atomic_uint shares;
    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t ended;
    int result;
    bool done, read, cancelled, detached;
    char text[TEXT_SIZE]; /* of an error; set before done is */
};

static void release(async_remote *r)
{
    if (atomic_fetch_sub(&r->shares, 1) > 1)
        return;
    pthread_cond_destroy(&r->ended);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

/* On the loop's thread. */
static void finish(async_remote *r, int result, const char *text)
{
    r->task = NULL;
    snprintf(r->text, sizeof r->text, "%s", text);
    pthread_mutex_lock(&r->mutex);
    r->result = result;
    r->done = true;
    pthread_cond_broadcast(&r->ended);
    pthread_mutex_unlock(&r->mutex);
    release(r);
}

static bool flag(async_remote *r, const bool *which)
{
    pthread_mutex_lock(&r->mutex);
    bool value = *which;
    pthread_mutex_unlock(&r->mutex);
    return value;
}

static int run(void *frame)
{
    async_remote *r = *(async_remote **)frame;
    return r->co.run(r->co.frame);
}

/* Also called for a task that never began. */
void async__remote_ended(async_task *t)
{
    async_remote *r = *(async_remote **)t->body->co.frame;
    if (t->result < 0 && t->result != -ECANCELED && flag(r, &r->detached))
        async__report(t, t->result);
    finish(r, t->result, t->result < 0 ? async__text_of(t, t->result) : "");
}

static void strand(void *record, void *arg)
{
    async_task *t = record;
    (void)arg;
    if (!t->node.kind || t->node.state == TASK_DONE || !(t->node.flags & TASK_REMOTE))
        return;
    const async_co *co = t->node.kind == NODE_NEW ? &t->start->co : &t->body->co;
    finish(*(async_remote *const *)co->frame, -EPIPE, "the loop is closed, and has abandoned its task");
}

void async__remote_strand(struct loop *l)
{
    async__slab_each(&l->tasks, strand, NULL);
}

/* On the loop's thread, in its last moments too: whoever waits is told that nothing comes of it. */
static void start(void *arg)
{
    async_remote *r = arg;
    struct loop *l = async__loop;
    async_group *g = l->background;
    if (!g->open || g->scope.effectively_cancelled || l->abandoned) {
        finish(r, -EPIPE, "the loop closes");
        return;
    }
    if (flag(r, &r->cancelled)) {
        finish(r, -ECANCELED, "");
        return;
    }
    async_co co = { .run = run, .name = r->co.name };
    memcpy(co.frame, &r, sizeof r);
    r->task = async__task_new(l, &co, NULL, g, true);
    if (r->task)
        r->task->node.flags |= TASK_REMOTE;
    else
        finish(r, -ENOMEM, "");
}

static void cancel(void *arg)
{
    async_remote *r = arg;
    if (r->task)
        async__task_request(r->task, ASYNC_CANCEL_TASK, "another thread asked for it", NULL);
    release(r);
}

/* libc's memory: it may outlive the loop, and so the allocator. */
static async_remote *new_remote(async_loop *home, const async_co *co)
{
    async_remote *r = calloc(1, sizeof *r);
    pthread_condattr_t attr;
    if (!r)
        return NULL;
    r->home = home;
    r->co = *co;
    if (!r->co.name)
        r->co.name = "task";
    r->start = (struct post){ .fn = start, .arg = r, .kept = true };
    r->cancel = (struct post){ .fn = cancel, .arg = r, .kept = true };
    pthread_mutex_init(&r->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->ended, &attr);
    pthread_condattr_destroy(&attr);
    return r;
}

async_remote *async_create_task_threadsafe(async_loop *loop, async_co co)
{
    async_remote *r = new_remote(loop, &co);
    if (!r)
        return NULL;
    atomic_store(&r->shares, 2);
    struct context *locals = r->start.context = async__context_of_caller();
    int err = async__handle_post(loop, &r->start);
    if (err < 0) {
        async__context_unref(locals);
        finish(r, err, "the loop is closed");
    }
    return r;
}

static bool is_at_home(const async_remote *r)
{
    return async__loop && async__loop->handle == r->home;
}

/* The mutex is held. */
static void wait_until(async_remote *r, double seconds)
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
    int result = -ETIMEDOUT;
    bool own = is_at_home(r), ended;
    pthread_mutex_lock(&r->mutex);
    if (!own)
        wait_until(r, seconds);
    ended = r->done;
    if (ended) {
        result = r->result;
        r->read = true;
    } else if (own) {
        result = -EDEADLK;
    }
    pthread_mutex_unlock(&r->mutex);
    if (ended && result < 0)
        return async_fail_at(result, NULL, "%s", r->text);
    if (result == -EDEADLK && own)
        async__warn("async_remote_wait on the thread of the loop that is waited for");
    return result;
}

bool async_remote_done(async_remote *r)
{
    return !r || flag(r, &r->done);
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
        release(r); /* the loop closes, and ends it anyway */
    return true;
}

/* An error must not get lost with its handle. */
static void report_unread(async_remote *r)
{
    if (r->done && !r->read && r->result < 0 && r->result != -ECANCELED && r->result != -EPIPE)
        async__warn("an error that no thread has waited for: %s: %s%s%s", r->co.name,
                        strerror(-r->result), r->text[0] ? ": " : "", r->text);
}

void async_remote_detach(async_remote *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->mutex);
    r->detached = true;
    report_unread(r);
    pthread_mutex_unlock(&r->mutex);
    release(r);
}

void async_remote_drop(async_remote **handle)
{
    async_remote *r = *handle;
    *handle = NULL;
    if (!r)
        return;
    if (async_remote_cancel(r)) {
        if (is_at_home(r))
            async__warn(
                    "\"%s\" is dropped on the thread of its own loop; it is cancelled, not waited for",
                    r->co.name);
        else
            async_ignore(async_remote_wait(r, ASYNC_FOREVER));
    }
    async_remote_detach(r);
}

int async_run_coroutine_threadsafe(async_loop *loop, async_co co)
{
    if (async__loop && async__loop->handle == loop) {
        async__warn(
                "async_run_coroutine_threadsafe on the loop's own thread: await it, or make a task of it");
        return -EDEADLK;
    }
    async_remote_auto r = async_create_task_threadsafe(loop, co);
    return async_remote_wait(r, ASYNC_FOREVER);
}
