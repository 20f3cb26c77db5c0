/* SPDX-License-Identifier: MIT */
/* demo.h - `asyncio demo`: a web API and its client in one process, and its users. */
#ifndef ASYNCIO_TOOL_DEMO_H
#define ASYNCIO_TOOL_DEMO_H

#include <asyncio/web.h>

#include <stddef.h>

/* An exit status: 0 if every answer was right. */
int demo_main(int argc, char **argv);

/* ---- the API: GET /users/{id}, for 1 to DEMO_USERS, takes DEMO_SECONDS ---- */

enum { DEMO_USERS = 1000 };
#define DEMO_SECONDS 0.05

struct demo_api {
    int running, most; /* requests at the same time, as the server sees them */
};
extern const async_web_route demo_routes[]; /* for a server whose .arg is a struct demo_api */

/* What the API says of a user; both buffers have room for 64. */
void demo_user(int id, char *name, char *email);

#endif
