/* SPDX-License-Identifier: MIT */
/* internal.h - the web server's own structures.
 *
 * Who calls whom: driver.c runs libmicrohttpd (MHD) on the loop; MHD calls request.c, which reads a request,
 * finds its route (route.c), starts its handler in a task, and queues the answer that the task left. MHD's
 * callbacks run on the loop's stack, inside MHD_run(), and never await; tasks never run inside MHD_run(). So
 * nothing here needs a lock, and the only hand-overs are these three: a callback spawns a task, a task resumes
 * a suspended connection, and a turn of MHD_run() is due (web_kick).
 *
 * A request has two owners: MHD, until it says that it is completed, and the handler's task, until that has
 * ended. Whoever comes last frees it. */
#ifndef WEB_INTERNAL_H
#define WEB_INTERNAL_H

#include <asyncio/group.h>
#include <asyncio/loop.h>
#include <asyncio/task.h>
#include <asyncio/web.h>
#include <microhttpd.h>
#include <poll.h>
#include <strings.h>

#define WEB_PARAMS      8     /* in one route */
#define WEB_STREAM_SIZE 65536 /* bytes of a stream that may wait for the client */
#define WEB_SWALLOW     1048576 /* bytes of a refused body that are read: a busy sender hears nothing */
#define WEB_PATIENCE    0.1 /* seconds that a connection is suspended before its client is watched */
#define WEB_SPARE       64  /* requests kept for the next ones */
#define WEB_ROOM        512 /* bytes of strings that a request holds in itself */

struct web_link {
    struct web_link *next, *prev;
};

/* A list is a ring through its head; a link that is nowhere points to itself. */
static inline void web_link_init(struct web_link *l)
{
    l->next = l->prev = l;
}

static inline void web_unlink(struct web_link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    web_link_init(l);
}

