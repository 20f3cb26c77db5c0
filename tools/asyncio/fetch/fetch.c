/* SPDX-License-Identifier: MIT */
/* fetch.c - `asyncio fetch`: sets a run up, lets it run, decides how it ends. */
#include "fetch.h"
#include "common/fd_limit.h"
#include "signals.h"

#include <asyncio/run.h>
#include <asyncio/scope.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum { ORDER_BYTES = 64 << 20, IDLE_ORIGINS = 4096 };
static const double drain_seconds = 2, output_seconds = 2;

int64_t fetch_ns(void)
{
    return (int64_t)(async_time() * 1e9);
}

/* ---- stopping ---- */

const char *stop_text(const struct run *f)
{
    switch (f->stop) {
    case STOP_SIGNAL:
        return f->signal == SIGTERM ? "stopped by SIGTERM" : "stopped by SIGINT";
    case STOP_FAILURES:
        return "stopped after too many failures";
    case STOP_DEADLINE:
        return "the deadline of the run has passed";
    case STOP_LOCAL:
    case STOP_NONE:
        break;
    }
    return "stopped by an error";
}

static void cut(void *arg)
{
    struct run *f = arg;
    f->cut = true;
    async_group_cancel(f->group);
}

void run_stop(struct run *f, enum stop why)
{
    if (f->stop != STOP_NONE)
        return;
    f->stop = why;
    if (why == STOP_SIGNAL)
        writer_limit(&f->out, (f->group ? drain_seconds : 0) + output_seconds);
    if (!f->group) /* all jobs have ended: only lines are still written */
        return;
    async_task_cancel(f->feed);
    async_call_later(&f->drain, why == STOP_SIGNAL ? drain_seconds : 0, cut, f);
}

/* Of several errors the first is told. */
void run_fail(struct run *f, int error, const char *what)
{
    if (f->stop != STOP_LOCAL)
        meter_say(f, "%s: %s", what, strerror(-error));
    f->local_error = true;
    run_stop(f, STOP_LOCAL);
}

static void on_signal(void *arg, int sig)
{
    struct run *f = arg;
    f->signal = sig;
    if (!f->o.quiet && f->stop == STOP_NONE && f->group)
        meter_say(f, "stopping: requests under way get %g s; Ctrl-C again stops at once\n",
                  drain_seconds);
    run_stop(f, STOP_SIGNAL);
}

static void on_deadline(void *arg)
{
    run_stop(arg, STOP_DEADLINE);
}

static void on_output_error(void *arg)
{
    struct run *f = arg;
    run_fail(f, f->out.error, "cannot write to standard output");
}

static void before_output(void *arg)
{
    meter_hide(arg);
}

/* ---- the run ---- */

static int open_session(struct run *f)
{
    return async_http_session_open(&f->session, .headers = f->headers, .limit = -1,
                                   .limit_per_host = (int)f->o.per_host);
}

/* Jobs that were cancelled before their tasks first ran, and in order's ring what stands behind a gap. */
static void finish_rest(struct run *f)
{
    struct text line = { 0 };
    while (f->jobs)
        job_skip(f->jobs, FAILURE_CANCELLED);
    while (f->o.keep_order && order_take_rest(&f->order, &line))
        put_ready_line(f, &line);
}

ASYNC_DEF(all_jobs, (struct run *)f)
{
    int r;
    await_group (r, g) {
        f->group = g;
        f->feed = async_group_create_task(g, feed(f), .name = "input");
        if (f->o.deadline > 0)
            async_call_later(&f->deadline, f->o.deadline, on_deadline, f);
    }
    f->group = NULL;
    f->feed = NULL;
    async_callback_cancel(&f->deadline);
    async_callback_cancel(&f->drain);
    return r;
}

ASYNC_DEF(run, (struct run *)f)
{
    struct signals signals;
    ASYNC_TRY(signals_start(&signals, on_signal, f));
    int r = open_session(f);
    if (r < 0) {
        signals_stop(&signals);
        return r;
    }
    writer_start(&f->out, STDOUT_FILENO);
    meter_start(f);
    r = await_all_jobs(f);
    if (r < 0) { /* a task could not be started */
        f->stop = STOP_LOCAL;
        meter_say(f, "%s", strerror(-r));
        f->local_error = true;
    }
    finish_rest(f);
    async_http_session_close(f->session);
    r = await_writer_close(&f->out);
    meter_stop(f);
    signals_stop(&signals);
    return r;
}

