/* SPDX-License-Identifier: MIT */
/* request.c - MHD's callbacks: a request begins, its headers and body arrive, it is complete, it is over.
 *
 * A complete request starts its handler and is *not* suspended at once: suspending costs two changes of the
 * epoll set, and most handlers end before MHD's next turn. MHD asks again then; if the answer is there it is
 * queued, and only if the handler has begun and still runs is the connection suspended. */
#include "internal.h"

#include <stdlib.h>
#include <sys/socket.h>

static async_web_request *new_request(async_web_server *s)
{
    async_web_request *rq = s->spare;
    if (rq) {
        s->spare = (async_web_request *)(void *)rq->link.next;
        s->nspare--;
    } else if (!(rq = malloc(sizeof *rq))) {
        return NULL;
    }
    memset(rq, 0, offsetof(async_web_request, room));
    rq->server = s;
    web_link_init(&rq->unwatched);
    web_link_init(&rq->line);
    web_append(&s->requests, &rq->link);
    s->active++;
    s->stats.requests++;
    return rq;
}

void web_request_free(async_web_request *rq)
{
    async_web_server *s = rq->server;
    web_unlink(&rq->link);
    if (rq->response)
        MHD_destroy_response(rq->response);
    free(rq->stream.ring);
    free(rq->body);
    web_release(rq);
    if (s->nspare == WEB_SPARE) {
        free(rq);
        return;
    }
    rq->link.next = (struct web_link *)(void *)s->spare;
    s->spare = rq;
    s->nspare++;
}

void web_on_connection(void *server, struct MHD_Connection *mhd, void **conn,
                       enum MHD_ConnectionNotificationCode what)
{
    async_web_server *s = server;
    struct web_conn *c = *conn;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        web_kick(s); /* MHD listens again, if it had stopped for want of places, in its next run only */
        if (c) {
            s->stats.connections--;
            web_unlink(&c->place);
            free(c);
        }
        return;
    }
    c = calloc(1, sizeof *c); /* NULL: its requests are refused */
    *conn = c;
    if (!c)
        return;
    web_link_init(&c->place);
    c->server = s;
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    s->stats.connections++;
    web_conn_wait(c);
}

/* The request's line is there. NULL: no memory, or not even a URI; web_on_access() closes the connection. */
void *web_on_uri(void *server, const char *uri, struct MHD_Connection *mhd)
{
    struct web_conn *c =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    async_web_request *rq;
    if (!uri || !c || !(rq = new_request(server)))
        return NULL;
    rq->mhd = mhd;
    rq->conn = c;
    web_conn_read(c);
    int r = web_uri_split(rq, uri);
    rq->refusal = r == -ENOMEM ? 503 : r < 0 ? 400 : 0;
    return rq;
}

/* The headers are there. */
static enum MHD_Result begin(async_web_request *rq, const char *method, const char *version)
{
    bool now;
    rq->seen = true;
    rq->method = web_copy(rq, method, strlen(method));
    if (!rq->method)
        return MHD_NO;
    rq->head = strcmp(method, "HEAD") == 0;
    int framing = web_head_check(rq, version, &now);
    if (framing == 400 || rq->refusal == 0)
        rq->refusal = framing;
    if (rq->refusal == 0 && rq->server->stopping)
        rq->refusal = 503;
    if (rq->refusal == 0)
        rq->refusal = web_route_find(rq);
    if (rq->refusal == 0 || !now)
        return MHD_YES;
    rq->phase = WEB_ENDED;
    web_answer_plain(rq, rq->refusal);
    return web_answer_queue(rq);
}

/* Part of the body. A refused one is read and dropped, but not for ever. */
static enum MHD_Result take_body(async_web_request *rq, const char *data, size_t size)
{
    size_t limit = rq->server->opts.body_limit;
    if (rq->refusal == 0 && size > limit - rq->body_size)
        rq->refusal = 413;
    if (rq->refusal == 0 && rq->body_size + size >= rq->body_room) {
        size_t room = rq->body_room ? rq->body_room * 2 : 4096;
        while (room <= rq->body_size + size)
            room *= 2;
        char *body = realloc(rq->body, room > limit ? limit + 1 : room);
        if (!body)
            rq->refusal = 503;
        else
            rq->body = body, rq->body_room = room > limit ? limit + 1 : room;
    }
    if (rq->refusal) {
        rq->swallowed += size;
        return rq->swallowed > WEB_SWALLOW + limit ? MHD_NO : MHD_YES;
    }
    memcpy(rq->body + rq->body_size, data, size);
    rq->body_size += size;
    rq->body[rq->body_size] = '\0';
    return MHD_YES;
}

/* All of it is there; MHD asks for the answer, and again on each of its turns while the request is neither
 * suspended nor answered. */
static enum MHD_Result answer(async_web_request *rq)
{
    async_web_server *s = rq->server;
    if (rq->phase == WEB_READING) {
        web_unlink(&rq->conn->place);
        if (rq->refusal == 0 && (s->group || s->stopping)) {
            web_handler_start(rq);
            return MHD_YES;
        }
        /* The server has hardly begun: web_resume_all(). Or somebody has cancelled it before it could. */
        if (rq->refusal == 0 && s->keeper && async_task_done(s->keeper))
            rq->refusal = 503;
        if (rq->refusal == 0 && !rq->gone) {
            web_suspend(rq);
            return MHD_YES;
        }
        rq->phase = WEB_ENDED;
        web_answer_plain(rq, rq->refusal);
    }
    if (rq->phase == WEB_ENDED || rq->streaming)
        return web_answer_queue(rq);
    if (rq->phase == WEB_RUNNING)
        web_suspend(rq);
    else
        web_handler_again(rq);
    return MHD_YES;
}

enum MHD_Result web_on_access(void *server, struct MHD_Connection *mhd, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **request)
{
    async_web_request *rq = *request;
    (void)server, (void)mhd, (void)url;
    if (!rq)
        return MHD_NO;
    if (!rq->seen)
        return begin(rq, method, version);
    if (*size == 0)
        return answer(rq);
    size_t n = *size;
    *size = 0;
    return take_body(rq, data, n);
}

/* MHD has done with it: sent, or the connection is lost. A handler that still runs has lost its client, unless
 * it ended its stream itself and has something else to do. */
void web_on_completed(void *server, struct MHD_Connection *mhd, void **request,
                      enum MHD_RequestTerminationCode how)
{
    async_web_server *s = server;
    async_web_request *rq = *request;
    (void)mhd;
    if (!rq)
        return;
    *request = NULL;
    web_unwatch(rq); /* before its descriptor is closed */
    rq->mhd = NULL;
    rq->sent = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    if (how == MHD_REQUEST_TERMINATED_WITH_ERROR) /* MHD may keep it open until something else happens to it */
        shutdown(rq->conn->fd, SHUT_RDWR);
    web_conn_wait(rq->conn);
    rq->conn = NULL;
    s->active--;
    async_event_set(&s->less);
    if (rq->phase == WEB_READING || rq->phase == WEB_ENDED) {
        web_request_free(rq);
        return;
    }
    web_stream_over(rq);
    if (!rq->sent)
        web_handler_lost(rq); /* which may free it */
}
