/* SPDX-License-Identifier: MIT */
/* routes.h - which handler serves a request: its method and path against the table of routes. */
#ifndef WEB_ROUTES_H
#define WEB_ROUTES_H

#include "arena.h"
#include "uri.h"

#include <asyncio/web.h>

enum { WEB_PARAMS_MAX = 8 }; /* parameters in the path of one route */

struct web_route {
    const async_web_route *user;
    char *name;    /* "GET /users/{id}": the name of the handlers' tasks */
    bool streamed; /* its handlers read the body themselves */
};

struct web_routes {
    struct web_route *list;
    size_t count;
};

struct web_param {
    const char *name;  /* inside the route's path, where it ends at '}' or at "...}" */
    const char *value; /* decoded */
};

/* What web_routes_find() has found. */
struct web_match {
    const struct web_route *route;
    struct web_param params[WEB_PARAMS_MAX];
    size_t count;
    const char *allow; /* with 405: the methods that the path has */
};

/* Check tables of routes and prepare them. Free the result with web_routes_free(), also after an
 * error.
 *
 * streamed   routes whose handlers read the body themselves; may be NULL.
 * Returns    0; -EINVAL if both tables are empty or one has an invalid route, which the message
 *            quotes; -ENOMEM. */
int web_routes_compile(struct web_routes *routes, const async_web_route *table,
                       const async_web_route *streamed);
void web_routes_free(struct web_routes *routes);

/* Find the first route for a method and a path. Values are decoded into the arena.
 *
 * Returns    0, or a status: 400 if the value of a parameter could lead out of a folder, 404 if no
 *            route has the path, 405 if routes have it with other methods only, 503 without
 *            memory. */
int web_routes_find(const struct web_routes *routes, const char *method, const struct web_uri *uri,
                    struct web_arena *arena, struct web_match *ret);

/* Return the value of a path parameter, or NULL. */
const char *web_match_param(const struct web_match *match, const char *name);

#endif
