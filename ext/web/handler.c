/* SPDX-License-Identifier: MIT */
/* handler.c - the task of a request: started from MHD's callback, cancelled when its client or its server goes,
 * and at its end the answer, or what stands for it. And what MHD does not do meanwhile: see the client go. */
#include "internal.h"

#include <sys/socket.h>

static void ended(async_web_request *rq, int result)
{
    async_web_server *s = rq->server;
    web_unlink(&rq->line);
    rq->phase = WEB_ENDED;
    rq->task = NULL;
    web_unwatch(rq);
    s->stats.running--;
    async_event_set(&s->less);
    if (rq->streaming)
        web_stream_handler_ended(rq, result);
    else if (rq->status == 0 && !rq->gone)
        web_answer_plain(rq, s->stopping && result == -ECANCELED ? 503 : 500);
    if (rq->mhd) {
        web_resume(rq);
        web_kick(s);
    } else {
        web_request_free(rq);
    }
}

/* Whether stderr should hear of it: a failure, or an answer that never came. Not what we caused ourselves. */
static bool is_news(const async_web_request *rq, int result)
{
    if (rq->gone)
        return result < 0 && result != -ECANCELED && result != -EPIPE;
    if (rq->server->stopping && result == -ECANCELED)
        return false;
    return result < 0 || rq->status == 0;
}

/* Whichever request is next in line: a task that is cancelled before it begins takes none. */
static int run(void *server)
{
    async_web_server *s = server;
    if (web_empty(&s->line))
        return 0;
    async_web_request *rq = web_entry(s->line.next, async_web_request, line);
    int r = -ECANCELED;
    web_unlink(&rq->line);
    rq->phase = WEB_RUNNING;
    rq->task = async_current_task();
    if (!rq->gone && !rq->server->hurry) {
        async_co co = rq->route->user->handler(rq);
        r = co.run(co.frame);
        if (r >= 0 && web_stream_short(rq))
            r = async_fail(-EPROTO, "less was written than .size");
    }
    if (is_news(rq, r))
        web_report(rq, r);
    ended(rq, r);
    return 0; /* a request that failed is no failure of the server */
}

static void make_task(async_web_request *rq)
{
    async_web_server *s = rq->server;
    struct async_task_opts opts = { .site = ASYNC_HERE, .stack_size = s->opts.stack_size };
    rq->turn = s->turns;
    if (s->group &&
        async_spawn_opt(s->group, ASYNC__REF(async_call(run, s, rq->route->label)), &opts) == 0)
        return;
    web_answer_plain(rq, 503);
    ended(rq, 0);
}

void web_handler_start(async_web_request *rq)
{
    async_web_server *s = rq->server;
    rq->phase = WEB_STARTED;
    web_append(&s->line, &rq->line);
    if (++s->stats.running > s->stats.most)
        s->stats.most = s->stats.running;
    make_task(rq);
}

/* MHD asks for the answer, and the request still stands in the line. If it has for some turns, somebody has cancelled a
 * task of ours before it began, one of all that there are: then there is one more. If not, that one finds the line empty. */
void web_handler_again(async_web_request *rq)
{
    if (rq->server->turns - rq->turn > 2)
        make_task(rq);
}

/* Its client has gone. If it has not begun, it never will. */
void web_handler_lost(async_web_request *rq)
{
    rq->gone = true;
    if (rq->phase == WEB_STARTED)
        ended(rq, 0);
    else if (rq->task)
        async_task_cancel(rq->task, .reason = "the client went away");
}

void web_handlers_cancel(async_web_server *s)
{
    for (struct web_link *l = s->requests.next; l != &s->requests; l = l->next) {
        async_web_request *rq = web_entry(l, async_web_request, link);
        if (rq->task)
            async_task_cancel(rq->task, .reason = "the server stops");
    }
}

