/* SPDX-License-Identifier: MIT */
/* handlers.h - the tasks in which the handlers of a server run. */
#ifndef WEB_HANDLERS_H
#define WEB_HANDLERS_H

#include "driver.h"
#include "list.h"
#include "report.h"
#include "request.h"

#include <asyncio/group.h>
#include <asyncio/sync.h>

struct web_handlers {
    struct web_driver *driver;
    struct web_requests *requests;
    async_group *group;    /* of the tasks; NULL: not open yet, or not any more */
    struct web_link queue; /* requests that wait for a task to take them */
    size_t stack_size;     /* of a task; 0: the default */
    size_t running, most;  /* handlers now, and the most at a time; queued ones count */
    async_event fewer;     /* .running has decreased */
    struct web_reports reports;
    bool stopping; /* the server stops: a cancelled handler is no failure */
    bool refusing; /* queued handlers must not begin */
};

void web_handlers_init(struct web_handlers *h, struct web_driver *driver,
                       struct web_requests *requests, size_t stack_size);

/* Start the handler of a request that is complete. Its group must be open, or the server be
 * stopping: then the response is 503. */
void web_handler_start(struct web_handlers *h, async_web_request *rq);

/* Called while a request is still queued, each time MHD polls for its response. */
void web_handler_check_queued(struct web_handlers *h, async_web_request *rq);

/* The client is gone: cancel the handler of the request. One that has not begun will not run.
 * May free the request. */
void web_handler_client_gone(struct web_handlers *h, async_web_request *rq);

/* Cancel all handlers that run, because the server stops. Those that are queued will not run. */
void web_handlers_cancel(struct web_handlers *h);

/* Is the calling task being cancelled because it is a handler, or works for one, of a server that
 * stops? */
bool web_stop_has_cancelled_current(void);

/* The group has ended: answer the requests that are still queued with 503. */
void web_handlers_refuse_queued(struct web_handlers *h);

/* Is the calling task one of the handlers? */
bool web_handlers_include_current(const struct web_handlers *h);

#endif
