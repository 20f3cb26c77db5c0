/* SPDX-License-Identifier: MIT */
/* stop.c - end a run early. */
#include "stop.h"

#include <asyncio/task.h>

#include <signal.h>
#include <string.h>

/* After a signal: what requests in progress get, and then the reader of the results. */
static const double drain_seconds = 2, output_seconds = 2;

const char *stop_message(const struct run *f)
{
    switch (f->stop) {
    case STOP_SIGNAL:
        return f->signal == SIGTERM  ? "stopped by SIGTERM"
               : f->signal == SIGHUP ? "stopped by SIGHUP"
                                     : "stopped by SIGINT";
    case STOP_FAILURES:
        return "stopped after too many failures";
    case STOP_DEADLINE:
        return "stopped by the deadline of the run";
    case STOP_ERROR:
    case STOP_NONE:
        break;
    }
    return "stopped by an error";
}

static void cancel_jobs(void *arg)
{
    struct run *f = arg;
    async_group_cancel(f->group);
}

void run_stop(struct run *f, enum stop_reason why)
{
    if (f->stop != STOP_NONE)
        return;
    f->stop = why;
    if (why == STOP_SIGNAL)
        output_set_timeout(&f->out, (f->group ? drain_seconds : 0) + output_seconds);
    if (!f->group) /* all jobs have ended, and only their lines are still being written */
        return;
    async_task_cancel(f->producer);
    async_call_later(&f->drain, why == STOP_SIGNAL ? drain_seconds : 0, cancel_jobs, f);
}

void run_fail(struct run *f, int error, const char *what)
{
    if (f->stop != STOP_ERROR)
        display_message(&f->display, "%s: %s", what, strerror(-error));
    f->local_error = true;
    run_stop(f, STOP_ERROR);
}

void on_stop_signal(void *arg, int signal)
{
    struct run *f = arg;
    f->signal = signal;
    if (!f->o.quiet && f->stop == STOP_NONE && f->group)
        display_message(&f->display,
                        "stopping: requests in progress get %g s; press Ctrl-C again to stop now",
                        drain_seconds);
    run_stop(f, STOP_SIGNAL);
}

void on_run_deadline(void *arg)
{
    run_stop(arg, STOP_DEADLINE);
}

void on_output_error(void *arg)
{
    struct run *f = arg;
    run_fail(f, f->out.error, "cannot write to standard output");
}
