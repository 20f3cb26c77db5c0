/* SPDX-License-Identifier: MIT */
/* connections.c - a connection is closed by shutting its socket down. MHD, which owns the
 * descriptor, then finds the end of the stream, and closes it. */
#include "connections.h"

#include <stdlib.h>
#include <sys/socket.h>

static void on_sweep(void *connections);

/* Close connections at a certain time, or at the time that is set if that is earlier. */
static void arm_sweep(struct web_connections *all, double at)
{
    if (all->sweep_armed && all->sweep_at <= at)
        return;
    if (all->sweep_armed)
        async_callback_cancel(&all->sweep);
    all->sweep_armed = true;
    all->sweep_at = at;
    async_call_at(&all->sweep, at, on_sweep, all);
}

/* The first line of a request may come as slowly as the rest of it, and MHD does not report when
 * its first byte arrives. So a connection may take the sum of both timeouts until that line
 * is there; MHD itself applies idle_timeout to silence. */
static double waiting_timeout(const struct web_connections *all)
{
    return all->idle_timeout + all->request_timeout;
}

/* Close the connections of a list whose deadline has passed. */
static void close_overdue(struct web_connections *all, struct web_link *list, double timeout,
                          double now)
{
    while (!web_list_is_empty(list)) {
        struct web_connection *c = web_container(list->next, struct web_connection, link);
        if (c->since + timeout > now) {
            arm_sweep(all, c->since + timeout);
            return;
        }
        web_list_remove(&c->link);
        shutdown(c->fd, SHUT_RDWR);
    }
}

static void on_sweep(void *connections)
{
    struct web_connections *all = connections;
    double now = async_time();
    all->sweep_armed = false;
    close_overdue(all, &all->waiting, waiting_timeout(all), now);
    close_overdue(all, &all->reading, all->request_timeout, now);
}

void web_connection_await_request(struct web_connection *c, double now)
{
    web_list_remove(&c->link);
    if (c->all->closing) {
        shutdown(c->fd, SHUT_RDWR);
        return;
    }
    c->since = now;
    web_list_append(&c->all->waiting, &c->link);
    arm_sweep(c->all, c->since + waiting_timeout(c->all));
}

void web_connection_await_rest(struct web_connection *c, double now)
{
    web_list_remove(&c->link);
    c->since = now;
    web_list_append(&c->all->reading, &c->link);
    arm_sweep(c->all, c->since + c->all->request_timeout);
}

void web_connection_await_response(struct web_connection *c)
{
    web_list_remove(&c->link);
}

static bool is_at_end(int fd)
{
    char c;
    return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* A client that went away in the middle of a request would keep a server from stopping: MHD does
 * not notice the end of a stream that arrived together with the last bytes. */
void web_connections_close_waiting(struct web_connections *all)
{
    all->closing = true;
    for (struct web_link *l = all->reading.next; l != &all->reading; l = l->next) {
        int fd = web_container(l, struct web_connection, link)->fd;
        if (is_at_end(fd))
            shutdown(fd, SHUT_RDWR);
    }
    while (!web_list_is_empty(&all->waiting)) {
        struct web_connection *c = web_container(all->waiting.next, struct web_connection, link);
        web_list_remove(&c->link);
        shutdown(c->fd, SHUT_RDWR);
    }
}

void web_connections_init(struct web_connections *all, double idle_timeout, double request_timeout)
{
    web_list_init(&all->waiting);
    web_list_init(&all->reading);
    all->idle_timeout = idle_timeout;
    all->request_timeout = request_timeout;
}

void web_connections_stop(struct web_connections *all)
{
    all->closing = true; /* so that no deadline is armed any more */
    if (all->sweep_armed)
        async_callback_cancel(&all->sweep);
    all->sweep_armed = false;
}

struct web_connection *web_connection_new(struct web_connections *all, int fd, double now)
{
    struct web_connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    web_list_init(&c->link);
    c->all = all;
    c->fd = fd;
    all->open++;
    web_connection_await_request(c, now);
    return c;
}

void web_connection_free(struct web_connection *c)
{
    c->all->open--;
    web_list_remove(&c->link);
    free(c);
}
