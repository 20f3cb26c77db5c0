/* SPDX-License-Identifier: MIT */
/* dispatch.c - MHD calls back when the first line of a request is there (on_request_line), when its
 * headers are, for each part of its body and when it is complete (on_access), and when its response
 * has been sent or its connection is lost (on_completed).
 *
 * A request that is complete starts its handler and is not suspended at once: that would cost
 * two changes of the epoll set, and most handlers end before MHD runs again. MHD then calls
 * once more. If the response is there by then, it is queued. Only if the handler still runs is the
 * connection suspended. */
#include "dispatch.h"

#include "request_headers.h"
#include "response_stream.h"
#include "tls.h"

#include <asyncio/error.h>

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static struct web_connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* --- connections --- */

/* Without memory for its record a connection has none, and its requests are refused. */
static void on_connection(void *dispatch, struct MHD_Connection *mhd, void **connection,
                          enum MHD_ConnectionNotificationCode what)
{
    struct web_dispatch *d = dispatch;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*connection)
            web_connection_free(*connection);
        web_acceptor_resume(&d->acceptor);
        return;
    }
    *connection = web_connection_new(&d->connections, mhd);
}

/* The client of a suspended connection has gone. */
static void on_disconnect(struct web_peer *p)
{
    struct web_dispatch *d = web_container(p->all, struct web_dispatch, connections.peers);
    async_web_request *rq = web_container(p, struct web_connection, peer)->request;
    web_stream_cut(rq);
    web_handler_client_gone(&d->handlers, rq);
}

/* --- a request arrives --- */

/* Returns the new request, which MHD hands to the other callbacks. NULL makes them close the
 * connection: there is no memory, or no target in the request line. */
static void *on_request_line(void *dispatch, const char *target, struct MHD_Connection *mhd)
{
    struct web_dispatch *d = dispatch;
    struct web_connection *c = connection_of(mhd);
    if (!target || !c)
        return NULL;
    async_web_request *rq = web_request_new(&d->requests, c);
    if (!rq)
        return NULL;
    c->request = rq;
    web_connection_await_rest(c);
    rq->target = target;
    rq->target_end = target + strlen(target);
    struct web_uri uri;
    int r = web_uri_parse(&uri, &rq->arena, target);
    rq->refusal = r == -ENOMEM ? 503 : r < 0 ? 400 : 0;
    if (r == 0)
        rq->uri = uri;
    return rq;
}

static enum MHD_Result queue_response(struct web_dispatch *d, async_web_request *rq)
{
    if (rq->client_gone)
        return MHD_NO;
    d->driver.response_queued = true;
    return web_response_queue(&rq->response, rq->mhd, d->stopping || rq->close_after);
}

/* Find the handler. Returns 0, or the status with which the request is refused. */
static int find_route(struct web_dispatch *d, async_web_request *rq)
{
    int status = web_routes_find(&d->routes, rq->method, &rq->uri, &rq->arena, &rq->match);
    if (status == 405 &&
        web_response_add_header(&rq->response, &rq->arena, "Allow", rq->match.allow) < 0)
        return 503;
    return status;
}

/* The request gets the error page of a status. Without memory MHD closes the connection. */
static enum MHD_Result refuse_request_now(struct web_dispatch *d, async_web_request *rq)
{
    async_ignore(web_request_fail(rq, rq->refusal));
    rq->phase = WEB_ENDED;
    return queue_response(d, rq);
}

/* Is there a group for handlers, or will there never be one? In the latter case a request that is
 * to be started gets status 503. */
static bool can_start_handlers(const struct web_dispatch *d)
{
    return d->handlers.group || d->stopping || (d->opener && async_task_done(d->opener));
}

/* Prepare for a handler that reads the body itself, and start it, if its group is open. */
static void begin_body_stream(struct web_dispatch *d, async_web_request *rq)
{
    if (web_stream_buffer_init(&rq->body_stream.buffer) < 0) {
        rq->refusal = 503;
        return;
    }
    rq->body_stream.used = true;
    if (can_start_handlers(d))
        web_handler_start(&d->handlers, rq);
}

