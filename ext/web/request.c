/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SPARE_MAX = 64 };

int web_requests_init(struct web_requests *requests, const struct async_web_opts *opts)
{
    web_list_init(&requests->all);
    requests->arg = opts->arg;
    requests->middleware = opts->middleware;
    while (opts->middleware && opts->middleware[requests->layers])
        requests->layers++;
    requests->proxies = opts->trusted_proxies;
    requests->handler_timeout = opts->handler_timeout;
    requests->error_page = opts->error_page;
    return web_access_log_open(&requests->log, opts);
}

/* A spare record is linked through the first field of its link. */
static async_web_request *next_spare(const async_web_request *rq)
{
    return (async_web_request *)(void *)rq->link.next;
}

void web_requests_free(struct web_requests *requests)
{
    web_access_log_close(&requests->log);
    for (async_web_request *rq; (rq = requests->spare);) {
        requests->spare = next_spare(rq);
        free(rq);
    }
}

static async_web_request *take_spare(struct web_requests *requests)
{
    async_web_request *rq = requests->spare;
    if (!rq)
        return malloc(sizeof *rq);
    requests->spare = next_spare(rq);
    requests->spare_count--;
    return rq;
}

async_web_request *web_request_new(struct web_requests *requests, struct web_connection *connection)
{
    async_web_request *rq = take_spare(requests);
    if (!rq)
        return NULL;
    memset(rq, 0, offsetof(async_web_request, arena));
    web_arena_init(&rq->arena);
    rq->requests = requests;
    rq->connection = connection;
    rq->mhd = connection->peer.mhd;
    rq->method = "";
    rq->uri = (struct web_uri){ "", 0, "", "" };
    rq->began = connection->all->driver->now;
    web_list_init(&rq->queue_link);
    web_list_append(&requests->all, &rq->link);
    requests->active++;
    requests->total++;
    return rq;
}

void web_request_free(async_web_request *rq)
{
    struct web_requests *requests = rq->requests;
    web_list_remove(&rq->link);
    web_response_free(&rq->response);
    web_stream_buffer_free(&rq->stream.buffer);
    web_stream_buffer_free(&rq->body_stream.buffer);
    web_body_free(&rq->body);
    web_arena_free(&rq->arena);
    if (requests->spare_count == SPARE_MAX) {
        free(rq);
        return;
    }
    rq->link.next = (struct web_link *)(void *)requests->spare;
    requests->spare = rq;
    requests->spare_count++;
}

int web_request_fail(async_web_request *rq, int status)
{
    if (rq->requests->error_page)
        rq->requests->error_page(rq, status);
    if (rq->response.status == 0)
        web_response_set_error(&rq->response, status);
    return rq->response.status ? 0 : -ENOMEM;
}

void web_request_log(async_web_request *rq, double now)
{
    struct web_access_log *log = &rq->requests->log;
    if (!web_access_log_is_on(log))
        return;
    const async_web_log entry = {
        .client = async_web_client(rq),
        .method = rq->method,
        .target = rq->uri.raw,
        .status = rq->response.status ? rq->response.status : 499,
        .size = rq->is_head ? 0 : rq->response.size,
        .seconds = now - rq->began,
        .referer = MHD_lookup_connection_value(rq->mhd, MHD_HEADER_KIND, "Referer"),
        .user_agent = MHD_lookup_connection_value(rq->mhd, MHD_HEADER_KIND, "User-Agent"),
    };
    web_access_log_add(log, &entry);
}
