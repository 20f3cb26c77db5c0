/* SPDX-License-Identifier: MIT */
/* fetch.c - set up a run, run it, and decide its exit status. */
#include "fetch.h"

#include "common/fd_limit.h"
#include "body_file.h"
#include "job.h"
#include "job_result.h"
#include "producer.h"
#include "resume.h"
#include "run.h"
#include "schedule.h"
#include "signals.h"
#include "stop.h"

#include <asyncio/run.h>
#include <asyncio/scope.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    ORDER_BYTES = 64 << 20, /* of lines that wait for their turn, at most */
    FDS_OF_RUN = 40,        /* descriptors that are open whatever the number of jobs */
    FDS_PER_JOB = 3         /* a lookup or a connection and its file; an idle connection */
};

/* ---- the run ---- */

/* Run the producer and the jobs until all have ended. Afterwards a signal or the deadline finds no
 * group to cancel. */
ASYNC_DEF(run_all_jobs, (struct run *)f)
{
    int r;
    await_group (r, g) {
        f->group = g;
        f->producer = async_group_create_task(g, producer_task(f), .name = "input");
        if (f->o.deadline > 0)
            async_call_later(&f->deadline, f->o.deadline, on_run_deadline, f);
    }
    f->group = NULL;
    f->producer = NULL;
    async_callback_cancel(&f->deadline);
    async_callback_cancel(&f->drain);
    async_callback_cancel(&f->schedule.token);
    return r;
}

/* Make the list of --resolve for the HTTP client, which ends with NULL. */
static const char **make_resolve_list(const struct options *o)
{
    const char **list = calloc(o->resolve_count + 1, sizeof *list);
    for (size_t i = 0; list && i < o->resolve_count; i++)
        list[i] = o->resolve[i];
    return list;
}

static int open_session(struct run *f)
{
    const struct options *o = &f->o;
    const char *ca_file = o->ca_file ? o->ca_file : getenv("SSL_CERT_FILE");
    const char **resolve = make_resolve_list(o);
    if (!resolve)
        return -ENOMEM;
    int r = async_http_session_open(
            &f->session, .headers = f->headers, .limit = (int)o->jobs,
            .limit_per_host = (int)o->per_host, .user_agent = o->user_agent, .http1 = o->http1,
            .proxy = o->proxy, .no_proxy = o->no_proxy,
            .ca_file = ca_file && *ca_file ? ca_file : NULL, .cert_file = o->cert_file,
            .key_file = o->key_file, .unix_socket = o->unix_socket, .resolve = resolve,
            .ip = o->ipv4   ? 4
                  : o->ipv6 ? 6
                            : 0,
            .no_private = o->no_private, .location_trusted = o->location_trusted,
            .insecure_no_verify = o->insecure);
    free(resolve);
    return r;
}

static void on_report_signal(void *arg)
{
    struct run *f = arg;
    const struct stats *s = &f->stats;
    display_message(&f->display,
                    "%llu done, %llu of them failed; %llu attempts in progress, %llu requests wait "
                    "for a retry, %llu for their host",
                    (unsigned long long)(s->ok + s->failed), (unsigned long long)s->failed,
                    (unsigned long long)f->display.active, (unsigned long long)f->display.retrying,
                    (unsigned long long)(f->schedule.waiting - f->display.retrying));
}

/* Every request that was read has its line when this returns, unless the output has failed. */
ASYNC_DEF(fetch_all, (struct run *)f)
{
    struct signals signals;
    ASYNC_TRY(signals_start(&signals, on_stop_signal, on_report_signal, f));
    int r = open_session(f);
    if (r < 0) {
        display_message(&f->display, "%s", async_fail_text(r));
        signals_stop(&signals);
        return r;
    }
    output_start(&f->out, STDOUT_FILENO);
    display_start(&f->display, &f->stats, &f->o);
    r = await_run_all_jobs(f);
    if (r < 0) { /* a task could not be started */
        f->stop = STOP_ERROR;
        display_message(&f->display, "cannot start a request: %s", strerror(-r));
        f->local_error = true;
    }
    skip_remaining_jobs(f);
    put_remaining_lines(f);
    async_http_session_close(f->session);
    r = await_output_close(&f->out);
    display_stop(&f->display);
    signals_stop(&signals);
    return r;
}

static int run_exit_status(const struct run *f)
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

static int fail_setup(const char *what, int error)
{
    fprintf(stderr, "asyncio fetch: %s: %s\n", what, strerror(-error));
    return error;
}

/* Make the list of headers for the HTTP client. Names are copied, values point into argv. */
static int set_session_headers(struct run *f)
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

static int read_data_file(const char *path, struct text *ret)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return -errno;
    int r = text_read_file(ret, file);
    fclose(file);
    return r;
}

/* Read the body that --data or --json gives, from a file if it begins with '@'. */
static int set_data(struct run *f)
{
    const char *data = f->o.data ? f->o.data : f->o.json;
    struct text all = { 0 };
    if (!data)
        return 0;
    int r = 0;
    if (*data == '@')
        r = read_data_file(data + 1, &all);
    else
        text_puts(&all, data);
    if (r < 0) {
        text_free(&all);
        return fail_setup(data + 1, r);
    }
    f->data = all.data;
    f->data_len = all.len;
    return all.error;
}

