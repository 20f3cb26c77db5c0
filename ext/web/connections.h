/* SPDX-License-Identifier: MIT */
/* connections.h - the connections of a server, and how long each may take for what is next.
 *
 * MHD closes connections on which nothing happens at all. A client that sends a byte now and
 * then ("slowloris") is never idle in this sense and could keep its connection for ever. So each
 * connection has a deadline as well: to begin a request, and to send the rest of a request that
 * has begun. */
#ifndef WEB_CONNECTIONS_H
#define WEB_CONNECTIONS_H

#include "list.h"

#include <asyncio/loop.h>

struct web_connections {
    struct web_link waiting; /* for a request; in the order of .since, as the next list */
    struct web_link reading; /* a request that has begun */
    size_t open;             /* connections in all */
    double idle_timeout, request_timeout; /* seconds */
    async_callback sweep;                 /* at the earliest deadline */
    double sweep_at;
    bool sweep_armed;
    bool closing; /* no further requests are accepted */
};

struct web_connection {
    struct web_link link; /* in one of the lists; in none while a response is awaited or sent */
    struct web_connections *all;
    double since; /* when it was put into the list */
    int fd;       /* MHD's */
};

void web_connections_init(struct web_connections *all, double idle_timeout, double request_timeout);

/* Accept no further requests. Closes the connections that wait for one. */
void web_connections_close_waiting(struct web_connections *all);

/* Accept no further requests, and stop the timer. The connections themselves are MHD's to close. */
void web_connections_stop(struct web_connections *all);

/* Create the record of a new connection, which waits for a request, or return NULL without
 * memory. */
struct web_connection *web_connection_new(struct web_connections *all, int fd, double now);
void web_connection_free(struct web_connection *c);

/* What comes next on a connection: a request, the rest of a request, a response. now: async_time(),
 * or a little earlier. */
void web_connection_await_request(struct web_connection *c, double now);
void web_connection_await_rest(struct web_connection *c, double now);
void web_connection_await_response(struct web_connection *c);

#endif