/* Check the headers of a request and find its handler. One that is refused is answered after its
 * body has been read, because a client that is busy sending would not read the response. It is
 * answered at once, which closes the connection, if the end of the body is ambiguous, if the client
 * waits for "100 Continue", or if the body is too long to be read and discarded. */
static enum MHD_Result on_headers(struct web_dispatch *d, async_web_request *rq, const char *method,
                                  const char *version)
{
    const struct web_request_line line = { method, rq->target, rq->target_end, version };
    struct web_framing framing;
    bool at_once = false;
    rq->headers_read = true;
    const char *copy = web_arena_copy(&rq->arena, method, strlen(method));
    if (!copy)
        return MHD_NO;
    rq->method = copy;
    rq->is_head = strcmp(method, "HEAD") == 0;
    if (!web_request_headers_check(rq->mhd, &line, &framing)) {
        rq->refusal = 400;
        at_once = true;
    } else {
        at_once = framing.expects_continue || framing.length > d->body_limit + WEB_DISCARD_MAX;
    }
    rq->close_after = framing.close_after;
    if (rq->refusal == 0 && d->stopping)
        rq->refusal = 503;
    if (rq->refusal == 0)
        rq->refusal = find_route(d, rq);
    if (rq->refusal == 0 && rq->match.route->streamed)
        begin_body_stream(d, rq);
    else if (rq->refusal == 0 && framing.length > d->body_limit)
        rq->refusal = 413;
    return rq->refusal == 0 || !at_once ? MHD_YES : refuse_request_now(d, rq);
}

/* A part of a body that the handler reads has arrived. What does not fit into its buffer is left to
 * MHD, and the connection is suspended until there is room. The time that the client may take
 * begins anew with each part, and does not run while the handler is the slow side. While the
 * handler has not begun, MHD calls again in each of its runs, so that a task can be replaced that
 * was cancelled before it ran. */
static enum MHD_Result on_streamed_body(struct web_dispatch *d, async_web_request *rq,
                                        const char *bytes, size_t *size)
{
    size_t n = *size;
    web_connection_await_rest(rq->connection);
    if (rq->phase == WEB_RECEIVING && can_start_handlers(d))
        web_handler_start(&d->handlers, rq);
    if (rq->body_stream.dropped) {
        *size = 0;
        return web_body_discard(&rq->body, n, d->body_limit) ? MHD_YES : MHD_NO;
    }
    *size -= web_body_stream_put(rq, bytes, n);
    if (rq->phase == WEB_QUEUED) {
        web_handler_check_queued(&d->handlers, rq);
    } else if (*size > 0) {
        web_connection_await_response(rq->connection);
        web_peer_suspend(&rq->connection->peer);
    }
    return MHD_YES;
}

static enum MHD_Result on_body(struct web_dispatch *d, async_web_request *rq, const char *bytes,
                               size_t size)
{
    if (rq->refusal == 0)
        rq->refusal = web_body_append(&rq->body, bytes, size, d->body_limit);
    if (rq->refusal == 0 || web_body_discard(&rq->body, size, d->body_limit))
        return MHD_YES;
    return MHD_NO;
}

/* All of a request is there. Requests that come before the group of the handlers is open are
 * suspended until it is, unless the task that was to open it has been cancelled. */
static enum MHD_Result on_complete(struct web_dispatch *d, async_web_request *rq)
{
    web_connection_await_response(rq->connection);
    if (rq->refusal == 0 && can_start_handlers(d)) {
        web_handler_start(&d->handlers, rq);
        return MHD_YES;
    }
    if (rq->refusal == 0 && !rq->client_gone) {
        web_peer_suspend(&rq->connection->peer);
        return MHD_YES;
    }
    return refuse_request_now(d, rq);
}

/* MHD polls for the response: it calls in each of its runs until the response is queued or the
 * connection is suspended. */