static int open_input(struct run *f)
{
    const char *path = f->o.input;
    bool standard = !path || strcmp(path, "-") == 0;
    f->input_fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    return f->input_fd < 0 ? fail_setup(path, -errno) : 0;
}

/* A file that cannot be read must not make all requests fail, one by one. */
static int check_readable(const char *path)
{
    return path && access(path, R_OK) < 0 ? fail_setup(path, -errno) : 0;
}

static int check_certificates(const struct options *o)
{
    int r = check_readable(o->ca_file);
    if (r == 0)
        r = check_readable(o->cert_file);
    return r < 0 ? r : check_readable(o->key_file);
}

static int open_output_dir(struct run *f)
{
    f->dir = -1;
    if (!f->o.output_dir || f->o.dry_run)
        return 0;
    f->dir = body_dir_open(f->o.output_dir);
    return f->dir < 0 ? fail_setup(f->o.output_dir, f->dir) : 0;
}

static void hide_display(void *arg)
{
    struct run *f = arg;
    display_hide(&f->display);
}

/* Start no more jobs than there are descriptors for, rather than fail requests. */
static void limit_jobs(struct run *f)
{
    raise_fd_limit();
    long limit = fd_limit(), most = (limit - FDS_OF_RUN) / FDS_PER_JOB;
    most = most > 1 ? most : 1;
    if (f->o.jobs <= most)
        return;
    fprintf(stderr,
            "asyncio fetch: the limit of %ld open files allows %ld concurrent requests instead of "
            "%ld; 'ulimit -n' raises it\n",
            limit, most, f->o.jobs);
    f->o.jobs = most;
}

/* Prepare everything that needs no loop. The window of --keep-order is as large as all that can be
 * in progress or wait, so that one slow request does not stop the others. */
static int prepare_run(struct run *f)
{
    limit_jobs(f);
    size_t window = (size_t)f->o.jobs + (size_t)f->o.look_ahead;
    f->out.on_error = on_output_error;
    f->out.arg = f;
    f->out.before_write = hide_display;
    f->out.written = f->journal.fd < 0 ? NULL : on_lines_written;
    f->out.sync = sync_journal;
    input_init(&f->input, f->o.url_count, 0);
    schedule_init(f, attempt_task, job_give_up);
    if (getrandom(&f->random, sizeof f->random, GRND_NONBLOCK) < 0)
        f->random = (uint64_t)monotonic_ns();
    int r = f->o.keep_order ? order_init(&f->order, window, ORDER_BYTES) : 0;
    if (r == 0 && f->o.keep_order && f->journal.fd >= 0)
        r = order_init(&f->order_records, window, SIZE_MAX);
    return r < 0 ? r : set_session_headers(f);
}

/* Free a run, at whatever point its setup has failed. */
static void free_run(struct run *f)
{
    for (size_t i = 0; f->headers && f->headers[i]; i += 2)
        free((char *)f->headers[i]);
    free(f->headers);
    free(f->data);
    credentials_free(&f->credentials);
    order_free(&f->order);
    origins_free(&f->origins);
    order_free(&f->order_records);
    names_free(&f->names);
    journal_close(&f->journal);
    input_free(&f->input);
    options_free(&f->o);
    if (f->dir >= 0)
        close(f->dir);
    if (f->input_fd > 0)
        close(f->input_fd);
}

/* Write --summary-json. Returns the exit status. */
static int write_summary(struct run *f, int status)
{
    struct text t = { 0 };
    if (!f->o.summary_json)
        return status;
    stats_json(&f->stats, async_time() - f->display.start, status, &t);
    FILE *file = fopen(f->o.summary_json, "we");
    bool written = file && !t.error && fwrite(t.data, 1, t.len, file) == t.len;
    if (file && fclose(file) != 0)
        written = false;
    text_free(&t);
    if (written)
        return status;
    fail_setup(f->o.summary_json, -errno);
    return status ? status : 3;
}

/* Set up and run with the options that were parsed. Returns the exit status. */
static int fetch_with_options(struct run *f)
{
    if (set_data(f) < 0 || open_input(f) < 0 || credentials_init(&f->credentials, &f->o) < 0 ||
        check_certificates(&f->o) < 0)
        return 2;
    if (open_output_dir(f) < 0)
        return 3;
    int e = resume_open(f);
    if (e < 0)
        return e == -EEXIST ? 2 : 3;
    int r = prepare_run(f);
    if (r == 0)
        r = async_run(fetch_all(f));
    if (r < 0 && !f->out.error) {
        fail_setup("cannot run", r);
        return 3;
    }
    display_summary(&f->display);
    return write_summary(f, run_exit_status(f));
}

int fetch_main(int argc, char **argv)
{
    static struct run f; /* static, because the histogram in it is large */
    argv[0] = "asyncio fetch";
    int r = options_parse(argc, argv, stdout, stderr, &f.o);
    if (r <= 0)
        return r == 0 ? 0 : r == -ENOMEM ? 3 : 2;
    f.dir = f.journal.fd = -1;
    r = fetch_with_options(&f);
    free_run(&f);
    return r;
}
