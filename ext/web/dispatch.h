/* SPDX-License-Identifier: MIT */
/* dispatch.h - from connections to handlers: receives requests from MHD, finds their routes, starts
 * their handlers, and hands the responses back. */
#ifndef WEB_DISPATCH_H
#define WEB_DISPATCH_H

#include "accept.h"
#include "connections.h"
#include "driver.h"
#include "handlers.h"
#include "request.h"
#include "routes.h"

struct web_dispatch {
    struct web_driver driver;
    struct web_acceptor acceptor;
    struct web_routes routes;
    struct web_connections connections;
    struct web_requests requests;
    struct web_handlers handlers;
    const async_task *opener; /* the task that will open the group; NULL: the caller's */
    size_t body_limit;
    bool stopping; /* no further requests are accepted */
};

/* Begin to listen and to serve. opts are complete: all defaults are filled in. End it with
 * web_dispatch_close(), also after an error.
 *
 * Returns    0, or the errors of web_routes_compile() and web_listen(). */
int web_dispatch_open(struct web_dispatch *d, const async_web_route *routes,
                      const struct async_web_opts *opts);

/* Close the connections and free everything. No handler may run any more. Can be called twice. */
void web_dispatch_close(struct web_dispatch *d);

/* A group for the handlers is open: start those of requests that came before it. */
void web_dispatch_open_group(struct web_dispatch *d, async_group *group);

/* Accept no further connections and no further requests. */
void web_dispatch_stop_accepting(struct web_dispatch *d);

#endif
