/* SPDX-License-Identifier: MIT */
/* api.h - the web API of the demonstration: GET /users/{id}, for ids from 1 to DEMO_USERS. */
#ifndef DEMO_API_H
#define DEMO_API_H

#include <asyncio/web.h>

enum { DEMO_USERS = 1000, DEMO_TEXT_SIZE = 64 };

struct demo_api {
    double delay;            /* seconds that each request takes */
    int running, concurrent; /* requests in progress, and how many there were at most */
};

/* The routes of a server whose .arg is a struct demo_api. */
extern const async_web_route demo_routes[];

/* Store what the API returns for a user. Both buffers have DEMO_TEXT_SIZE bytes. */
void demo_user(int id, char *name, char *email);

#endif
