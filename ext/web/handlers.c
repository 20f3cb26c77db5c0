/* SPDX-License-Identifier: MIT */
/* handlers.c - one task for each request. A request waits in a queue until a task takes it,
 * instead of being an argument of its task: a task can be cancelled before it has run, and would
 * then take the request with it. */
#include "handlers.h"

#include "response_stream.h"

#include <asyncio/error.h>
#include <asyncio/scope.h>

#include <errno.h>

/* How many runs of MHD a request may be queued until another task is created for it. */
enum { PATIENCE = 2 };

/* The status for a handler that has ended without a response. */
static int status_of_result(const struct web_handlers *h, const async_web_request *rq, int result)
{
    return rq->timed_out || (h->stopping && result == -ECANCELED) ? 503 : 500;
}

/* The handler has ended, or will not run: hand the response over to MHD, or free the request if MHD
 * has completed it already. */
static void finish_request(struct web_handlers *h, async_web_request *rq, int result)
{
    web_list_remove(&rq->queue_link);
    rq->task = NULL;
    h->running--;
    async_event_set(&h->fewer);
    if (rq->stream.begun)
        web_stream_end_with_handler(rq, result);
    else if (rq->response.status == 0 && !rq->client_gone)
        async_ignore(web_request_fail(rq, status_of_result(h, rq, result)));
    rq->phase = WEB_ENDED;
    web_body_stream_drop(rq);
    if (rq->mhd) {
        web_peer_resume(&rq->connection->peer);
        web_driver_schedule(h->driver);
    } else {
        web_request_free(rq);
    }
}

static void refuse_request(struct web_handlers *h, async_web_request *rq)
{
    async_ignore(web_request_fail(rq, 503));
    finish_request(h, rq, 0);
}

/* Is the result one that the end of a handler's own connection can account for? It was
 * cancelled, or its stream had no reader any more, or it passed on what it found when it used
 * the connection. */
static bool is_disconnect(int result)
{
    return result >= 0 || result == -ECANCELED || result == -EPIPE || result == -ECONNRESET ||
           result == -ENODATA;
}

/* Is the end of a handler to be reported? Clients go away all the time, and servers are stopped:
 * what follows from that is no failure. */
static bool is_reportable(const struct web_handlers *h, const async_web_request *rq, int result)
{
    if (rq->client_gone)
        return !is_disconnect(result);
    if (h->stopping && result == -ECANCELED)
        return false;
    return result < 0 || rq->response.status == 0;
}

/* Run the next middleware, or the handler if there is none. */
static int await_layer(async_web_request *rq)
{
    const struct web_requests *all = rq->requests;
    unsigned layer = rq->layer++;
    async_web_handler handler =
            layer < all->layers ? all->middleware[layer] : rq->match.route->user->handler;
    async_co co = handler(rq);
    int r = co.run(co.frame);
    rq->layer = layer;
    return r;
}

int await_web_next(async_web_request *rq)
{
    async_event set = { .set = true };
    int r = await_event_wait(&set); /* a cancellation point that does not wait */
    if (r < 0)
        return r;
    if (rq->layer == 0 || rq->layer > rq->requests->layers)
        return async_fail(-EINVAL, "await_web_next() was not called by a middleware");
    return await_layer(rq);
}

static int await_layers_in_time(async_web_request *rq, double seconds)
{
    int r;
    await_timeout (r, seconds) {
        rq->deadline = async_blocks_;
        r = await_layer(rq);
        rq->deadline = NULL;
        rq->timed_out = async_expired();
    }
    if (rq->timed_out && r == -ETIMEDOUT)
        return async_fail(r, "it took longer than .handler_timeout");
    return r;
}

static int await_handler(struct web_handlers *h, async_web_request *rq)
{
    double seconds = rq->requests->handler_timeout;
    if (rq->client_gone || h->refusing)
        return -ECANCELED;
    int r = seconds > 0 ? await_layers_in_time(rq, seconds) : await_layer(rq);
    if (r >= 0 && web_stream_is_short(rq))
        r = async_fail(-EPROTO, "the response is shorter than its .size");
    return r;
}

