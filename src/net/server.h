/* SPDX-License-Identifier: MIT */
/* server.h - the state of one await_serve(), in the stack frame of the task that called it.
 *
 * A server is a group of tasks: the one that has called await_serve() accepts connections
 * (accept.c), and each connection has a task for its handler (handler.c). An accepted connection
 * waits in a queue until such a task takes it. So a task that is cancelled before it starts has
 * taken nothing, and nothing is lost with it. */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <asyncio/group.h>
#include <asyncio/stream_ops.h>

#include "loop/loop.h"
#include "net/listen.h"

/* Reports of failed handlers: a limited number in each second. */
struct failure_reports {
    int64_t window;           /* when the present second began, ns; 0: none has begun */
    unsigned reported;        /* reports in this second */
    unsigned long suppressed; /* failures that were not reported, since the last summary */
    async_callback summary;   /* prints how many were suppressed */
    bool summary_due;
};

struct server {
    struct listeners on;
    async_co (*handler)(async_stream *s);
    void *arg;
    const async_site *site; /* of the call of await_serve(), or NULL */
    const async_stream_layer *layer;
    async_group *group;
    async_stream *first, **last; /* the queue of connections whose tasks have not taken one yet */
    size_t pending;              /* connections in that queue */
    size_t connections;
    size_t limit;     /* of connections; 0: none */
    async_waitq room; /* the server's task, while it waits for a connection to end */
    int64_t warned;   /* when the server last warned that it cannot accept; 0: never */
    struct failure_reports reports;
    char name[ADDRESS_TEXT]; /* its first address, for messages */
};

/* Accept connections until the task t is cancelled or accepting fails. Returns a negative errno. */
int async__server_accept_all(struct server *v, async_task *t);

/* Put s, which has just been accepted, in the queue and start a task for it. Returns 0, -ENOMEM or
 * -ECANCELED. */
int async__server_add(struct server *v, async_stream *s);

/* Close the connections whose tasks could not start, because there was no memory for a stack. */
void async__server_drop_taskless(struct server *v);

/* Close all connections in the queue. */
void async__server_drop_pending(struct server *v);

/* Print how many reports of failed handlers were suppressed, if any were. */
void async__server_end_reports(struct server *v);

#endif
