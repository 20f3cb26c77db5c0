/* SPDX-License-Identifier: MIT */
/* request.h - a request, from its first line until its response has been sent and its handler has
 * ended.
 *
 * A request has two owners: MHD, until it reports the request as completed, and the handler's task,
 * until that ends. The last of them frees it. */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include "access_log.h"
#include "arena.h"
#include "body_stream.h"
#include "connections.h"
#include "form.h"
#include "list.h"
#include "query.h"
#include "request_body.h"
#include "response.h"
#include "routes.h"
#include "stream_buffer.h"
#include "uri.h"

#include <asyncio/sync.h>
#include <asyncio/web.h>

enum web_phase {
    WEB_RECEIVING, /* headers and body */
    WEB_QUEUED,    /* complete; waits for a task that runs its handler */
    WEB_RUNNING,   /* its handler runs */
    WEB_ENDED,     /* its handler has ended, or it never had one */
};

/* The state of a streamed response. */
struct web_stream {
    bool begun;
    bool bodiless; /* a response to HEAD, 204 or 304: what is written is dropped */
    bool sized;    /* the handler has announced how many bytes it will write */
    bool writing;  /* a task is in await_web_write() */
    bool ended;    /* by the handler: no more bytes will come */
    bool cut; /* without a proper end: the client is gone, or is to see that bytes are missing */
    uint64_t left; /* of the announced size */
    struct web_stream_buffer buffer;
    async_event room;      /* at least half of the buffer is free, or the stream is cut */
    async_event completed; /* MHD has completed the request */
};

/* All requests of a server. */
struct web_requests {
    struct web_link all;
    async_web_request *spare; /* free records, kept for the next requests */
    size_t spare_count;
    size_t active;     /* requests that MHD has not completed */
    uint64_t total;    /* requests so far */
    async_event fewer; /* .active has decreased */
    /* Options of the server. */
    void *arg;                           /* async_web_arg() */
    const async_web_handler *middleware; /* .layers of them */
    unsigned layers;
    int proxies; /* .trusted_proxies */
    double handler_timeout;
    void (*error_page)(async_web_request *rq, int status);
    struct web_access_log log;
};

struct async_web_request {
    struct web_link link; /* in requests->all */
    struct web_requests *requests;
    struct web_connection *connection;
    struct MHD_Connection *mhd; /* NULL: completed */
    enum web_phase phase;
    bool headers_read;
    bool is_head;     /* a HEAD request: the response has no body */
    bool client_gone; /* before all of the response was sent */
    bool sent;        /* all of the response */
    bool close_after; /* its connection is closed after the response */
    int refusal;      /* the status, if no handler is to run */

    const char *target, *target_end; /* in MHD's memory; for request_headers.c */
    const char *method, *peer, *client;
    double began;
    struct web_uri uri;
    struct web_query query, headers; /* headers: copies of all of them, if they have been listed */
    struct web_match match;
    struct web_body body;
    struct web_body_stream body_stream;
    struct web_form form;

    struct web_response response;
    struct web_stream stream;

    struct web_link queue_link; /* in the queue of handlers.c, while it is WEB_QUEUED */
    unsigned queued_in;         /* the run of MHD in which its task was created */
    async_task *task;           /* of its handler, while it is WEB_RUNNING */
    unsigned layer;             /* how many middlewares have been entered */
    async_scope *deadline;      /* of the handler; NULL: none, or not any more */
    bool timed_out;

    struct web_arena arena; /* last: its bytes are not cleared for a new request */
};

/* Returns 0 or -ENOMEM. opts are complete. */
int web_requests_init(struct web_requests *requests, const struct async_web_opts *opts);
void web_requests_free(struct web_requests *requests);

/* Create a request that begins on a connection, or return NULL without memory. */
async_web_request *web_request_new(struct web_requests *requests,
                                   struct web_connection *connection);
void web_request_free(async_web_request *rq);

/* Respond with the error page of a status: the application's, or a line of text. The request must
 * have no response, and its phase not be WEB_ENDED. Returns 0; -ENOMEM, and then there is no
 * response. */
int web_request_fail(async_web_request *rq, int status);

/* The request is over: write it to the log, if there is one. */
void web_request_log(async_web_request *rq, double now);

#endif
