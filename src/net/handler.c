/* SPDX-License-Identifier: MIT */
/* handler.c - the tasks of a server's connections: each takes a connection from the queue, runs the
 * handler, and closes the connection. */
#include "base/alloc.h"
#include "io/stream.h"
#include "net/server.h"
#include "task/error.h"
#include "task/task.h"

enum { REPORTS_PER_SECOND = 10 };

/* --- reports of failed handlers --- */

static void print_summary(void *arg)
{
    struct server *v = arg;
    async__warn("server on %s: %lu more handlers failed within a second and were not reported",
                v->name, v->reports.suppressed);
    v->reports.suppressed = 0;
    v->reports.summary_due = false;
}

/* A peer that makes handlers fail as fast as it can must not fill the log. Returns whether this
 * failure is reported; if not, it is counted, and one line tells the number later. */
static bool may_report(struct server *v, struct loop *l)
{
    struct failure_reports *f = &v->reports;
    int64_t second = ns_of(1), now = loop_coarse_now(l);
    if (!f->window || now - f->window >= second) {
        f->window = now ? now : 1;
        f->reported = 0;
    }
    if (f->reported < REPORTS_PER_SECOND) {
        f->reported++;
        return true;
    }
    f->suppressed++;
    if (!f->summary_due) {
        f->summary_due = true;
        async_call_later(&f->summary, 1e-9 * (double)(f->window + second - now), print_summary, v);
    }
    return false;
}

void async__server_end_reports(struct server *v)
{
    if (!v->reports.summary_due)
        return;
    async_callback_cancel(&v->reports.summary);
    print_summary(v);
}

/* --- connections --- */

static async_stream *take_connection(struct server *v)
{
    async_stream *s = v->first;
    v->first = s->next;
    if (!v->first)
        v->last = &v->first;
    v->pending--;
    s->self = NULL; /* no link any more */
    return s;
}

static void end_connection(struct server *v, async_stream *s)
{
    async_stream_drop(&s);
    v->connections--;
    async__wake_all(&v->room, 0);
}

/* The task is named after the handler. */
static void name_task(async_task *t, const async_co *co)
{
    const char *name = async__co_name(co);
    if (co->name) /* a constant; the old name was one, too, so that nothing has to be freed */
        t->name = co->name;
    else
        async_ignore(async__task_rename(t, name ? name : "handler"));
}

/* Run the handler of s. A layer's stream may have to say farewell before it is closed. */
static int run_handler(struct server *v, async_stream *s)
{
    s->arg = v->arg;
    async_co co = v->handler(s);
    name_task(async__loop->sched.current, &co);
    int r = co.run(co.frame);
    if (r >= 0 && s->ops->finish && !s->closing)
        async_ignore(await_stream_close(s));
    return r;
}

/* Is r the way in which the connection itself has ended? Such ends are normal. */
static bool is_end_of_connection(const async_stream *s, int r)
{
    return (!s || s->lost) && (r == -ENODATA || r == -EPIPE || r == -ECONNRESET);
}

/* Serve the next connection in the queue. The result is that of the task, which the group
 * reports. */
static int await_connection(struct server *v)
{
    async_stream *s = take_connection(v);
    int r = v->layer ? v->layer->open(v->layer, s, NULL, &s) : 0;
    if (r < 0)
        s = NULL; /* the layer has dropped it */
    else
        r = run_handler(v, s);
    if (r < 0 && r != -ECANCELED && (is_end_of_connection(s, r) || !may_report(v, async__loop))) {
        async__errors_ignore(async__loop->sched.current);
        r = 0;
    }
    end_connection(v, s);
    return r;
}

ASYNC__MAKE(connection, "connection", await_connection, (struct server *)v)

int async__server_add(struct server *v, async_stream *s)
{
    s->next = NULL;
    *v->last = s;
    v->last = &s->next;
    v->pending++;
    v->connections++;
    async_co co = connection(v);
    int r = async_spawn_opt(v->group, &co, &(const struct async_task_opts){ .site = v->site });
    if (r == -ENOMEM)
        v->group->err = 0; /* the connection is lost, but not the server */
    return r;
}

void async__server_drop_taskless(struct server *v)
{
    size_t running = v->connections - v->pending;
    while (v->pending > 0 && v->group->running < running + v->pending)
        end_connection(v, take_connection(v));
}

void async__server_drop_pending(struct server *v)
{
    while (v->pending > 0)
        end_connection(v, take_connection(v));
}

void *async_serve_arg(const async_stream *s)
{
    return s->arg;
}