static inline void web_append(struct web_link *head, struct web_link *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

static inline bool web_empty(const struct web_link *head)
{
    return head->next == head;
}

#define web_entry(l, type, member) ((type *)((char *)(l)-offsetof(type, member)))

struct web_route {
    const async_web_route *user;
    char *label; /* "GET /users/{id}": the name of the tasks */
};

/* A connection. Its place says what it is about: waiting for a request's first line, reading a request, or
 * (in no list) being answered. Both lists are in the order of .since. */
struct web_conn {
    struct web_link place;
    async_web_server *server;
    double since;
    int fd;
};

struct async_web_server {
    struct MHD_Daemon *daemon;
    struct web_route *routes;
    size_t nroutes;
    struct async_web_opts opts;
    int port;

    /* driver.c */
    async_watch watch;    /* MHD's epoll descriptor */
    async_callback turn;  /* MHD_run() is due */
    async_callback timer; /* MHD's earliest timeout */
    async_callback sweep; /* the earliest limit of a connection */
    double timer_at, sweep_at;
    bool turn_due, timer_on, sweep_on;
    bool queued; /* an answer, in this run: the next one writes it */
    double now;  /* async_time() when the run began */
    struct web_link waiting, reading;

    /* request.c */
    struct web_link requests;  /* that have an owner */
    struct web_link unwatched; /* suspended not long ago, in the order of it */
    struct web_link line;      /* for a handler's task that takes them */
    unsigned turns;            /* of MHD */
    async_callback look;       /* when the first of them has been for long enough */
    bool look_on;
    async_web_request *spare;
    size_t nspare, active; /* active: MHD has not completed it */
    struct async_web_stats stats;

    /* server.c */
    async_group *group; /* of the handlers */
    async_task *keeper;
    double grace;
    bool stopping;       /* no new requests */
    bool hurry;          /* no more grace */
    bool down;           /* MHD is not to be called any more */
    async_event watched; /* somebody will set close */
    async_event stop;    /* asked to stop */
    async_event less;    /* a request is over, a handler has ended, or hurry */
    async_event close;   /* the group may end */
};

enum web_phase {
    WEB_READING, /* headers and body */
    WEB_STARTED, /* in the line: its task is made, but has not run yet */
    WEB_RUNNING,
    WEB_ENDED, /* or it never had a handler */
};

struct web_param {
    const char *name, *value; /* name: in the route's path, ends at '}' or "..." */
};

struct web_header {
    struct web_header *next;
    const char *name, *value;
};

struct web_arg {
    const char *name, *value;
};

/* An answer in pieces: a ring of bytes between the handler, which writes, and MHD, which reads. */
struct web_stream {
    char *ring;
    size_t head, fill;
    uint64_t left;    /* of the announced size */
    async_event room; /* for the writer: at least half is free, or the stream is over */
    bool sized, writing, ended, cut;
};

struct async_web_request {
    struct web_link link;      /* in server->requests */
    struct web_link unwatched; /* in server->unwatched, while it is suspended */
    double suspended_at;
    struct web_link line; /* in server->line, while it is WEB_STARTED */
    unsigned turn;        /* in which its task was made */
    async_web_server *server;
    struct web_conn *conn;
    struct MHD_Connection *mhd; /* NULL: completed */
    const struct web_route *route;
    async_task *task; /* while it runs */
    enum web_phase phase;
    bool seen;      /* its headers */
    bool head;      /* HEAD */
    bool suspended; /* in MHD */
    bool gone;      /* the client */
    bool sent;      /* the answer, wholly */
    bool streaming;
    bool watching;
    bool parsed; /* its query */
    int refusal; /* status, when no handler is to see it */

    const char *method, *uri, *path, *query, *peer; /* uri and query: as they came */
    size_t path_raw;                                /* length of the path in uri */
    struct web_param params[WEB_PARAMS];
    size_t nparams, nargs;
    struct web_arg *args;
    char *body;
    size_t body_size, body_room, swallowed;

    int status; /* of the answer; 0: none yet */
    struct MHD_Response *response;
    const async_web_page *page;
    struct web_header *headers;
    struct web_stream stream;
    async_event completed;
    async_watch watch; /* the client's side, while MHD does not look */

    struct web_block *blocks; /* memory of the strings */
    size_t room_used;
    char room[WEB_ROOM];
};

struct async_web_page {
    int status;
    const char *type;
    const void *bytes;
    size_t size;
    struct MHD_Response *response;
};

/* arena.c: memory that goes with the request */
void *web_alloc(async_web_request *rq, size_t size);
char *web_copy(async_web_request *rq, const char *text, size_t size);
void web_release(async_web_request *rq);

/* uri.c */
int web_uri_check(const char *uri);
size_t web_decode(char *to, const char *from, size_t size, bool plus);
int web_uri_split(async_web_request *rq, const char *uri);

/* route.c */
int web_routes_compile(async_web_server *s, const async_web_route *routes);
void web_routes_free(async_web_server *s);
int web_route_find(async_web_request *rq);

/* head.c: what the headers say about the body, and whether they may */
int web_head_check(async_web_request *rq, const char *version, bool *ret_now);

/* listen.c */
int web_listen(const struct async_web_opts *opts, int *ret_fd, int *ret_port);

/* driver.c */
int web_driver_start(async_web_server *s);
void web_driver_stop(async_web_server *s);
void web_run(async_web_server *s);
void web_kick(async_web_server *s);
void web_conn_wait(struct web_conn *c);
void web_conn_read(struct web_conn *c);
void web_conns_hang_up(async_web_server *s);

/* request.c: MHD's callbacks */
void *web_on_uri(void *server, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result web_on_access(void *server, struct MHD_Connection *mhd, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **request);
void web_on_completed(void *server, struct MHD_Connection *mhd, void **request,
                      enum MHD_RequestTerminationCode how);
void web_request_free(async_web_request *rq);
void web_on_connection(void *server, struct MHD_Connection *mhd, void **conn,
                       enum MHD_ConnectionNotificationCode what);

/* handler.c: the task of a request */
void web_handler_start(async_web_request *rq);
void web_handler_again(async_web_request *rq);
void web_handler_lost(async_web_request *rq);
void web_handlers_cancel(async_web_server *s);
void web_handlers_never_ran(async_web_server *s);
bool web_handler_is_current(const async_web_server *s);
void web_resume_all(async_web_server *s, bool unhandled);
void web_suspend(async_web_request *rq);
void web_resume(async_web_request *rq);
void web_unwatch(async_web_request *rq);

/* answer.c */
void web_answer_plain(async_web_request *rq, int status);
enum MHD_Result web_answer_queue(async_web_request *rq);
int web_answer_check(const async_web_request *rq, int status, const char *type);
int web_answer_set(async_web_request *rq, int status, const char *type, struct MHD_Response *response);

/* stream.c */
ssize_t web_stream_read(void *request, uint64_t pos, char *buf, size_t max);
void web_stream_handler_ended(async_web_request *rq, int result);
void web_stream_over(async_web_request *rq);
bool web_stream_short(const async_web_request *rq);

/* report.c: one line on stderr */
void web_report(async_web_request *rq, int result);

#endif
