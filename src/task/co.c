/* SPDX-License-Identifier: MIT */
/* co.c - coroutine objects without macros. */
#include <asyncio/co.h>

#include <stdio.h>

#include "task/scope.h"
#include "task/task.h"

/* The frame of an object that async_call() makes. The name lies in the object, because the caller's
 * string may go; the object itself may be copied, so no pointer to the name is kept in it. */
struct function_call {
    int (*fn)(void *arg);
    void *arg;
    char name[ASYNC_FRAME_MAX - 2 * sizeof(void *)];
};

static int run_function(void *frame)
{
    struct function_call *c = frame;
    return c->fn(c->arg);
}

async_co async_call(int (*fn)(void *arg), void *arg, const char *name)
{
    async_co co = { .run = run_function };
    struct function_call c = { .fn = fn, .arg = arg };
    snprintf(c.name, sizeof c.name, "%s", name ? name : "task");
    memcpy(co.frame, &c, sizeof c);
    return co;
}

const char *async__co_name(const async_co *co)
{
    if (co->run == run_function)
        return ((const struct function_call *)(const void *)co->frame)->name;
    return co->name;
}

/* Never called: its type is what ASYNC__REF() needs. */
async_co async_coroutine_object_expected_such_as_job_1_(void)
{
    return (async_co){ .run = NULL };
}

int await_co(async_co co)
{
    async_task *t;
    int r = await_begin(&t, "await_co");
    return r < 0 ? r : co.run(co.frame);
}
