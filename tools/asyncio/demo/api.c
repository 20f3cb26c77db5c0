/* SPDX-License-Identifier: MIT */
/* api.c - the web API of the demonstration: users, with the delay of a busy database. */
#include "api.h"

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
    snprintf(name, DEMO_TEXT_SIZE, "%s %s", a, b);
    snprintf(email, DEMO_TEXT_SIZE, "%s.%s.%d@example.org", a, b, id);
}

ASYNC_DEF(query_database, (struct demo_api *)api)
{
    api->running++;
    if (api->running > api->concurrent)
        api->concurrent = api->running;
    int r = await_sleep(api->delay);
    api->running--;
    return r;
}

ASYNC_DEF(get_user, (async_web_request *)rq)
{
    char name[DEMO_TEXT_SIZE], email[DEMO_TEXT_SIZE], json[256];
    int64_t id;
    if (async_web_param_int(rq, "id", &id) < 0 || id < 1 || id > DEMO_USERS)
        return async_web_json(rq, 404, "{\"error\":\"no such user\"}");
    ASYNC_TRY(await_query_database(async_web_arg(rq)));
    demo_user((int)id, name, email);
    snprintf(json, sizeof json, "{\"id\":%d,\"name\":\"%s\",\"email\":\"%s\"}", (int)id, name,
             email);
    return async_web_json(rq, 200, json);
}

const async_web_route demo_routes[] = { { "GET", "/users/{id}", get_user }, { 0 } };
