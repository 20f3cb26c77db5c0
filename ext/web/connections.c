/* SPDX-License-Identifier: MIT */
/* connections.c - the descriptors are MHD's, so a connection is closed by shutting its socket down:
 * MHD then finds the end of the stream, and closes the descriptor. */
#include "connections.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CHECK_AGAIN_AFTER 0.01 /* seconds */

static void close_soon(struct web_connection *c)
{
    web_list_remove(&c->link);
    shutdown(c->peer.fd, SHUT_RDWR);
}

void web_connection_refuse(struct web_connection *c, int status)
{
    char text[256];
    const char *reason = MHD_get_reason_phrase_for((unsigned)status);
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n\r\n%d %s\n",
                     status, reason, strlen(reason) + 5, status, reason);
    ssize_t sent = c->all->tls ? 0 : send(c->peer.fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* the connection ends in any case */
    close_soon(c);
}

/* --- deadlines --- */

static void on_deadline(void *connections);

/* Close connections at a certain time, or at the time that is set if that is earlier. */
static void arm_deadline(struct web_connections *all, double at)
{
    if (all->driver->stopped || (all->deadline_armed && all->deadline_at <= at))
        return;
    if (all->deadline_armed)
        async_callback_cancel(&all->deadline);
    all->deadline_armed = true;
    all->deadline_at = at;
    async_call_at(&all->deadline, at, on_deadline, all);
}

/* The first line of a request may come as slowly as the rest of it, and MHD does not report when
 * its first byte arrives. So a connection may take the sum of both timeouts until that line is
 * there; MHD itself applies idle_timeout to silence. */
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
            arm_deadline(all, c->since + timeout);
            return;
        }
        close_soon(c);
    }
}

static void on_deadline(void *connections)
{
    struct web_connections *all = connections;
    double now = async_time();
    all->deadline_armed = false;
    close_overdue(all, &all->waiting, waiting_timeout(all), now);
    close_overdue(all, &all->reading, all->request_timeout, now);
}

/* --- ends that MHD does not notice --- */

/* Has all that the client sent been read? An error, such as a reset, is an end as well. */
static bool is_at_end(const struct web_connection *c)
{
    char byte;
    ssize_t n = recv(c->peer.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* MHD 0.9 visits a connection only after an event of its descriptor. It takes a short read for the
 * last one, though the end of the stream may follow, and forgets a connection that an error has
 * ended before it was watched. One that is resumed is visited in any case. */
static void make_mhd_visit(struct web_connection *c)
{
    MHD_suspend_connection(c->peer.mhd);
    MHD_resume_connection(c->peer.mhd);
    web_driver_schedule(c->all->driver);
}

static void on_end_check(void *connections);

static void arm_end_check(struct web_connections *all, double seconds)
{
    if (all->check_armed || all->driver->stopped)
        return;
    all->check_armed = true;
    if (seconds > 0)
        async_call_later(&all->check, seconds, on_end_check, all);
    else
        async_call_soon(&all->check, on_end_check, all);
}

/* Called when MHD has run, and has read what there was. What it has not read by then is a request,
 * or a part of one, so the end is checked for again a little later. */
static void on_end_check(void *connections)
{
    struct web_connections *all = connections;
    all->check_armed = false;
    for (struct web_link *l = all->ended.next, *next; l != &all->ended; l = next) {
        struct web_connection *c = web_container(l, struct web_connection, end_link);
        next = l->next;
        if (!c->given_up && !is_at_end(c))
            continue;
        web_list_remove(l);
        make_mhd_visit(c);
    }
    if (!web_list_is_empty(&all->ended))
        arm_end_check(all, CHECK_AGAIN_AFTER);
}

static void check_end_soon(struct web_connection *c)
{
    web_list_remove(&c->end_link);
    web_list_append(&c->all->ended, &c->end_link);
    arm_end_check(c->all, 0);
}

/* The client has closed its side. If a response is awaited or sent, that is of no interest yet. */
static void on_peer_closed(struct web_peer *p)
{
    struct web_connection *c = web_container(p, struct web_connection, peer);
    if (!web_list_is_empty(&c->link))
        check_end_soon(c);
}

void web_connection_give_up(struct web_connection *c)
{
    c->given_up = true;
    web_list_remove(&c->link);
    check_end_soon(c);
}

/* --- what comes next --- */

static void begin_to_wait(struct web_connection *c, struct web_link *list, double timeout)
{
    web_list_remove(&c->link);
    c->since = c->all->driver->now;
    web_list_append(list, &c->link);
    arm_deadline(c->all, c->since + timeout);
    if (c->peer.closed)
        check_end_soon(c);
}

void web_connection_await_request(struct web_connection *c)
{
    if (c->all->closing)
        close_soon(c);
    else
        begin_to_wait(c, &c->all->waiting, waiting_timeout(c->all));
}

void web_connection_await_rest(struct web_connection *c)
{
    begin_to_wait(c, &c->all->reading, c->all->request_timeout);
}

void web_connection_await_response(struct web_connection *c)
{
    web_list_remove(&c->link);
    web_list_remove(&c->end_link);
}

struct web_connection *web_connection_new(struct web_connections *all, struct MHD_Connection *mhd)
{
    struct web_connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    web_list_init(&c->link);
    web_list_init(&c->end_link);
    c->all = all;
    all->open++;
    web_peer_init(&c->peer, &all->peers, mhd);
    web_connection_await_request(c);
    return c;
}

void web_connection_free(struct web_connection *c)
{
    c->all->open--;
    web_peer_stop(&c->peer);
    web_list_remove(&c->link);
    web_list_remove(&c->end_link);
    free(c);
}

/* --- all of them --- */

void web_connections_close_waiting(struct web_connections *all)
{
    all->closing = true;
    while (!web_list_is_empty(&all->waiting))
        close_soon(web_container(all->waiting.next, struct web_connection, link));
}

void web_connections_init(struct web_connections *all, struct web_driver *driver,
                          double idle_timeout, double request_timeout,
                          void (*disconnected)(struct web_peer *p))
{
    all->driver = driver;
    all->idle_timeout = idle_timeout;
    all->request_timeout = request_timeout;
    web_peers_init(&all->peers, driver, on_peer_closed, disconnected);
    web_list_init(&all->waiting);
    web_list_init(&all->reading);
    web_list_init(&all->ended);
}

void web_connections_stop(struct web_connections *all)
{
    web_peers_stop(&all->peers);
    if (all->deadline_armed)
        async_callback_cancel(&all->deadline);
    if (all->check_armed)
        async_callback_cancel(&all->check);
    all->deadline_armed = all->check_armed = false;
}
