/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <stdlib.h>
#include <string.h>

enum { SPARE_MAX = 64 };

void web_requests_init(struct web_requests *requests, void *arg)
{
    web_list_init(&requests->all);
    requests->arg = arg;
}

/* A spare record is linked through the first field of its link. */
static async_web_request *next_spare(const async_web_request *rq)
{
    return (async_web_request *)(void *)rq->link.next;
}

void web_requests_free(struct web_requests *requests)
{
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