/* Whether the current task is one of the handlers. */
bool web_handler_is_current(const async_web_server *s)
{
    const async_task *current = async_current_task();
    for (const struct web_link *l = s->requests.next; l != &s->requests; l = l->next)
        if (current && web_entry(l, const async_web_request, link)->task == current)
            return true;
    return false;
}

/* The group of the handlers has ended: those that had not begun never will. */
void web_handlers_never_ran(async_web_server *s)
{
    for (struct web_link *l = s->requests.next, *next; l != &s->requests; l = next) {
        async_web_request *rq = web_entry(l, async_web_request, link);
        next = l->next;
        if (rq->phase == WEB_STARTED) {
            web_answer_plain(rq, 503);
            ended(rq, 0);
        }
    }
}

/* --- suspended: MHD does not look at the connection --- */

static void client_gone(async_web_request *rq)
{
    web_unwatch(rq);
    web_stream_over(rq);
    web_handler_lost(rq);
}

static void on_look(void *server);

static void set_look(async_web_server *s)
{
    if (s->look_on || web_empty(&s->unwatched))
        return;
    s->look_on = true;
    const async_web_request *first = web_entry(s->unwatched.next, async_web_request, unwatched);
    async_call_at(&s->look, first->suspended_at + WEB_PATIENCE, on_look, s);
}

/* Once somebody calls set_look(). */
static void watch_later(async_web_request *rq, double now)
{
    rq->suspended_at = now;
    web_append(&rq->server->unwatched, &rq->unwatched);
}

/* Readable is the end of the stream, or a request that came too early: then only a reset is of interest, which comes
 * unasked. */
static void on_client(void *request, int events)
{
    async_web_request *rq = request;
    char c;
    ssize_t n;
    if (events & (POLLHUP | POLLERR)) {
        client_gone(rq);
        return;
    }
    do
        n = recv(rq->watch.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        client_gone(rq);
    } else if (n > 0 && async_watch_change(&rq->watch, POLLHUP) < 0) {
        web_unwatch(rq); /* else this would be called without end */
        if (rq->suspended)
            watch_later(rq, async_time());
        set_look(rq->server);
    }
}

/* Begin to watch the clients whose handlers take long. One that cannot be watched (no memory) is looked at once more
 * a little later. */
static void on_look(void *server)
{
    async_web_server *s = server;
    double now = async_time();
    s->look_on = false;
    while (!web_empty(&s->unwatched)) {
        async_web_request *rq = web_entry(s->unwatched.next, async_web_request, unwatched);
        if (rq->suspended_at + WEB_PATIENCE > now)
            break;
        web_unlink(&rq->unwatched);
        rq->watching = async_watch_start(&rq->watch, rq->conn->fd, POLLIN, on_client, rq) == 0;
        if (!rq->watching)
            watch_later(rq, now);
    }
    set_look(s);
}

/* From MHD's callbacks only. The client is not watched at once: that costs two changes of the epoll set, and
 * most handlers end before anybody could miss it. */
void web_suspend(async_web_request *rq)
{
    async_web_server *s = rq->server;
    MHD_suspend_connection(rq->mhd);
    rq->suspended = true;
    if (rq->watching || rq->gone)
        return;
    watch_later(rq, s->now);
    set_look(s);
}

void web_unwatch(async_web_request *rq)
{
    if (rq->watching)
        async_watch_stop(&rq->watch);
    rq->watching = false;
}

void web_resume(async_web_request *rq)
{
    if (!rq->suspended)
        return;
    rq->suspended = false;
    web_unlink(&rq->unwatched);
    MHD_resume_connection(rq->mhd);
    web_kick(rq->server);
}

/* Those that came before there was a group for their handlers; at the end all. */
void web_resume_all(async_web_server *s, bool unhandled)
{
    for (struct web_link *l = s->requests.next; l != &s->requests; l = l->next) {
        async_web_request *rq = web_entry(l, async_web_request, link);
        if (!unhandled || rq->phase == WEB_READING)
            web_resume(rq);
    }
}
