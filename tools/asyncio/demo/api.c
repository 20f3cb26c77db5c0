/* SPDX-License-Identifier: MIT */
/* api.c - the server's side of the demonstration: users, and a delay as of a busy database. */
#include "demo.h"

#include <asyncio/scope.h>
#include <asyncio/task.h>

#include <stdio.h>

void demo_user(int id, char *name, char *email)
{
    static const char *const first[] = { "Ada",   "Alan", "Barbara",  "Dennis",  "Edsger",
                                         "Grace", "Ken",  "Margaret", "Niklaus", "Radia" };
    static const char *const last[] = { "Abel",   "Bauer",  "Costa", "Dahl", "Evans",
                                        "Fujita", "Garcia", "Huber", "Ito",  "Jensen" };
    const char *a = first[id % 10], *b = last[id / 10 % 10];
    snprintf(name, 64, "%s %s", a, b);
    snprintf(email, 64, "%s.%s.%d@example.org", a, b, id);
}

ASYNC_DEF(wait_as_a_database, (struct demo_api *)api)
{
    api->running++;
    if (api->running > api->most)
        api->most = api->running;
    int r = await_sleep(DEMO_SECONDS);
    api->running--;
    return r;
}

ASYNC_DEF(get_user, (async_web_request *)rq)
{
    char name[64], email[64], json[256];
    int64_t id;
    if (async_web_param_int(rq, "id", &id) < 0 || id < 1 || id > DEMO_USERS)
        return async_web_json(rq, 404, "{\"error\":\"no such user\"}");
    ASYNC_TRY(await_wait_as_a_database(async_web_arg(rq)));
    demo_user((int)id, name, email);
    snprintf(json, sizeof json, "{\"id\":%d,\"name\":\"%s\",\"email\":\"%s\"}", (int)id, name, email);
    return async_web_json(rq, 200, json);
}

const async_web_route demo_routes[] = { { "GET", "/users/{id}", get_user }, { 0 } };