static enum MHD_Result on_idle(struct web_dispatch *d, async_web_request *rq)
{
    if (rq->body_stream.used && !rq->body_stream.ended) {
        web_body_stream_end(rq);
        web_connection_await_response(rq->connection);
    }
    if (rq->phase == WEB_RECEIVING)
        return on_complete(d, rq);
    if (rq->phase == WEB_ENDED || rq->stream.begun)
        return queue_response(d, rq);
    if (rq->phase == WEB_RUNNING)
        web_peer_suspend(&rq->connection->peer);
    else
        web_handler_check_queued(&d->handlers, rq);
    return MHD_YES;
}

/* Called by MHD when the headers are complete, for each part of the body, and then until there is a
 * response. */
static enum MHD_Result on_access(void *dispatch, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *bytes,
                                 size_t *size, void **request)
{
    struct web_dispatch *d = dispatch;
    async_web_request *rq = *request;
    size_t n = *size;
    (void)mhd, (void)url;
    if (!rq)
        return MHD_NO;
    if (!rq->headers_read)
        return on_headers(d, rq, method, version);
    if (n == 0)
        return on_idle(d, rq);
    if (rq->body_stream.used)
        return on_streamed_body(d, rq, bytes, size);
    *size = 0; /* tells MHD that all bytes were read */
    return on_body(d, rq, bytes, n);
}

/* --- a request is over --- */

/* MHD has sent the response, or the connection is lost. In the latter case the handler, if it still
 * runs, is cancelled; but not if it has ended its stream itself and has other things to do. */
static void on_completed(void *dispatch, struct MHD_Connection *mhd, void **request,
                         enum MHD_RequestTerminationCode how)
{
    struct web_dispatch *d = dispatch;
    async_web_request *rq = *request;
    (void)mhd;
    if (!rq)
        return;
    *request = NULL;
    web_request_log(rq, d->driver.now);
    rq->mhd = NULL;
    rq->connection->request = NULL;
    rq->sent = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    if (rq->sent)
        web_connection_await_request(rq->connection);
    else
        web_connection_give_up(rq->connection);
    rq->connection = NULL;
    d->requests.active--;
    async_event_set(&d->requests.fewer);
    if (rq->phase == WEB_RECEIVING || rq->phase == WEB_ENDED) {
        web_request_free(rq);
        return;
    }
    web_stream_cut(rq);
    web_body_stream_drop(rq);
    if (!rq->sent)
        web_handler_client_gone(&d->handlers, rq);
}

/* --- open and close --- */

/* Called instead of MHD's own decoder: uri.c decodes, later. */
static size_t keep_encoded(void *arg, struct MHD_Connection *mhd, char *text)
{
    (void)arg, (void)mhd;
    return strlen(text);
}

/* The idle timeout in MHD's whole seconds; 0 is none. */
static unsigned whole_seconds(double seconds)
{
    return seconds < 1 ? 1 : seconds > 1e6 ? 0 : (unsigned)(seconds + 0.999);
}

/* Called when MHD logs an error. After one in a Content-Length, version 0.9 sends the head of its
 * response twice. So the response is sent here, past MHD, and the connection is shut down: MHD then
 * finds that it cannot send, and closes it. The message does not name the connection, but few are
 * in the middle of a request, and any of them whose length is invalid is to be refused. */
static void on_mhd_message(void *dispatch, const char *format, va_list args)
{
    struct web_dispatch *d = dispatch;
    struct web_link *all = &d->connections.reading;
    (void)args;
    if (!strstr(format, "Content-Length"))
        return;
    for (struct web_link *l = all->next, *next; l != all; l = next) {
        struct web_connection *c = web_container(l, struct web_connection, link);
        async_web_request *rq = c->request;
        next = l->next;
        int status = rq && !rq->headers_read ? web_request_length_refusal(rq->mhd) : 0;
        if (status == 0)
            continue;
        rq->response.status = status; /* for the log */
        web_connection_refuse(c, status);
    }
}

/* Not with MHD_OPTION_STRICT_FOR_CLIENT: uri.c and request_headers.c refuse more than that does,
 * and MHD 0.9 sends two responses when it refuses a request without Host. The logger goes first, so
 * that MHD prints nothing. */
