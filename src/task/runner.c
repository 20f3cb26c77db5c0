/* SPDX-License-Identifier: MIT */
/* runner.c - several runs on one loop; and one a turn at a time, in somebody else's loop. */
#include "base/alloc.h"
#include "task/run.h"
#include "task/task.h"

async_runner *async_runner_open(const struct async_run_opts *opts)
{
    async_runner *rn = async__malloc(sizeof *rn);
    int r = rn ? async__runner_init(rn, opts) : -ENOMEM;
    if (r == 0)
        return rn;
    async__free(rn);
    errno = -r;
    return NULL;
}

static bool is_here(const async_runner *rn, const char *what)
{
    if (rn->loop == async__loop && !rn->running)
        return true;
    if (rn->loop->forked)
        async__warn("%s in a child of fork(): the runner is its parent's, make another", what);
    else
        async__warn("%s inside a run, or on a foreign thread", what);
    return false;
}

static bool is_free(const async_runner *rn, const char *what)
{
    if (!is_here(rn, what))
        return false;
    if (rn->started)
        async__warn("%s while another run, which was started, has not ended", what);
    return !rn->started;
}

int async_runner_run(async_runner *rn, async_co co)
{
    if (!is_free(rn, "async_runner_run"))
        return -EBUSY;
    struct run once = { .runner = rn, .co = &co };
    return async__run(rn, &once);
}

/* --- in a foreign loop --- */

struct started {
    struct run run;
    async_co co;
};

int async_runner_start(async_runner *rn, async_co co)
{
    if (!is_free(rn, "async_runner_start"))
        return -EBUSY;
    struct started *s = async__malloc(sizeof *s);
    if (!s)
        return -ENOMEM;
    *s = (struct started){ .run = { .runner = rn, .co = &s->co }, .co = co };
    int r = async__run_begin(rn, &s->run);
    if (r < 0) {
        async__free(s);
        return r;
    }
    rn->started = &s->run;
    rn->loop->embedded = true;
    return 0;
}

static int finish_started(async_runner *rn)
{
    int r = async__run_end(rn, rn->started);
    async__free(rn->started); /* its first member */
    rn->started = NULL;
    rn->loop->embedded = false;
    return r;
}

int async_runner_turn(async_runner *rn, int *ret)
{
    struct loop *l = rn->loop;
    if (!is_here(rn, "async_runner_turn"))
        return -EBUSY;
    if (!rn->started)
        return -EINVAL;
    rn->running = true;
    async__loop_poll_once(l);
    async__run_round(l);
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
    return rn->loop->poller.ep;
}

double async_runner_timeout(const async_runner *rn)
{
    struct loop *l = rn->loop;
    int64_t next = async__timer_next(&l->timers);
    /* Who has rung may have been heard by the kernel's last answer, and will not ring again. */
    if (l->ready.head || l->handle->taken || atomic_load(&l->handle->wake_pending))
        return 0;
    if (next == NEVER)
        return ASYNC_FOREVER;
    int64_t now = loop_now(l);
    return l->virtual_clock || next <= now ? 0 : 1e-9 * (double)(next - now);
}

/* The runner is closed before main has ended. */
static void end_started(async_runner *rn)
{
    struct loop *l = rn->loop;
    l->embedded = false;
    if (!l->stop) { /* else main has ended, and callbacks are owed */
        /* should it not have begun: */
        rn->started->result = -ECANCELED;
        async__task_request(l->root_task, ASYNC_CANCEL_SHUTDOWN, "the runner is closed", NULL);
    }
    rn->running = true;
    async__loop_run(l);
    rn->running = false;
    int r = finish_started(rn);
    if (r < 0 && r != -ECANCELED)
        async__warn("an error that nobody has read: main: %s", strerror(-r));
}

void async_runner_close(async_runner *rn)
{
    if (!rn || !is_here(rn, "async_runner_close"))
        return;
    if (rn->started)
        end_started(rn);
    if (!rn->loop->forked)
        async__runner_shut_down(rn);
    async__runner_finish(rn->loop);
    async__free(rn);
}
