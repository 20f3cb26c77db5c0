/* SPDX-License-Identifier: MIT */
/* co.c - coroutine objects without macros. */
#include <asyncio/co.h>

#include "task/scope.h"

struct call {
    int (*fn)(void *arg);
    void *arg;
};

static int call_run(void *frame)
{
    struct call *c = frame;
    return c->fn(c->arg);
}

async_co async_call(int (*fn)(void *arg), void *arg, const char *name)
{
    async_co co = { .run = call_run, .name = name };
    memcpy(co.frame, &(struct call){ fn, arg }, sizeof(struct call));
    return co;
}

int await_co(async_co co)
{
    async_task *t;
    int r = await_begin(&t, "await_co");
    return r < 0 ? r : co.run(co.frame);
}