/* The body of each task: run the handler of the first request in the queue. It is empty if a
 * task was created in place of one that had only been slow. Returns 0, because a request that fails
 * is no failure of the server, or -ECANCELED if the task was cancelled, which is none either. */
static int await_next_request(void *handlers)
{
    struct web_handlers *h = handlers;
    if (web_list_is_empty(&h->queue))
        return 0;
    async_web_request *rq = web_container(h->queue.next, async_web_request, queue_link);
    web_list_remove(&rq->queue_link);
    rq->phase = WEB_RUNNING;
    rq->task = async_current_task();
    int r = await_handler(h, rq);
    if (is_reportable(h, rq, r))
        web_report(&h->reports, rq->method, rq->uri.path, r);
    finish_request(h, rq, r);
    return r == -ECANCELED && async_cancelling() > 0 ? r : 0;
}

static void create_handler_task(struct web_handlers *h, async_web_request *rq)
{
    struct async_task_opts opts = { .site = ASYNC_HERE, .stack_size = h->stack_size };
    async_co co = async_call(await_next_request, h, rq->match.route->name);
    rq->queued_in = h->driver->runs;
    if (!h->group || async_spawn_opt(h->group, &co, &opts) < 0)
        refuse_request(h, rq);
}

void web_handler_start(struct web_handlers *h, async_web_request *rq)
{
    rq->phase = WEB_QUEUED;
    web_list_append(&h->queue, &rq->queue_link);
    if (++h->running > h->most)
        h->most = h->running;
    create_handler_task(h, rq);
}

/* A request that is still queued after some runs of MHD was probably left over by a task that
 * was cancelled before it ran. One more task is created, whichever request it was meant for. If
 * the guess was wrong, that task finds the queue empty. */
void web_handler_check_queued(struct web_handlers *h, async_web_request *rq)
{
    if (h->driver->runs - rq->queued_in > PATIENCE)
        create_handler_task(h, rq);
}

void web_handler_client_gone(struct web_handlers *h, async_web_request *rq)
{
    rq->client_gone = true;
    if (rq->phase == WEB_QUEUED)
        finish_request(h, rq, 0);
    else if (rq->task)
        async_task_cancel(rq->task, .reason = "the client went away");
}

/* The source location that is the cause of each cancellation by web_handlers_cancel(). */
static const async_site *stop_site(void)
{
    return ASYNC_HERE;
}

bool web_stop_has_cancelled_current(void)
{
    return async_cancel_cause().site == stop_site();
}

void web_handlers_cancel(struct web_handlers *h)
{
    const struct async_cancel_opts opts = { stop_site(), "the server stops" };
    h->refusing = true;
    for (struct web_link *l = h->requests->all.next; l != &h->requests->all; l = l->next) {
        async_web_request *rq = web_container(l, async_web_request, link);
        if (rq->task)
            async_task_cancel_opt(rq->task, &opts);
    }
}

void web_handlers_refuse_queued(struct web_handlers *h)
{
    while (!web_list_is_empty(&h->queue))
        refuse_request(h, web_container(h->queue.next, async_web_request, queue_link));
}

bool web_handlers_include_current(const struct web_handlers *h)
{
    const async_task *current = async_current_task();
    const struct web_link *all = &h->requests->all;
    for (const struct web_link *l = all->next; l != all; l = l->next)
        if (current && web_container(l, const async_web_request, link)->task == current)
            return true;
    return false;
}

void web_handlers_init(struct web_handlers *h, struct web_driver *driver,
                       struct web_requests *requests, size_t stack_size)
{
    h->driver = driver;
    h->requests = requests;
    h->stack_size = stack_size;
    web_list_init(&h->queue);
}
