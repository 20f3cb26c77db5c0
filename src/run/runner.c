/* SPDX-License-Identifier: MIT */
/* runner.c - async_runner, like asyncio.Runner: several runs on one loop, or one iteration at a
 * time inside another loop. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "run/run.h"
#include "run/signal.h"
#include "task/task.h"

/* --- opening and closing --- */

/* The record of a closed runner is kept until CLOSED_MAX others were closed: closing it again, or
 * using it, is an error and not a use of freed memory. It comes from libc, because it outlives
 * the loop, and so perhaps the allocator. There is no lock, because a child of fork() might inherit
 * it locked. */
enum { CLOSED_MAX = 64 };

static void keep_closed(async_runner *rn)
{
    static _Atomic(async_runner *) closed[CLOSED_MAX];
    static atomic_uint count;
    *rn = (async_runner){ .loop = NULL };
    free(atomic_exchange(&closed[atomic_fetch_add(&count, 1) % CLOSED_MAX], rn));
}

async_runner *async_runner_open(const struct async_run_opts *opts)
{
    async_runner *rn = calloc(1, sizeof *rn);
    int r = rn ? async__runner_init(rn, opts) : -ENOMEM;
    if (r == 0)
        return rn;
    free(rn);
    errno = -r;
    return NULL;
}

/* --- checks of the caller --- */

/* Is the runner open, on this thread, and not running? If not, warn. */
static bool is_runner_usable(const async_runner *rn, const char *what)
{
    if (!rn || !rn->loop)
        async__warn("%s() of a runner that is %s", what, rn ? "closed" : "NULL");
    else if (rn->loop == async__loop && !rn->running)
        return true;
    else if (rn->loop->forked)
        async__warn("%s() in a child of fork(): the runner belongs to the parent, open another one",
                    what);
    else
        async__warn("%s() inside a run, or on another thread than the runner's", what);
    return false;
}

/* Check that a run can begin. Returns 0; -EINVAL if the runner is closed; -EBUSY if it is in use;
 * -EDEADLK if a run before has abandoned tasks, which must not go on in another run. */
static int check_free(const async_runner *rn, const char *what)
{
    if (!rn || !rn->loop)
        return is_runner_usable(rn, what), -EINVAL;
    if (!is_runner_usable(rn, what))
        return -EBUSY;
    if (rn->loop->abandoned) {
        async__warn("%s() of a runner that has abandoned tasks in a deadlock: close it, and open "
                    "another one",
                    what);
        return -EDEADLK;
    }
    if (!rn->started)
        return 0;
    async__warn("%s() while a run that was started with async_runner_start() has not ended", what);
    return -EBUSY;
}

/* --- runs --- */

int async_runner_run(async_runner *rn, async_co co)
{
    int r = check_free(rn, "async_runner_run");
    if (r < 0)
        return r;
    struct run once = { .runner = rn, .co = &co, .watched = async__interrupt_watch(rn->loop) };
    return async__run(rn, &once);
}

/* Run until async_stop(). If a stop was requested before the run, run what is ready now, once. */
int async_runner_run_forever(async_runner *rn)
{
    int r = check_free(rn, "async_runner_run_forever");
    if (r < 0)
        return r;
    struct run forever = { .runner = rn,
                           .forever = true,
                           .watched = async__interrupt_watch(rn->loop) };
    struct loop *l = rn->loop;
    r = async__run_begin(rn, &forever);
    if (r < 0)
        return r;
    rn->running = true;
    if (l->stop_requested)
        async__run_ready(l);
    else
        async__loop_run(l, NULL);
    rn->running = false;
    l->stop_requested = l->forever = false;
    if (!l->forked) /* Ctrl-C has come first, and the callback must not stop the next run */
        async_callback_cancel(&l->stop_callback);
    return async__run_end(rn, &forever);
}

/* A callback, so that everything that was ready before async_stop() still runs. */
static void stop_loop(void *loop)
{
    async__loop_stop(loop);
}