static int exit_status(const struct run *f)
{
    if (f->stop == STOP_SIGNAL)
        return 128 + f->signal;
    if (f->local_error || f->out.error)
        return 3;
    if (f->stop != STOP_NONE)
        return 4;
    return f->bad_input ? 2 : f->stats.failed ? 1 : 0;
}

/* ---- setting up ---- */

static int complain(const char *what, int error)
{
    fprintf(stderr, "asyncio fetch: %s: %s\n", what, strerror(-error));
    return error;
}

/* Names are copied, values point into argv. */
static int set_headers(struct run *f)
{
    f->headers = calloc(2 * f->o.header_count + 1, sizeof *f->headers);
    for (size_t i = 0; f->headers && i < f->o.header_count; i++) {
        char *colon = strchr(f->o.headers[i], ':');
        f->headers[2 * i] = strndup(f->o.headers[i], (size_t)(colon - f->o.headers[i]));
        f->headers[2 * i + 1] = colon + 1 + strspn(colon + 1, " \t");
        if (!f->headers[2 * i])
            return -ENOMEM;
    }
    return f->headers ? 0 : -ENOMEM;
}

static int read_file(const char *path, struct text *ret)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return -errno;
    int r = text_read_file(ret, file);
    fclose(file);
    return r;
}

static int set_data(struct run *f)
{
    const char *data = f->o.data ? f->o.data : f->o.json;
    struct text all = { 0 };
    if (!data)
        return 0;
    int r = 0;
    if (*data == '@')
        r = read_file(data + 1, &all);
    else
        text_puts(&all, data);
    if (r < 0) {
        text_free(&all);
        return complain(data + 1, r);
    }
    f->data = all.data;
    f->data_len = all.len;
    return all.error;
}

static int open_input(struct run *f)
{
    const char *path = f->o.input;
    f->input_fd = !path || strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    return f->input_fd < 0 ? complain(path, -errno) : 0;
}

static int open_dir(struct run *f)
{
    f->dir = -1;
    if (!f->o.output_dir || f->o.dry_run)
        return 0;
    f->dir = sink_open_dir(f->o.output_dir);
    return f->dir < 0 ? complain(f->o.output_dir, f->dir) : 0;
}

static int prepare(struct run *f)
{
    size_t window = 4 * (size_t)f->o.jobs > 1024 ? 4 * (size_t)f->o.jobs : 1024;
    f->places = (async_semaphore)ASYNC_SEMAPHORE((int)f->o.jobs);
    f->out.on_error = on_output_error;
    f->out.before = before_output;
    f->out.arg = f;
    input_init(&f->input, f->o.url_count, 0);
    rate_init(&f->rate, f->o.rate, f->o.burst);
    origins_init(&f->origins, IDLE_ORIGINS);
    if (getrandom(&f->random, sizeof f->random, GRND_NONBLOCK) < 0)
        f->random = (uint64_t)fetch_ns();
    raise_fd_limit(); /* a job needs a socket, maybe two, and a file */
    int r = f->o.keep_order ? order_init(&f->order, window, ORDER_BYTES) : 0;
    return r < 0 ? r : set_headers(f);
}

static void clean_up(struct run *f)
{
    for (size_t i = 0; f->headers && f->headers[i]; i += 2)
        free((char *)f->headers[i]);
    free(f->headers);
    free(f->data);
    order_free(&f->order);
    origins_free(&f->origins);
    input_free(&f->input);
    options_free(&f->o);
    if (f->dir >= 0)
        close(f->dir);
    if (f->input_fd > 0)
        close(f->input_fd);
}

static int fetch(struct run *f)
{
    if (set_data(f) < 0 || open_input(f) < 0)
        return 2;
    if (open_dir(f) < 0)
        return 3;
    int r = prepare(f);
    if (r == 0)
        r = async_run(run(f));
    if (r < 0 && !f->out.error) {
        complain("cannot run", r);
        return 3;
    }
    meter_summary(f);
    return exit_status(f);
}

int fetch_main(int argc, char **argv)
{
    static struct run f; /* the histogram is large */
    argv[0] = "asyncio fetch";
    int r = options_parse(argc, argv, stdout, stderr, &f.o);
    if (r <= 0)
        return r == 0 ? 0 : r == -ENOMEM ? 3 : 2;
    r = fetch(&f);
    clean_up(&f);
    return r;
}