static int start_daemon(struct web_dispatch *d, const struct async_web_opts *opts,
                        const struct web_tls *tls)
{
    struct MHD_OptionItem items[WEB_TLS_OPTIONS];
    unsigned flags = web_tls_options(tls, items);
    errno = 0;
    d->driver.daemon = MHD_start_daemon(
            flags | MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME |
                    MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG,
            0, NULL, NULL, on_access, d, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_message, d,
            MHD_OPTION_CONNECTION_LIMIT, (unsigned)opts->limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            opts->header_limit, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
            (unsigned)opts->limit_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
            whole_seconds(opts->idle_timeout), MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL,
            MHD_OPTION_URI_LOG_CALLBACK, on_request_line, d, MHD_OPTION_NOTIFY_COMPLETED,
            on_completed, d, MHD_OPTION_NOTIFY_CONNECTION, on_connection, d, MHD_OPTION_ARRAY,
            items, MHD_OPTION_END);
    if (d->driver.daemon)
        return 0;
    if (tls->cert)
        return async_fail(-EINVAL, "cannot use the certificate %s with the key %s", opts->cert_file,
                          opts->key_file);
    return errno ? -errno : -ENOMEM;
}

static void resume_requests(struct web_dispatch *d, bool received_only)
{
    struct web_link *all = &d->requests.all;
    for (struct web_link *l = all->next; l != all; l = l->next) {
        async_web_request *rq = web_container(l, async_web_request, link);
        if (rq->mhd && (!received_only || rq->phase == WEB_RECEIVING))
            web_peer_resume(&rq->connection->peer);
    }
}

void web_dispatch_open_group(struct web_dispatch *d, async_group *group)
{
    d->handlers.group = group;
    resume_requests(d, true);
}

void web_dispatch_stop_accepting(struct web_dispatch *d)
{
    d->stopping = d->handlers.stopping = true;
    web_acceptor_stop(&d->acceptor);
    web_connections_close_waiting(&d->connections);
    resume_requests(d, true); /* if there never was a group, they get a 503 now */
    web_driver_schedule(&d->driver);
}

static int start_daemon_with_files(struct web_dispatch *d, const struct async_web_opts *opts)
{
    struct web_tls tls = { NULL, NULL };
    int r = web_tls_read(&tls, opts);
    if (r == 0)
        r = start_daemon(d, opts, &tls);
    d->connections.tls = tls.cert != NULL;
    web_tls_free(&tls);
    return r;
}

int web_dispatch_open(struct web_dispatch *d, const async_web_route *routes,
                      const struct async_web_opts *opts)
{
    int r = web_routes_compile(&d->routes, routes, opts->streamed);
    d->body_limit = opts->body_limit;
    web_connections_init(&d->connections, &d->driver, opts->idle_timeout, opts->request_timeout,
                         on_disconnect);
    int logs = web_requests_init(&d->requests, opts);
    web_handlers_init(&d->handlers, &d->driver, &d->requests, opts->stack_size);
    r = r < 0 ? r : logs;
    if (r < 0 || (r = web_listen(opts, &d->acceptor.sockets)) < 0 ||
        (r = start_daemon_with_files(d, opts)) < 0 || (r = web_driver_start(&d->driver)) < 0)
        return r;
    return web_acceptor_start(&d->acceptor, &d->driver, (size_t)opts->limit, &d->connections.open);
}

void web_dispatch_close(struct web_dispatch *d)
{
    web_driver_stop(&d->driver);
    web_acceptor_stop(&d->acceptor);
    web_connections_stop(&d->connections);
    web_reports_end(&d->handlers.reports);
    if (d->driver.daemon) {
        resume_requests(d, false); /* MHD cannot close suspended connections */
        MHD_stop_daemon(d->driver.daemon);
        d->driver.daemon = NULL;
    }
    web_routes_free(&d->routes);
    web_requests_free(&d->requests);
}
