/* SPDX-License-Identifier: MIT */
/* connections.h - the connections of a server: how long each may take for what is next, and their
 * ends.
 *
 * MHD closes connections on which nothing happens at all. A client that sends a byte now and then
 * ("slowloris") is never idle in this sense and could keep its connection for ever. So each
 * connection has a deadline as well: to begin a request, and to send the rest of a request that has
 * begun. */
#ifndef WEB_CONNECTIONS_H
#define WEB_CONNECTIONS_H

#include "driver.h"
#include "list.h"
#include "peer.h"

#include <asyncio/loop.h>

struct web_connections {
    struct web_driver *driver;
    struct web_peers peers;
    struct web_link waiting; /* for a request; in the order of .since, as the next list */
    struct web_link reading; /* a request that has begun */
    size_t open;             /* connections in all */
    double idle_timeout, request_timeout; /* seconds */
    async_callback deadline;              /* the earliest one of all connections */
    double deadline_at;
    bool deadline_armed;
    struct web_link ended; /* connections whose end MHD may not have noticed */
    async_callback check;  /* of these */
    bool check_armed;
    bool tls;     /* what is written to the sockets is encrypted, by MHD */
    bool closing; /* no further requests are accepted */
};

struct web_connection {
    struct web_link link;     /* in one of the lists; in none while a response is awaited or sent */
    struct web_link end_link; /* in all->ended */
    struct web_connections *all;
    struct web_peer peer;
    double since;  /* when it was put into the list */
    bool given_up; /* MHD serves it no more, after an error */
    void *request; /* the one that is served */
};

/* disconnected: a client has gone whose request is being handled. May end the request. */
void web_connections_init(struct web_connections *all, struct web_driver *driver,
                          double idle_timeout, double request_timeout,
                          void (*disconnected)(struct web_peer *p));

/* Accept no further requests. Closes the connections that wait for one. */
void web_connections_close_waiting(struct web_connections *all);

/* Stop all callbacks, after the driver has been stopped. The connections are MHD's to close. */
void web_connections_stop(struct web_connections *all);

/* Create the record of a new connection, which waits for a request, or return NULL without
 * memory. */
struct web_connection *web_connection_new(struct web_connections *all, struct MHD_Connection *mhd);
void web_connection_free(struct web_connection *c);

/* What comes next on a connection: a request, the rest of a request, a response. */
void web_connection_await_request(struct web_connection *c);
void web_connection_await_rest(struct web_connection *c);
void web_connection_await_response(struct web_connection *c);

/* Send a response without MHD, as far as the socket takes it at once, and end the connection. With
 * TLS, only end it. */
void web_connection_refuse(struct web_connection *c, int status);

/* An error has ended the response: see to it that MHD closes the connection. */
void web_connection_give_up(struct web_connection *c);

#endif
