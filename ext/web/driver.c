/* SPDX-License-Identifier: MIT */
/* driver.c - MHD on our loop: its epoll descriptor is watched, its earliest timeout is a timer of ours, and
 * whatever else makes it due (a resumed connection, an answer) asks for one turn, however many ask.
 *
 * Besides, the limits that MHD does not have: it sees a connection that is silent, but not one that sends a
 * byte now and then to hold its place. A connection stands in a list by what it owes us, and the one that has
 * owed longest is looked at when its time has come. */
#include "internal.h"

#include <sys/socket.h>

static void on_turn(void *server)
{
    async_web_server *s = server;
    s->turn_due = false;
    web_run(s);
}

/* A turn of MHD is due; after the tasks that are ready now, so that a burst of them costs one. */
void web_kick(async_web_server *s)
{
    if (s->turn_due || s->down)
        return;
    s->turn_due = true;
    async_call_soon(&s->turn, on_turn, s);
}

/* If a turn is due it comes when the handlers that are ready have had theirs. Before that, each connection would
 * be visited for nothing, as often as the loop polls between two of a crowd of tasks. */
static void on_ready(void *server, int events)
{
    async_web_server *s = server;
    (void)events;
    if (!s->turn_due)
        web_run(s);
}

static void on_timer(void *server)
{
    async_web_server *s = server;
    s->timer_on = false;
    web_run(s);
}

/* The timer may fire too early: MHD's timeouts move on with every request, and a turn for nothing once a minute
 * is cheaper than a timer set anew for each. */
static void set_timer(async_web_server *s)
{
    MHD_UNSIGNED_LONG_LONG ms;
    if (MHD_get_timeout(s->daemon, &ms) != MHD_YES)
        return;
    if (ms == 0) {
        web_kick(s);
        return;
    }
    double at = s->now + (double)ms / 1000;
    if (s->timer_on && s->timer_at <= at)
        return;
    if (s->timer_on)
        async_callback_cancel(&s->timer);
    s->timer_on = true;
    s->timer_at = at;
    async_call_at(&s->timer, at, on_timer, s);
}

/* MHD writes an answer in the run after the one in which it was queued: that second one follows at once. */
void web_run(async_web_server *s)
{
    s->now = async_time();
    s->turns++;
    s->queued = false;
    MHD_run(s->daemon);
    if (s->queued)
        MHD_run(s->daemon);
    set_timer(s);
}

/* --- what a connection owes us --- */

static double wait_limit(const async_web_server *s)
{
    return s->opts.idle_timeout + s->opts.request_timeout;
}

static void on_sweep(void *server);

static void set_sweep(async_web_server *s, double at)
{
    if (s->down || (s->sweep_on && s->sweep_at <= at))
        return;
    if (s->sweep_on)
        async_callback_cancel(&s->sweep);
    s->sweep_on = true;
    s->sweep_at = at;
    async_call_at(&s->sweep, at, on_sweep, s);
}

/* End the connections whose time is over: MHD finds them closed and lets them go. */
static void sweep(async_web_server *s, struct web_link *list, double limit)
{
    while (!web_empty(list)) {
        struct web_conn *c = web_entry(list->next, struct web_conn, place);
        if (c->since + limit > s->now) {
            set_sweep(s, c->since + limit);
            return;
        }
        web_unlink(&c->place);
        shutdown(c->fd, SHUT_RDWR);
    }
}

static void on_sweep(void *server)
{
    async_web_server *s = server;
    s->sweep_on = false;
    s->now = async_time();
    sweep(s, &s->waiting, wait_limit(s));
    sweep(s, &s->reading, s->opts.request_timeout);
}

/* It may be silent from now on, and must then begin a request. While the server stops it has no more to say. */
void web_conn_wait(struct web_conn *c)
{
    web_unlink(&c->place);
    if (c->server->stopping) {
        shutdown(c->fd, SHUT_RDWR);
        return;
    }
    c->since = c->server->now;
    web_append(&c->server->waiting, &c->place);
    set_sweep(c->server, c->since + wait_limit(c->server));
}

/* It has begun a request and owes us the rest. */
void web_conn_read(struct web_conn *c)
{
    web_unlink(&c->place);
    c->since = c->server->now;
    web_append(&c->server->reading, &c->place);
    set_sweep(c->server, c->since + c->server->opts.request_timeout);
}

static bool has_left(int fd)
{
    char c;
    return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* The server stops: nobody who waits for nothing is kept, nor who left in the middle of a request: MHD does not
 * see an end that came together with the last bytes. */
void web_conns_hang_up(async_web_server *s)
{
    for (struct web_link *l = s->reading.next; l != &s->reading; l = l->next) {
        int fd = web_entry(l, struct web_conn, place)->fd;
        if (has_left(fd))
            shutdown(fd, SHUT_RDWR);
    }
    while (!web_empty(&s->waiting)) {
        struct web_conn *c = web_entry(s->waiting.next, struct web_conn, place);
        web_unlink(&c->place);
        shutdown(c->fd, SHUT_RDWR);
    }
}

int web_driver_start(async_web_server *s)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return -EIO;
    int r = async_watch_start(&s->watch, info->epoll_fd, POLLIN, on_ready, s);
    if (r == 0)
        web_kick(s); /* MHD adds its listening socket in its first run */
    return r;
}

void web_driver_stop(async_web_server *s)
{
    async_watch_stop(&s->watch);
    if (s->turn_due)
        async_callback_cancel(&s->turn);
    if (s->timer_on)
        async_callback_cancel(&s->timer);
    if (s->sweep_on)
        async_callback_cancel(&s->sweep);
    if (s->look_on)
        async_callback_cancel(&s->look);
    s->turn_due = s->timer_on = s->sweep_on = s->look_on = false;
}