/* Stop a run without a main task, by a callback. A second call before it runs changes nothing. */
int async_stop(void)
{
    struct loop *l = async__loop;
    if (!l) {
        async__warn("async_stop() on a thread without a loop; use async_call_soon_threadsafe()");
        return -EPERM;
    }
    if (l->root_task) {
        async__warn("async_stop() in a run that ends with its main task; it is for "
                    "async_runner_run_forever()");
        return -EINVAL;
    }
    if (l->forever && !l->stop_requested)
        async__call_soon(&l->stop_callback, stop_loop, l, NULL);
    l->stop_requested = true;
    return 0;
}

/* --- in another loop --- */

struct started_run {
    struct run run; /* first, because it is freed by its address */
    async_co co;
};

/* Begin a run that async_runner_turn() drives. Its record is allocated, because it outlives this
 * call. */
int async_runner_start(async_runner *rn, async_co co)
{
    int r = check_free(rn, "async_runner_start");
    if (r < 0)
        return r;
    struct started_run *s = async__malloc(sizeof *s);
    if (!s)
        return -ENOMEM;
    *s = (struct started_run){ .run = { .runner = rn, .co = &s->co }, .co = co };
    r = async__run_begin(rn, &s->run);
    if (r < 0) {
        async__free(s);
        return r;
    }
    rn->started = &s->run;
    rn->loop->embedded = true;
    async__handle_embed(rn->loop->handle);
    return 0;
}

static int finish_started(async_runner *rn)
{
    int r = async__run_end(rn, rn->started);
    async__free(rn->started);
    rn->started = NULL;
    rn->loop->embedded = false;
    return r;
}

/* Make one iteration of the loop: poll without waiting, then run what is ready. Returns 1 and the
 * result if the run has ended. */
int async_runner_turn(async_runner *rn, int *ret)
{
    if (!is_runner_usable(rn, "async_runner_turn"))
        return rn && rn->loop ? -EBUSY : -EINVAL;
    if (!rn->started)
        return -EINVAL;
    struct loop *l = rn->loop;
    rn->running = true;
    async__loop_iterate_embedded(l);
    async__run_ready(l);
    rn->running = false;
    if (l->forked)
        return finish_started(rn);
    if (!loop_is_over(l))
        return 0;
    int r = finish_started(rn);
    if (ret)
        *ret = r;
    return 1;
}

int async_runner_fd(const async_runner *rn)
{
    return rn && rn->loop ? rn->loop->poller.ep : -EINVAL;
}

/* The timeout is also 0 if another thread has woken the loop: the latest poll may have consumed
 * that wake-up, so that the descriptor does not become readable again. */
double async_runner_timeout(const async_runner *rn)
{
    if (!rn || !rn->loop)
        return ASYNC_FOREVER;
    struct loop *l = rn->loop;
    if (l->sched.ready.head || l->handle->taken || atomic_load(&l->handle->wake_pending))
        return 0;
    int64_t next = async__timer_next(&l->timers);
    if (next == NEVER)
        return ASYNC_FOREVER;
    int64_t now = loop_now(l);
    return l->virtual_clock || next <= now ? 0 : 1e-9 * (double)(next - now);
}

/* Cancel and end a started run, because the runner is closed before it has ended. */
static void end_started(async_runner *rn)
{
    struct loop *l = rn->loop;
    l->embedded = false;
    if (!l->stop) { /* otherwise main has ended, and done callbacks are still to run */
        rn->started->result = -ECANCELED; /* in case main has not started */
        async__task_request_cancel(l->root_task, ASYNC_CANCEL_SHUTDOWN, "the runner is closed",
                                   l->run_site);
    }
    rn->running = true;
    async__loop_run(l, NULL);
    rn->running = false;
    int r = finish_started(rn);
    if (r < 0 && r != -ECANCELED)
        async__warn("task error was never retrieved: main: %s", strerror(-r));
}

/* End a started run, shut the loop down and free it. In a child of fork() there is nothing to end,
 * because the tasks belong to the parent. */
void async_runner_close_at(async_runner *rn, const async_site *site)
{
    if (!rn || !rn->loop || !is_runner_usable(rn, "async_runner_close"))
        return;
    struct run last = { .runner = rn };
    rn->loop->run_site = site;
    if (rn->started)
        end_started(rn);
    if (!rn->loop->forked) {
        rn->loop->deadlocked = false;
        async__shut_down(rn, &last);
    }
    async__returned_in_child(rn->loop);
    async__runner_finish(rn);
    keep_closed(rn);
}
